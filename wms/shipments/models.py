# SPDX-License-Identifier: Apache-2.0
"""What leaves together: shipments, their lines, and the packages they become."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from wms.platform.tables import BrandOwned, brand_key, enum_type


class ShipmentState(StrEnum):
    HELD = "held"
    RELEASED = "released"
    PICKING = "picking"
    PICKED = "picked"
    PACKED = "packed"
    LABELLING = "labelling"  # A label is being bought: the carrier has been, or is about to be, called.
    LABELLED = "labelled"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class Shipment(BrandOwned, table=True):
    """One parcel run to one door. ``release_at`` is the one clock: the end of the edit window."""

    __tablename__ = "shipment"
    __table_args__ = (
        brand_key("recipient_id", "recipient"),
        sa.Index("ix_shipment_due", "release_at", postgresql_where=sa.text("state = 'held'")),
        sa.Index(
            "ix_shipment_open",
            "warehouse_id",
            "state",
            postgresql_where=sa.text("state NOT IN ('held', 'delivered', 'cancelled')"),
        ),
    )
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    recipient_id: UUID
    state: ShipmentState = Field(default=ShipmentState.HELD, sa_type=enum_type(ShipmentState))
    service: str = Field(max_length=32)
    release_at: datetime
    released_at: datetime | None = None
    late_since: datetime | None = None
    # A change that must be settled before anything is packed or labelled (`wms.changes`).
    pending_changes: int = 0
    master_tracking: str | None = Field(default=None, max_length=64)
    version: int = 0


class ShipmentLine(BrandOwned, table=True):
    """How much of an order line leaves with this shipment."""

    __tablename__ = "shipment_line"
    __table_args__ = (
        brand_key("shipment_id", "shipment"),
        brand_key("order_id", "orders"),
        brand_key("order_line_id", "order_line"),
        brand_key("sku_id", "sku"),
        sa.UniqueConstraint("brand_id", "shipment_id", "order_line_id"),
        sa.CheckConstraint("quantity >= 0 AND 0 <= picked AND picked <= quantity", name="quantity"),
        sa.Index("ix_shipment_line_order", "brand_id", "order_id"),
        # The floor and the release loop look across brands.
        sa.Index("ix_shipment_line_shipment", "shipment_id"),
        sa.Index("ix_shipment_line_order_line", "brand_id", "order_line_id"),
    )
    shipment_id: UUID
    order_id: UUID
    order_line_id: UUID
    sku_id: UUID
    quantity: int
    picked: int = 0


class PackageState(StrEnum):
    OPEN = "open"  # On the packing bench.
    PACKED = "packed"  # Closed and weighed.
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class Package(BrandOwned, table=True):
    """One box of a shipment. Weight in grams, outer size in millimetres; ``sscc`` is its GS1 licence plate."""

    __tablename__ = "package"
    __table_args__ = (
        brand_key("shipment_id", "shipment"),
        sa.UniqueConstraint("brand_id", "shipment_id", "number"),
        sa.Index("ix_package_tracking", "tracking_number"),
        sa.Index("ix_package_sscc", "sscc"),
    )
    shipment_id: UUID
    number: int
    carton_id: UUID | None = Field(default=None, foreign_key="carton.id")
    weight_g: int = 0
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    sscc: str = Field(max_length=18)
    tracking_number: str | None = Field(default=None, max_length=64)
    state: PackageState = Field(default=PackageState.OPEN, sa_type=enum_type(PackageState))
    # The fold of the carrier's events, and when the carrier says it happened.
    tracking_status: str | None = Field(default=None, max_length=32)
    tracking_at: datetime | None = None
    label_verified_at: datetime | None = None
    handed_over_at: datetime | None = None


class PackageLine(BrandOwned, table=True):
    __tablename__ = "package_line"
    __table_args__ = (
        brand_key("package_id", "package"),
        brand_key("shipment_line_id", "shipment_line"),
        sa.UniqueConstraint("brand_id", "package_id", "shipment_line_id"),
        sa.CheckConstraint("quantity > 0", name="quantity"),
        # Every scan at the bench asks how much of a line is packed.
        sa.Index("ix_package_line_shipment_line", "brand_id", "shipment_line_id"),
    )
    package_id: UUID
    shipment_line_id: UUID
    quantity: int
