# SPDX-License-Identifier: Apache-2.0
"""Adjustments: one row for each thing that is owed, never netted."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from wms.platform.tables import BrandOwned, brand_key, enum_type


class AdjustmentKind(StrEnum):
    INVOICE_DUE = "invoice_due"  # The shopper owes the brand: an add-on.
    REFUND_DUE = "refund_due"  # The brand owes the shopper: something cancelled, or paid too late.
    SHIPPING_REFUND_DUE = "shipping_refund_due"  # The brand owes the shopper the charge of a parcel that was saved.
    COST = "cost"  # The brand owes the warehouse: a void that the carrier refused, a return to origin.


class AdjustmentState(StrEnum):
    DUE = "due"
    SETTLED = "settled"
    WAIVED = "waived"
    LAPSED = "lapsed"  # An add-on that was not paid in time.


class Adjustment(BrandOwned, table=True):
    """``amount_minor`` in minor units of ``currency``, always positive: the kind says who owes it."""

    __tablename__ = "adjustment"
    __table_args__ = (
        brand_key("order_id", "orders"),
        sa.UniqueConstraint("brand_id", "order_id", "kind", "cause"),
        sa.CheckConstraint("amount_minor >= 0", name="amount"),
        sa.Index("ix_adjustment_due", "brand_id", "due_until", postgresql_where=sa.text("state = 'due'")),
    )
    order_id: UUID
    kind: AdjustmentKind = Field(sa_type=enum_type(AdjustmentKind))
    amount_minor: int = Field(sa_type=sa.BigInteger)
    currency: str = Field(max_length=3)
    state: AdjustmentState = Field(default=AdjustmentState.DUE, sa_type=enum_type(AdjustmentState))
    # What made it due, once: `change:<id>`, `combined:<shipment id>`, `void:<purchase id>`.
    cause: str = Field(max_length=80)
    reason: str = Field(max_length=80)
    due_until: datetime | None = None
    settled_ref: str | None = Field(default=None, max_length=80)
    created_at: datetime
    closed_at: datetime | None = None
