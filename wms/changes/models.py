# SPDX-License-Identifier: Apache-2.0
"""Every late change that anybody asked for, with its answer: refusals are kept like the rest."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from wms.platform.tables import BrandOwned, brand_key, enum_type, json_column


class ChangeKind(StrEnum):
    ADD_ITEMS = "add_items"
    REDUCE = "reduce"  # Remove lines, or take pieces off them.
    ADDRESS = "address"
    CONTACT = "contact"  # Phone, e-mail, notes for the courier.
    SERVICE = "service"
    SPLIT_OFF = "split_off"
    MERGE = "merge"
    CANCEL = "cancel"


class ChangeAnswer(StrEnum):
    APPLIED = "applied"
    APPLIED_WITH_REWORK = "applied_with_rework"
    REQUESTED = "requested"  # Somebody else's answer decides: a label under way, the carrier.
    AWAITING_PAYMENT = "awaiting_payment"
    REFUSED = "refused"


class Change(BrandOwned, table=True):
    """One change of one order. ``ref`` is the caller's own reference: the same one again is answered from here."""

    __tablename__ = "change"
    __table_args__ = (
        brand_key("order_id", "orders"),
        brand_key("recipient_id", "recipient"),
        sa.UniqueConstraint("brand_id", "order_id", "ref"),
        sa.Index("ix_change_open", "asked_at", postgresql_where=sa.text("answer IN ('requested', 'awaiting_payment')")),
    )
    order_id: UUID
    ref: str = Field(max_length=64)
    kind: ChangeKind = Field(sa_type=enum_type(ChangeKind))
    content_sha256: bytes
    # What was asked, without anything that names a person; a new address is a recipient row of its own.
    request: dict[str, Any] = json_column(default_factory=dict)
    recipient_id: UUID | None = None
    stage: str = Field(max_length=32)
    answer: ChangeAnswer = Field(sa_type=enum_type(ChangeAnswer))
    reason_code: str = Field(default="", max_length=64)
    detail: str = Field(default="", max_length=300)
    # What it costs and what else is open, as the caller was told.
    outcome: dict[str, Any] = json_column(default_factory=dict)
    actor: str = Field(max_length=80)
    asked_at: datetime
    resolved_at: datetime | None = None
