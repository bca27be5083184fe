# SPDX-License-Identifier: Apache-2.0
"""Tenants and the people and programs that act for them."""

from datetime import datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, field_validator
from pydantic import Field as Limit
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from wms.platform.ids import new_id
from wms.platform.tables import BrandOwned, WarehouseOwned, json_column


class OnShortage(StrEnum):
    """What intake does with an order that stock cannot cover."""

    REJECT = "reject"  # Refuse the order and name every shortage.
    BACKORDER = "backorder"  # Accept it; it waits, held, until stock arrives.
    PARTIAL = "partial"  # Accept what there is; the rest is cancelled at once.


class OnShortPick(StrEnum):
    """What happens to the quantity that a picker did not find and no other bin has."""

    CANCEL_LINE = "cancel_line"
    BACKORDER = "backorder"  # It is split off into a shipment that waits for stock; the rest ships.


class Consolidation(StrEnum):
    """Whether orders for the same door travel together."""

    OFF = "off"
    SUGGEST = "suggest"  # Only when somebody asks for it; the desk and the API show candidates.
    AUTO = "auto"  # At intake, whenever it is possible.


class ConsolidateUntil(StrEnum):
    """The last stage of a shipment at which another order may still join it."""

    HELD = "held"
    PICKING = "picking"
    PACKED = "packed"


class AddOns(StrEnum):
    """How an item that a shopper forgot is sold."""

    EDIT_ORDER = "edit_order"
    NEW_ORDER = "new_order"
    BY_PAYMENT = "by_payment"  # Edit while payment is only authorised; a new order once it is captured.


class CutOff(BaseModel):
    """When the carrier collects a service: a wall time of the warehouse on some weekdays (Monday is 0)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: str = Limit(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    weekdays: frozenset[int] = Limit(default=frozenset(range(5)), min_length=1)
    at: time

    @field_validator("weekdays")
    @classmethod
    def _are_weekdays(cls, value: frozenset[int]) -> frozenset[int]:
        if not value <= frozenset(range(7)):
            raise ValueError("weekdays are 0 (Monday) to 6 (Sunday)")
        return value

    @field_validator("at")
    @classmethod
    def _is_wall_time(cls, value: time) -> time:
        if value.tzinfo is not None or value.second or value.microsecond:
            raise ValueError("a cut-off is a wall time of the warehouse, such as 16:30")
        return value


class Policy(BaseModel):
    """What a brand lets us decide alone. Stored as JSON, validated whenever it is read or written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    edit_window_seconds: int = Limit(default=900, ge=0, le=7 * 86_400)
    max_hold_seconds: int | None = Limit(default=None, ge=0, le=30 * 86_400)
    # How long before a promised ship-by the warehouse must have the shipment released.
    processing_seconds: int = Limit(default=7_200, ge=0, le=7 * 86_400)
    on_shortage: OnShortage = OnShortage.REJECT
    on_short_pick: OnShortPick = OnShortPick.CANCEL_LINE
    default_country: str = Limit(default="GB", pattern=r"^[A-Z]{2}$")
    default_currency: str = Limit(default="GBP", pattern=r"^[A-Z]{3}$")
    default_service: str = Limit(default="standard", pattern=r"^[a-z][a-z0-9_]{0,31}$")
    cut_offs: tuple[CutOff, ...] = Limit(default=(), max_length=100)
    consolidation: Consolidation = Consolidation.OFF
    consolidate_until: ConsolidateUntil = ConsolidateUntil.HELD
    add_ons: AddOns = AddOns.NEW_ORDER
    # How long an edited order waits for its add-on to be paid.
    payment_window_seconds: int = Limit(default=900, ge=0, le=7 * 86_400)
    # Where shoppers pay for add-ons: `{ref}` and `{adjustment}` are filled in.
    payment_link: str = Limit(default="", max_length=300, pattern=r"^(https://[^\s]+)?$")
    packing_slip_message: str = Limit(default="", max_length=500)


class Warehouse(WarehouseOwned, table=True):
    """One building: an island of stock, waves and labels with a time zone of its own."""

    __tablename__ = "warehouse"
    code: str = Field(max_length=32, unique=True)
    name: str = Field(max_length=120)
    time_zone: str = Field(max_length=64)
    # Keys: company, street, city, region, postcode, country, phone, email. The ship-from of every label.
    address: dict[str, str] = json_column()
    gs1_company_prefix: str = Field(max_length=12)


class Brand(SQLModel, table=True):
    """A tenant. ``code`` is how people on the floor call it."""

    __tablename__ = "brand"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(max_length=32, unique=True)
    name: str = Field(max_length=120)
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    colour: str = Field(default="#1f2937", max_length=7)
    logo_png: bytes | None = Field(default=None)
    policy_data: dict[str, Any] = json_column(default_factory=dict)
    created_at: datetime

    @property
    def policy(self) -> Policy:
        # While a new version is rolled out, an old process may read a rule that it does not know yet.
        return Policy.model_validate(self.policy_data, extra="ignore")


class ApiKey(BrandOwned, table=True):
    """A key ``wk_<public id>_<secret>``. Only the secret's SHA-256 is kept: random as it is, that will do."""

    __tablename__ = "api_key"
    __table_args__ = (sa.Index("ix_api_key_public_id", "public_id"),)
    public_id: str = Field(max_length=12)
    secret_sha256: bytes
    name: str = Field(max_length=80)
    scopes: list[str] = Field(sa_type=ARRAY(sa.String(40)))
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class Role(StrEnum):
    PICKER = "picker"
    PACKER = "packer"
    DOCK = "dock"
    STOCK = "stock"
    SUPERVISOR = "supervisor"  # May do everything on the floor.


class Staff(WarehouseOwned, table=True):
    """A person on the floor: a badge to scan and a PIN to type."""

    __tablename__ = "staff"
    warehouse_id: UUID = Field(foreign_key="warehouse.id")
    badge: str = Field(max_length=32, unique=True)
    name: str = Field(max_length=80)
    pin_scrypt: bytes
    roles: list[str] = Field(sa_type=ARRAY(sa.String(32)))
    failed_logins: int = 0
    locked_until: datetime | None = None
    active: bool = True


class StaffSession(WarehouseOwned, table=True):
    """A login on one device. The cookie's SHA-256 is kept, never the cookie."""

    __tablename__ = "staff_session"
    staff_id: UUID = Field(foreign_key="staff.id", index=True)
    token_sha256: bytes = Field(unique=True)
    created_at: datetime
    seen_at: datetime
