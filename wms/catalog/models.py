# SPDX-License-Identifier: Apache-2.0
"""What is stored and shipped, and what it is shipped in."""

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from wms.platform.tables import BrandOwned, WarehouseOwned, brand_key


class Sku(BrandOwned, table=True):
    """An article of one brand. Grams, millimetres, minor units of money."""

    __tablename__ = "sku"
    __table_args__ = (
        sa.UniqueConstraint("brand_id", "code"),
        sa.CheckConstraint("weight_g >= 0 AND length_mm >= 0 AND width_mm >= 0 AND height_mm >= 0", name="size"),
    )
    code: str = Field(max_length=64)
    name: str = Field(max_length=200)
    weight_g: int = 0
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    hs_code: str | None = Field(default=None, max_length=14)
    origin_country: str | None = Field(default=None, max_length=2)
    declared_value_minor: int | None = None
    currency: str | None = Field(default=None, max_length=3)
    lot_tracked: bool = False
    serial_tracked: bool = False
    active: bool = True


class Barcode(SQLModel, table=True):
    """A code that a scanner may read on the article; one article may carry several."""

    __tablename__ = "barcode"
    __table_args__ = (brand_key("sku_id", "sku"), sa.Index("ix_barcode_code", "code"))
    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    code: str = Field(primary_key=True, max_length=64)
    sku_id: UUID = Field(index=True)


class Carton(WarehouseOwned, table=True):
    """A box on the packing bench: inner size in millimetres, own weight and what it may carry in grams."""

    __tablename__ = "carton"
    __table_args__ = (sa.UniqueConstraint("warehouse_id", "code"),)
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    code: str = Field(max_length=32)
    name: str = Field(max_length=80)
    length_mm: int
    width_mm: int
    height_mm: int
    weight_g: int
    max_weight_g: int
