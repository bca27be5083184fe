# SPDX-License-Identifier: Apache-2.0
"""Stock on two levels: what may be sold (counter and promises), and what lies where (bins, allocations, the ledger)."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from wms.platform.tables import BrandOwned, WarehouseOwned, brand_key, enum_type


class LocationKind(StrEnum):
    PICK = "pick"
    RESERVE = "reserve"  # Bulk stock: counts as sellable, is replenished into pick bins before it is picked.
    RECEIVING = "receiving"
    QUARANTINE = "quarantine"  # Never sellable.


class Location(WarehouseOwned, table=True):
    """A place with a barcode. ``route_order`` is its position on the walk through the building."""

    __tablename__ = "location"
    __table_args__ = (sa.UniqueConstraint("warehouse_id", "code"),)
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    code: str = Field(max_length=32)
    kind: LocationKind = Field(default=LocationKind.PICK, sa_type=enum_type(LocationKind))
    route_order: int = 0


class StockCounter(SQLModel, table=True):
    """What may be promised of one SKU in one building: on hand (bins and totes) less what is promised."""

    __tablename__ = "stock_counter"
    __table_args__ = (
        brand_key("sku_id", "sku"),
        sa.CheckConstraint("0 <= promised AND promised <= sellable", name="promised_within_sellable"),
    )
    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    warehouse_id: UUID = Field(primary_key=True, foreign_key="warehouse.id")
    sku_id: UUID = Field(primary_key=True)
    sellable: int = 0
    promised: int = 0


class PromiseState(StrEnum):
    LIVE = "live"
    SHIPPED = "shipped"
    RELEASED = "released"  # Given back: cancelled, or stock was found missing.


class Promise(BrandOwned, table=True):
    """Stock promised to one order line. Only live promises count."""

    __tablename__ = "promise"
    __table_args__ = (
        brand_key("sku_id", "sku"),
        brand_key("order_line_id", "order_line"),
        sa.CheckConstraint("quantity > 0", name="quantity"),
        sa.Index("ix_promise_line", "brand_id", "order_line_id"),
        sa.Index("ix_promise_live", "brand_id", "sku_id", postgresql_where=sa.text("state = 'live'")),
    )
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    sku_id: UUID
    order_line_id: UUID
    quantity: int
    state: PromiseState = Field(default=PromiseState.LIVE, sa_type=enum_type(PromiseState))


class BinStock(SQLModel, table=True):
    """What lies in one location, per lot (the empty lot where the SKU has none), and how much of it is spoken for."""

    __tablename__ = "bin_stock"
    __table_args__ = (
        brand_key("sku_id", "sku"),
        sa.CheckConstraint("0 <= allocated AND allocated <= on_hand", name="allocated_within_on_hand"),
        sa.Index("ix_bin_stock_location", "location_id"),
    )
    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    sku_id: UUID = Field(primary_key=True)
    location_id: UUID = Field(primary_key=True, foreign_key="location.id")
    lot: str = Field(default="", primary_key=True, max_length=64)
    on_hand: int = 0
    allocated: int = 0


class AllocationState(StrEnum):
    OPEN = "open"
    PICKED = "picked"
    CANCELLED = "cancelled"


class Allocation(BrandOwned, table=True):
    """Goods in one bin set aside for one shipment line; ``picked`` of ``quantity`` is in the tote."""

    __tablename__ = "allocation"
    __table_args__ = (
        brand_key("sku_id", "sku"),
        brand_key("shipment_line_id", "shipment_line"),
        sa.CheckConstraint("quantity > 0 AND 0 <= picked AND picked <= quantity", name="quantity"),
        sa.Index("ix_allocation_line", "brand_id", "shipment_line_id"),
        sa.Index(
            "ix_allocation_open",
            "brand_id",
            "sku_id",
            "location_id",
            postgresql_where=sa.text("state = 'open'"),
        ),
    )
    shipment_line_id: UUID
    sku_id: UUID
    location_id: UUID = Field(foreign_key="location.id")
    lot: str = Field(default="", max_length=64)
    quantity: int
    picked: int = 0
    state: AllocationState = Field(default=AllocationState.OPEN, sa_type=enum_type(AllocationState))


class Account(StrEnum):
    """Where goods are, as the ledger sees it. Bins and totes are ours and sellable; the rest is the world outside."""

    BIN = "bin"
    TOTE = "tote"  # Picked or packed, not handed over.
    SUPPLIER = "supplier"
    SHIPPED = "shipped"
    ADJUSTMENT = "adjustment"  # Found, lost, broken: the reason says which.


class StockMove(BrandOwned, table=True):
    """One leg of a movement. The legs of a group sum to zero; a trigger refuses to change or delete one."""

    __tablename__ = "stock_move"
    __table_args__ = (
        brand_key("sku_id", "sku"),
        # A movement is made once by its cause: a scan that is sent twice, a receipt that is sent twice.
        sa.UniqueConstraint(
            "brand_id",
            "group_id",
            "account",
            "sku_id",
            "location_id",
            "lot",
            postgresql_nulls_not_distinct=True,
        ),
        sa.Index("ix_stock_move_sku", "brand_id", "sku_id", "account"),
    )
    group_id: UUID
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    account: Account = Field(sa_type=enum_type(Account))
    location_id: UUID | None = Field(default=None, foreign_key="location.id")
    lot: str = Field(default="", max_length=64)
    sku_id: UUID
    quantity: int
    reason: str = Field(max_length=40)
    reference: str = Field(default="", max_length=80)
    actor: str = Field(max_length=80)
    at: datetime
