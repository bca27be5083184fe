# SPDX-License-Identifier: Apache-2.0
"""Labels, the purchases that made them, and the manifests that go with the driver."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field

from carriers.port import AmendmentKind
from wms.platform.tables import BrandOwned, WarehouseOwned, brand_key, enum_type, json_column


class CarrierAccount(WarehouseOwned, table=True):
    """An account with a carrier. Credentials and the callback secret are encrypted at rest."""

    __tablename__ = "carrier_account"
    __table_args__ = (sa.UniqueConstraint("warehouse_id", "code"),)
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    code: str = Field(max_length=32)
    carrier: str = Field(max_length=32)
    base_url: str = Field(max_length=200)
    credentials: bytes  # Encrypted JSON object.
    callback_secret: bytes  # Encrypted text.
    # Our service classes, and what this carrier calls each. A shipment goes to the first account that knows
    # its class.
    services: dict[str, Any] = json_column(default_factory=dict)


class PurchaseState(StrEnum):
    CALLING = "calling"  # The intent is committed; the carrier has been, or is about to be, called.
    BOUGHT = "bought"
    REFUSED = "refused"
    # The answer was lost: asked again with the same key, looked up, or resolved by a person.
    UNKNOWN = "unknown"


class LabelPurchase(BrandOwned, table=True):
    """The intent to buy labels for all packages of a shipment, made before the carrier is called.

    ``key`` never changes; a new attempt, with a new key, is made only after a proven refusal or a void.
    """

    __tablename__ = "label_purchase"
    __table_args__ = (
        brand_key("shipment_id", "shipment"),
        brand_key("extends_id", "label_purchase"),
        sa.UniqueConstraint("brand_id", "shipment_id", "attempt"),
        sa.UniqueConstraint("brand_id", "key"),
        sa.Index("ix_label_purchase_master_tracking", "master_tracking"),
        sa.Index("ix_label_purchase_open", "asked_at", postgresql_where=sa.text("state IN ('calling', 'unknown')")),
        sa.Index("ix_label_purchase_needs_person", "asked_at", postgresql_where=sa.text("needs_person")),
    )
    shipment_id: UUID
    attempt: int
    # The purchase whose shipment at the carrier these are further pieces of, under its master number.
    extends_id: UUID | None = None
    key: str = Field(max_length=64)
    account_id: UUID = Field(foreign_key="carrier_account.id")
    state: PurchaseState = Field(default=PurchaseState.CALLING, sa_type=enum_type(PurchaseState))
    ship_to_sha256: bytes  # Of the address that went on the labels.
    carrier_shipment_id: str | None = Field(default=None, max_length=80)
    master_tracking: str | None = Field(default=None, max_length=64)
    reason_code: str | None = Field(default=None, max_length=80)
    reason: str | None = Field(default=None, max_length=300)
    # A call was begun whose end is not known: labels may exist, so the carrier is asked what it has before it
    # is asked to sell.
    in_doubt: bool = False
    needs_person: bool = False
    requested_by: str = Field(max_length=80)
    # Real time, because how long an answer may take has nothing to do with business time.
    asked_at: datetime
    resolved_at: datetime | None = None


class AmendmentState(StrEnum):
    CALLING = "calling"  # The intent is committed; the carrier has been, or is about to be, asked.
    REQUESTED = "requested"  # The carrier decides later: it pushes its answer, or is asked for it again.
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # The carrier's answer was lost: looked up, or asked again under the same key.


class Amendment(BrandOwned, table=True):
    """What the carrier is asked about a shipment that it already has: go elsewhere, reach them so, bring it back.

    ``recipient_id`` is the new door, or whose new phone and e-mail the driver is to use.
    """

    __tablename__ = "amendment"
    __table_args__ = (
        brand_key("shipment_id", "shipment"),
        brand_key("purchase_id", "label_purchase"),
        brand_key("recipient_id", "recipient"),
        sa.UniqueConstraint("brand_id", "key"),
        # A second question of one kind waits for the answer to the first.
        sa.Index(
            "uq_amendment_open",
            "brand_id",
            "shipment_id",
            "kind",
            unique=True,
            postgresql_where=sa.text("state IN ('calling', 'requested', 'unknown')"),
        ),
        sa.Index("ix_amendment_needs_person", "asked_at", postgresql_where=sa.text("needs_person")),
    )
    shipment_id: UUID
    purchase_id: UUID
    kind: AmendmentKind = Field(sa_type=enum_type(AmendmentKind))
    key: str = Field(max_length=64)
    state: AmendmentState = Field(default=AmendmentState.CALLING, sa_type=enum_type(AmendmentState))
    recipient_id: UUID | None = None
    note: str = Field(default="", max_length=200)
    reason_code: str | None = Field(default=None, max_length=80)
    reason: str | None = Field(default=None, max_length=300)
    # A question was begun whose end is not known, as with a purchase.
    in_doubt: bool = False
    needs_person: bool = False
    requested_by: str = Field(max_length=80)
    # Real time, as with a purchase.
    asked_at: datetime
    resolved_at: datetime | None = None


class LabelState(StrEnum):
    CALLING = "calling"
    BOUGHT = "bought"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    VOID_REQUESTED = "void_requested"
    VOIDED = "voided"


class Label(BrandOwned, table=True):
    """One piece of a purchase: at most one label of a package is live (calling, unknown or bought)."""

    __tablename__ = "label"
    __table_args__ = (
        brand_key("purchase_id", "label_purchase"),
        brand_key("package_id", "package"),
        sa.Index(
            "uq_label_live",
            "brand_id",
            "package_id",
            unique=True,
            postgresql_where=sa.text("state IN ('calling', 'unknown', 'bought')"),
        ),
        sa.Index("ix_label_purchase_id", "brand_id", "purchase_id"),
        sa.Index("ix_label_barcode", "barcode"),
        sa.Index("ix_label_tracking_number", "tracking_number"),
    )
    purchase_id: UUID
    package_id: UUID
    state: LabelState = Field(default=LabelState.CALLING, sa_type=enum_type(LabelState))
    tracking_number: str | None = Field(default=None, max_length=64)
    barcode: str | None = Field(default=None, max_length=80)
    pdf: bytes | None = None
    zpl: bytes | None = None
    reason: str | None = Field(default=None, max_length=300)
    verified_by: str | None = Field(default=None, max_length=80)  # Who scanned it on its package.
    manifest_id: UUID | None = Field(default=None, foreign_key="manifest.id", index=True)


class LabelPrint(BrandOwned, table=True):
    """Each print of a label; every print after the first has a reason."""

    __tablename__ = "label_print"
    __table_args__ = (brand_key("label_id", "label"), sa.Index("ix_label_print_label", "brand_id", "label_id"))
    label_id: UUID
    reason: str = Field(default="", max_length=120)
    actor: str = Field(max_length=80)
    at: datetime


class ManifestState(StrEnum):
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Manifest(WarehouseOwned, table=True):
    """What one carrier collects on one day of the warehouse's calendar; packages join at the dock."""

    __tablename__ = "manifest"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "day", "number"),
        sa.Index("uq_manifest_open", "account_id", unique=True, postgresql_where=sa.text("state = 'open'")),
    )
    account_id: UUID = Field(foreign_key="carrier_account.id")
    day: date
    number: int
    state: ManifestState = Field(default=ManifestState.OPEN, sa_type=enum_type(ManifestState))
    carrier_reference: str | None = Field(default=None, max_length=80)
    # Why the carrier did not take it; somebody looks into it and closes it again.
    reason: str | None = Field(default=None, max_length=300)
    created_at: datetime
    closed_by: str | None = Field(default=None, max_length=80)
    closed_at: datetime | None = None
