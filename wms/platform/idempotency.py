# SPDX-License-Identifier: Apache-2.0
"""The key of a transport retry (``Idempotency-Key``), beside the caller's own reference, which is idempotent for ever.

The key, the work and the stored answer are one transaction. Only answers of success are stored: a refusal changed
nothing, so asking again asks anew. Keys are kept for 7 days.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text
from sqlmodel import Field, Session, SQLModel

from wms.platform.clock import real_now
from wms.platform.errors import Conflict, WmsError

KEPT_DAYS = 7


class IdempotencyKey(SQLModel, table=True):
    __tablename__ = "idempotency_key"
    __table_args__ = (sa.Index("ix_idempotency_key_created_at", "created_at"),)
    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    key: str = Field(primary_key=True, max_length=255)
    fingerprint: bytes
    status: int
    body: bytes
    created_at: datetime


class KeyReused(WmsError):
    """The key was used for another request before."""

    status = 422
    code = "idempotency_key_reused"


class KeyInFlight(Conflict):
    """The first request with this key has not been answered yet."""

    code = "idempotency_key_in_flight"


@dataclass(frozen=True)
class StoredAnswer:
    status: int
    body: bytes


def recall(session: Session, brand_id: UUID, key: str, fingerprint: bytes) -> StoredAnswer | None:
    """Returns the stored answer of ``key``, or ``None`` when the caller shall do the work in this transaction.

    Raises :class:`KeyInFlight` while another transaction works under the key and :class:`KeyReused` when the
    fingerprint (method, path and body) differs from the first request's.
    """
    free = session.execute(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"{brand_id}:{key}"}
    ).scalar_one()
    if not free:
        raise KeyInFlight("A request with this Idempotency-Key is being worked on. Ask again in a moment.")
    row = session.execute(
        text("SELECT fingerprint, status, body FROM idempotency_key WHERE brand_id = :brand_id AND key = :key"),
        {"brand_id": brand_id, "key": key},
    ).first()
    if row is None:
        return None
    if bytes(row.fingerprint) != fingerprint:
        raise KeyReused("This Idempotency-Key was used for another request. Use a new key for a new request.")
    return StoredAnswer(row.status, bytes(row.body))


def remember(session: Session, brand_id: UUID, key: str, fingerprint: bytes, answer: StoredAnswer) -> None:
    """Stores the answer in the transaction that made it true."""
    session.execute(
        text(
            "INSERT INTO idempotency_key (brand_id, key, fingerprint, status, body, created_at)"
            " VALUES (:brand_id, :key, :fingerprint, :status, :body, :at)"
        ),
        {
            "brand_id": brand_id,
            "key": key,
            "fingerprint": fingerprint,
            "status": answer.status,
            "body": answer.body,
            "at": real_now(),
        },
    )


def forget_old_keys(session: Session) -> int:
    """Deletes keys past their 7 days; returns how many."""
    return len(
        session.execute(
            text(
                "DELETE FROM idempotency_key WHERE ctid IN (SELECT ctid FROM idempotency_key"
                f" WHERE created_at < now() - interval '{KEPT_DAYS} days' LIMIT 5000) RETURNING 1"
            )
        ).all()
    )
