# SPDX-License-Identifier: Apache-2.0
"""Work on the floor: carts, totes, pick lists, and every scan once."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from wms.platform.tables import BrandOwned, WarehouseOwned, brand_key, enum_type, json_column


class Tote(WarehouseOwned, table=True):
    """A reusable box with a barcode; it carries one shipment at a time, from the first pick to the end of packing."""

    __tablename__ = "tote"
    __table_args__ = (
        sa.UniqueConstraint("warehouse_id", "code"),
        brand_key("shipment_id", "shipment"),
        sa.Index(
            "uq_tote_shipment",
            "brand_id",
            "shipment_id",
            unique=True,
            postgresql_where=sa.text("shipment_id IS NOT NULL"),
        ),
    )
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    code: str = Field(max_length=32)
    brand_id: UUID | None = None
    shipment_id: UUID | None = None


class PickListState(StrEnum):
    OPEN = "open"
    WALKING = "walking"
    DONE = "done"


class PickList(WarehouseOwned, table=True):
    """One walk with one cart. ``number`` is printed and scanned."""

    __tablename__ = "pick_list"
    __table_args__ = (sa.UniqueConstraint("warehouse_id", "number"),)
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    number: int
    state: PickListState = Field(default=PickListState.OPEN, sa_type=enum_type(PickListState))
    staff_id: UUID | None = Field(default=None, foreign_key="staff.id")
    created_at: datetime
    done_at: datetime | None = None


class PickTaskState(StrEnum):
    OPEN = "open"
    PICKED = "picked"
    SHORT = "short"  # Less was found than asked; the rest was found elsewhere or decided by the brand's policy.
    CANCELLED = "cancelled"


class PickTask(BrandOwned, table=True):
    """Fetch the goods of one allocation. ``sequence`` is the stop on the walk, ``slot`` the tote's place (1..n)."""

    __tablename__ = "pick_task"
    __table_args__ = (
        brand_key("allocation_id", "allocation"),
        brand_key("shipment_id", "shipment"),
        sa.UniqueConstraint("brand_id", "allocation_id"),
        sa.Index("ix_pick_task_list", "pick_list_id", "sequence"),
        sa.Index("ix_pick_task_shipment", "brand_id", "shipment_id"),
    )
    pick_list_id: UUID = Field(foreign_key="pick_list.id")
    allocation_id: UUID
    shipment_id: UUID
    sequence: int
    slot: int
    state: PickTaskState = Field(default=PickTaskState.OPEN, sa_type=enum_type(PickTaskState))


class PutBackState(StrEnum):
    OPEN = "open"
    DONE = "done"


class PutBack(BrandOwned, table=True):
    """Picked goods that a change took out of a shipment again; they wait at the bench until somebody shelves them."""

    __tablename__ = "put_back"
    __table_args__ = (
        brand_key("shipment_id", "shipment"),
        brand_key("sku_id", "sku"),
        sa.CheckConstraint("quantity > 0 AND 0 <= done AND done <= quantity", name="quantity"),
        sa.Index("ix_put_back_open", "warehouse_id", postgresql_where=sa.text("state = 'open'")),
    )
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    shipment_id: UUID
    sku_id: UUID
    lot: str = Field(default="", max_length=64)
    quantity: int
    done: int = 0
    state: PutBackState = Field(default=PutBackState.OPEN, sa_type=enum_type(PutBackState))
    created_at: datetime


class FloorAction(SQLModel, table=True):
    """A scan or a form, by the id that the device made for it: sent twice, it is answered from here and done once."""

    __tablename__ = "floor_action"
    id: UUID = Field(primary_key=True)
    staff_id: UUID = Field(foreign_key="staff.id")
    kind: str = Field(max_length=40)
    outcome: dict[str, Any] = json_column(default_factory=dict)
    at: datetime
