# SPDX-License-Identifier: Apache-2.0
"""What all tables have in common: names of constraints, text enums, and the brand in every key."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from wms.platform.ids import new_id

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def enum_type(enum: type[StrEnum]) -> Any:
    """Text with a CHECK that lists the values: a native PostgreSQL enum cannot be downgraded."""
    return sa.Enum(
        enum,
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


class BrandOwned(SQLModel):
    """A row of one brand. The key starts with the brand, so a foreign key can never leave it."""

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(default_factory=new_id, primary_key=True)


class WarehouseOwned(SQLModel):
    """A row of the warehouse itself: no brand, seen by all of the floor."""

    id: UUID = Field(default_factory=new_id, primary_key=True)


def brand_key(column: str, table: str, **kwargs: Any) -> sa.ForeignKeyConstraint:
    """Returns the foreign key (brand_id, column) -> table (brand_id, id)."""
    return sa.ForeignKeyConstraint(["brand_id", column], [f"{table}.brand_id", f"{table}.id"], **kwargs)


def json_column(**kwargs: Any) -> Any:
    """A JSONB column. Assign a new value to change it; changes inside a value are not noticed."""
    return Field(sa_type=JSONB, **kwargs)


def is_brand_owned(table: sa.Table) -> bool:
    """Says whether row-level security must guard the table: it names a brand, or it is the brand."""
    return table.name == "brand" or "brand_id" in table.columns


class BusinessClock(SQLModel, table=True):
    """At most one row: the instant that business time stands at while a replay moves it."""

    __tablename__ = "business_clock"
    now_at: datetime = Field(primary_key=True)
