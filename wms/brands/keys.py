# SPDX-License-Identifier: Apache-2.0
"""API keys ``wk_<public id>_<secret>``: shown once, stored as a hash, scoped, expiring, revocable.

Whether a key holds is a matter of real time: a replay that moves business time must neither revive nor end
one.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.brands.models import ApiKey, Brand
from wms.platform.clock import real_now
from wms.platform.errors import Invalid, NotFound, Unauthenticated


class Grant(StrEnum):
    """What a key may do."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    EVENTS_READ = "events:read"
    POLICY_READ = "policy:read"
    POLICY_WRITE = "policy:write"


ALL_GRANTS: Final = tuple(grant.value for grant in Grant)
_KEY: Final = re.compile(r"wk_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class Caller:
    """Who is behind a key that holds. ``public_id`` is the part of the key that may be logged."""

    brand_id: UUID
    brand_code: str
    public_id: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        return f"brand:{self.brand_code}"


def issue_key(
    session: Session,
    brand: Brand,
    name: str,
    scopes: Iterable[str] = ALL_GRANTS,
    expires_at: datetime | None = None,
) -> str:
    """Makes a key and returns its clear text, which is kept nowhere: it can be shown this once.

    Raises :class:`Invalid` for a scope that does not exist or an expiry in the past.
    """
    wanted = sorted(set(scopes))
    if unknown := [scope for scope in wanted if scope not in ALL_GRANTS]:
        raise Invalid(f"There is no scope {', '.join(unknown)}. Scopes are {', '.join(ALL_GRANTS)}.")
    if expires_at is not None and expires_at <= real_now():
        raise Invalid("A key cannot expire in the past.")
    public_id = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    session.add(
        ApiKey(
            brand_id=brand.id,
            public_id=public_id,
            secret_sha256=_hash(secret),
            name=name,
            scopes=wanted,
            created_at=real_now(),
            expires_at=expires_at,
        )
    )
    return f"wk_{public_id}_{secret}"


def authenticate(session: Session, clear_key: str) -> Caller:
    """Returns the caller behind a key; needs the warehouse's scope, because the brand is what the key tells.

    Raises :class:`Unauthenticated`, in the same words for a key that never was, one that expired and one
    that was revoked. Notes the use of the key at most once a minute.
    """
    shape = _KEY.fullmatch(clear_key)
    if shape is None:
        raise _refusal()
    public_id, secret = shape.groups()
    found = session.exec(
        select(ApiKey, Brand.code).where(col(Brand.id) == col(ApiKey.brand_id), ApiKey.public_id == public_id)
    ).all()
    hashed = _hash(secret)
    for key, brand_code in found:
        if hmac.compare_digest(key.secret_sha256, hashed) and _holds(key):
            _note_use(session, key)
            return Caller(key.brand_id, brand_code, key.public_id, frozenset(key.scopes))
    raise _refusal()


def revoke_key(session: Session, brand: Brand, public_id: str) -> None:
    """Ends a key. Processes that know it forget it within 5 seconds. Raises :class:`NotFound`."""
    wanted = select(ApiKey).where(ApiKey.brand_id == brand.id, ApiKey.public_id == public_id)
    key = session.exec(wanted).first()
    if key is None:
        raise NotFound(f"The brand {brand.code} has no key {public_id}.")
    key.revoked_at = key.revoked_at or real_now()


def _holds(key: ApiKey) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > real_now())


def _note_use(session: Session, key: ApiKey) -> None:
    session.execute(
        text(
            "UPDATE api_key SET last_used_at = :now WHERE brand_id = :brand_id AND id = :id"
            " AND (last_used_at IS NULL OR last_used_at < :now - interval '1 minute')"
        ),
        {"now": real_now(), "brand_id": key.brand_id, "id": key.id},
    )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _refusal() -> Unauthenticated:
    return Unauthenticated("This needs a valid API key: send the header `Authorization: Bearer wk_…`.")
