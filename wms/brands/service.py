# SPDX-License-Identifier: Apache-2.0
"""Buildings, tenants and their policies; keys and staff live in files beside this one, by the same door."""

import re
from zoneinfo import ZoneInfo, available_timezones

from sqlmodel import Session, select

from wms.brands.keys import ALL_GRANTS, Caller, Grant, authenticate, issue_key, revoke_key
from wms.brands.models import Brand, Policy, Warehouse
from wms.brands.staff import LoginRefused, forget_old_sessions, hire, log_in, log_out, staff_of
from wms.platform.clock import now
from wms.platform.errors import Conflict, Invalid, NotFound

__all__ = [
    "ALL_GRANTS",
    "Caller",
    "Grant",
    "LoginRefused",
    "authenticate",
    "brand_by_code",
    "create_brand",
    "create_warehouse",
    "forget_old_sessions",
    "hire",
    "issue_key",
    "log_in",
    "log_out",
    "revoke_key",
    "set_policy",
    "staff_of",
    "time_zone_of",
    "warehouse_by_code",
]

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_PREFIX = re.compile(r"[0-9]{4,12}")
_PNG = b"\x89PNG\r\n\x1a\n"
_LOGO_MAX_BYTES = 200_000
ADDRESS_KEYS = ("company", "street", "city", "region", "postcode", "country", "phone", "email")


def create_warehouse(
    session: Session, code: str, name: str, time_zone: str, address: dict[str, str], gs1_company_prefix: str
) -> Warehouse:
    """Adds a building. ``address`` is the ship-from of its labels; its keys are ``ADDRESS_KEYS``.

    Raises :class:`Invalid` for a code, time zone, address or GS1 prefix that cannot be, :class:`Conflict` for
    a code in use.
    """
    _check_code(code)
    if time_zone not in available_timezones():
        raise Invalid(f"There is no time zone {time_zone} in the IANA database.")
    if not _PREFIX.fullmatch(gs1_company_prefix):
        raise Invalid("A GS1 company prefix is 4 to 12 digits.")
    if unknown := sorted(set(address) - set(ADDRESS_KEYS)):
        raise Invalid(f"A warehouse's address has no {', '.join(unknown)}.")
    if missing := [key for key in ("company", "street", "city", "country") if not address.get(key)]:
        raise Invalid(f"A warehouse's address needs {', '.join(missing)}.")
    if session.exec(select(Warehouse.id).where(Warehouse.code == code)).first() is not None:
        raise Conflict(f"There is a warehouse {code} already.")
    warehouse = Warehouse(
        code=code,
        name=name,
        time_zone=time_zone,
        address={key: address.get(key, "") for key in ADDRESS_KEYS},
        gs1_company_prefix=gs1_company_prefix,
    )
    session.add(warehouse)
    return warehouse


def create_brand(
    session: Session,
    warehouse: Warehouse,
    code: str,
    name: str,
    policy: Policy | None = None,
    colour: str = "#1f2937",
    logo_png: bytes | None = None,
) -> Brand:
    """Adds a tenant of ``warehouse``; needs the warehouse's scope.

    Raises :class:`Invalid` for a bad code, colour or logo, :class:`Conflict` for a code in use.
    """
    _check_code(code)
    if not _COLOUR.fullmatch(colour):
        raise Invalid("A colour is written #rrggbb.")
    if logo_png is not None and not (logo_png.startswith(_PNG) and len(logo_png) <= _LOGO_MAX_BYTES):
        raise Invalid("A logo is a PNG of at most 200 kB.")
    if session.exec(select(Brand.id).where(Brand.code == code)).first() is not None:
        raise Conflict(f"There is a brand {code} already.")
    brand = Brand(
        code=code,
        name=name,
        warehouse_id=warehouse.id,
        colour=colour,
        logo_png=logo_png,
        policy_data=(policy or Policy()).model_dump(mode="json"),
        created_at=now(session),
    )
    session.add(brand)
    # Rows of the brand that follow in this transaction may be written by SQL, which sees no pending objects.
    session.flush()
    return brand


def set_policy(session: Session, brand: Brand, policy: Policy) -> None:
    """Replaces the brand's policy. Orders accepted before keep the clock that they were given."""
    brand.policy_data = policy.model_dump(mode="json")
    session.add(brand)


def brand_by_code(session: Session, code: str) -> Brand:
    """Returns the brand; raises :class:`NotFound`."""
    brand = session.exec(select(Brand).where(Brand.code == code)).first()
    if brand is None:
        raise NotFound(f"There is no brand {code}.")
    return brand


def warehouse_by_code(session: Session, code: str) -> Warehouse:
    """Returns the building; raises :class:`NotFound`."""
    warehouse = session.exec(select(Warehouse).where(Warehouse.code == code)).first()
    if warehouse is None:
        raise NotFound(f"There is no warehouse {code}.")
    return warehouse


def time_zone_of(warehouse: Warehouse) -> ZoneInfo:
    """Returns the building's own time zone: for cut-offs, screens and the days of manifests."""
    return ZoneInfo(warehouse.time_zone)


def _check_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise Invalid("A code is 1 to 32 letters, digits, hyphens and underscores, and begins with no sign.")
