# SPDX-License-Identifier: Apache-2.0
"""What carriers push to us: kept raw first, understood afterwards."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from wms.platform.tables import BrandOwned, WarehouseOwned, brand_key, enum_type, json_column


class InboxState(StrEnum):
    PENDING = "pending"
    FOLDED = "folded"
    UNMATCHED = "unmatched"  # No parcel of ours yet; tried again when labels are recorded, for 30 days.
    UNREADABLE = "unreadable"  # Signed by the carrier, but not in a form that we know.


class InboxEvent(WarehouseOwned, table=True):
    """One callback as it arrived, verified, once per account and event id."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "event_id"),
        sa.Index(
            "ix_inbox_event_open",
            "received_at",
            postgresql_where=sa.text("state IN ('pending', 'unmatched')"),
        ),
        sa.Index(
            "ix_inbox_event_waiting",
            "tracking_numbers",
            postgresql_using="gin",
            postgresql_where=sa.text("state IN ('pending', 'unmatched')"),
        ),
    )
    account_id: UUID = Field(foreign_key="carrier_account.id")
    event_id: str = Field(max_length=120)
    headers: dict[str, Any] = json_column(default_factory=dict)
    body: bytes
    # Whom it is about, read at the door: a label that is recorded later finds its events by these.
    tracking_numbers: list[str] = Field(default_factory=list, sa_type=ARRAY(sa.String(64)))
    state: InboxState = Field(default=InboxState.PENDING, sa_type=enum_type(InboxState))
    received_at: datetime


class TrackingEvent(BrandOwned, table=True):
    """One normalised event of one labelled package; its state is the fold of all of its live label's, in any order.

    An event under a master number is one row for each of its labels.
    """

    __tablename__ = "tracking_event"
    __table_args__ = (
        brand_key("package_id", "package"),
        brand_key("label_id", "label"),
        sa.UniqueConstraint("brand_id", "account_id", "event_id", "label_id"),
        sa.Index("ix_tracking_event_package", "brand_id", "package_id"),
        sa.Index("ix_tracking_event_label", "brand_id", "label_id"),
    )
    package_id: UUID
    label_id: UUID
    account_id: UUID = Field(foreign_key="carrier_account.id")
    event_id: str = Field(max_length=120)
    status: str = Field(max_length=32)
    raw_code: str = Field(max_length=80)
    raw_text: str = Field(default="", max_length=300)
    location: str = Field(default="", max_length=120)
    occurred_at: datetime
