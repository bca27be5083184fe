# SPDX-License-Identifier: Apache-2.0
"""What was sold: orders, their lines, who they go to, why they wait, and the story of each."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from wms.platform.tables import BrandOwned, brand_key, enum_type, json_column


class OrderState(StrEnum):
    ACCEPTED = "accepted"
    RELEASED = "released"
    PICKING = "picking"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class PaymentState(StrEnum):
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    COD = "cod"  # Collected by the carrier at the door.


class Recipient(BrandOwned, table=True):
    """Everything that names a person. The shopper's text is kept as it was written; only this table is erased."""

    __tablename__ = "recipient"
    __table_args__ = (sa.Index("ix_recipient_key", "brand_id", "key"),)
    name: str = Field(max_length=120)
    company: str = Field(default="", max_length=120)
    street: str = Field(max_length=240)  # One to three lines, separated by line feeds.
    city: str = Field(default="", max_length=120)
    region: str = Field(default="", max_length=80)
    postcode: str = Field(default="", max_length=20)
    country: str = Field(max_length=2)
    phone: str = Field(default="", max_length=40)
    email: str = Field(default="", max_length=254)
    # Normalised name and address (`wms.orders.recipients`): equal keys are the same door.
    key: str = Field(default="", max_length=64)
    # What we doubt about it, as sentences; never a reason to rewrite it.
    warnings: list[str] = json_column(default_factory=list)


class Order(BrandOwned, table=True):
    """One sale, kept as the brand sent it. ``ref`` is the brand's own number, accepted once for ever."""

    __tablename__ = "orders"
    __table_args__ = (
        sa.UniqueConstraint("brand_id", "ref"),
        brand_key("recipient_id", "recipient"),
        sa.Index(
            "uq_orders_combine_code",
            "brand_id",
            "combine_code",
            unique=True,
            postgresql_where=sa.text("combine_code IS NOT NULL"),
        ),
        sa.CheckConstraint("shipping_charge_minor >= 0 AND cod_amount_minor >= 0", name="money"),
    )
    ref: str = Field(max_length=64)
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    recipient_id: UUID
    state: OrderState = Field(default=OrderState.ACCEPTED, sa_type=enum_type(OrderState))
    service: str = Field(max_length=32)
    ship_by: datetime | None = None
    # When it must be released to make its promise; nothing where nothing is promised. Moves on when it is missed.
    latest_release: datetime | None = None
    late_since: datetime | None = None
    addon_asked_at: datetime | None = None
    # A later order that names it joins this order's shipment.
    combine_code: str | None = Field(default=None, max_length=16)
    payment_state: PaymentState = Field(default=PaymentState.CAPTURED, sa_type=enum_type(PaymentState))
    currency: str = Field(max_length=3)
    shipping_charge_minor: int = Field(default=0, sa_type=sa.BigInteger)
    cod_amount_minor: int = Field(default=0, sa_type=sa.BigInteger)
    notes: str = Field(default="", max_length=500)
    content_sha256: bytes  # Of the order as first accepted; later changes leave it alone.
    accepted_at: datetime
    version: int = 0  # Counts the events: `order_event.seq` of the newest.


class OrderLine(BrandOwned, table=True):
    __tablename__ = "order_line"
    __table_args__ = (
        brand_key("order_id", "orders"),
        brand_key("sku_id", "sku"),
        sa.UniqueConstraint("brand_id", "order_id", "line_no"),
        sa.CheckConstraint(
            "quantity > 0 AND cancelled >= 0 AND shipped >= 0 AND cancelled + shipped <= quantity",
            name="quantity",
        ),
    )
    order_id: UUID
    line_no: int
    sku_id: UUID
    quantity: int
    cancelled: int = 0
    shipped: int = 0
    unit_price_minor: int = Field(default=0, sa_type=sa.BigInteger)
    # An add-on that is not paid yet: it is in no shipment until it is.
    awaiting_payment: bool = False


class HoldKind(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    ADDRESS_REVIEW = "address_review"
    OUT_OF_STOCK = "out_of_stock"
    FRAUD_REVIEW = "fraud_review"
    AWAITING_RETURN = "awaiting_return"
    BRAND_REQUEST = "brand_request"
    WAREHOUSE_REQUEST = "warehouse_request"


class Hold(BrandOwned, table=True):
    """Somebody's reason to wait. It blocks the order, or only one shipment of it where ``shipment_id`` is given."""

    __tablename__ = "hold"
    __table_args__ = (
        brand_key("order_id", "orders"),
        brand_key("shipment_id", "shipment"),
        sa.Index(
            "uq_hold_active_handle",
            "brand_id",
            "order_id",
            "owner",
            "handle",
            unique=True,
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
    )
    order_id: UUID
    shipment_id: UUID | None = None
    kind: HoldKind = Field(sa_type=enum_type(HoldKind))
    owner: str = Field(max_length=80)
    handle: str = Field(max_length=80)
    note: str = Field(default="", max_length=300)
    until: datetime | None = None  # Lifts by itself then.
    release_stock: bool = False  # The stock was given back; lifting promises it anew.
    placed_at: datetime
    lifted_at: datetime | None = None


class EventKind(StrEnum):
    ACCEPTED = "accepted"
    HELD = "held"
    HOLD_LIFTED = "hold_lifted"
    RELEASED = "released"
    PICKING_STARTED = "picking_started"
    LINE_CANCELLED = "line_cancelled"
    LINE_BACKORDERED = "line_backordered"
    PICKED = "picked"
    PACKED = "packed"
    LABEL_BOUGHT = "label_bought"
    LABEL_REFUSED = "label_refused"
    LABEL_UNKNOWN = "label_unknown"
    LABEL_VOIDED = "label_voided"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_EXCEPTION = "delivery_exception"
    PARTLY_DELIVERED = "partly_delivered"  # One shipment of several has arrived.
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    LATE = "late"  # Its promise cannot be met any more; the next cut-off is taken.
    COMBINED = "combined"  # It travels with other orders.
    SEPARATED = "separated"
    CHANGE_APPLIED = "change_applied"
    CHANGE_REQUESTED = "change_requested"
    CHANGE_REFUSED = "change_refused"
    LINE_ADDED = "line_added"
    ADDON_LAPSED = "addon_lapsed"
    PAYMENT_REPORTED = "payment_reported"
    RETURNING = "returning"
    RETURNED = "returned"


class OrderEvent(SQLModel, table=True):
    """One sentence of an order's story, gapless by ``seq``. ``feed_position`` is given after the commit, once."""

    __tablename__ = "order_event"
    __table_args__ = (
        brand_key("order_id", "orders"),
        sa.UniqueConstraint("brand_id", "feed_position"),
        sa.Index("ix_order_event_unsequenced", "at", postgresql_where=sa.text("feed_position IS NULL")),
    )
    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    order_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    id: UUID
    kind: EventKind = Field(sa_type=enum_type(EventKind))
    state: OrderState = Field(sa_type=enum_type(OrderState))  # Of the order, after the event.
    data: dict[str, Any] = json_column(default_factory=dict)
    actor: str = Field(max_length=80)
    at: datetime
    feed_position: int | None = Field(default=None, sa_type=sa.BigInteger)
