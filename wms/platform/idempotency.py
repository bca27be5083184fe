# SPDX-License-Identifier: Apache-2.0
"""The key of a transport retry (``Idempotency-Key``), beside the caller's own reference, which is idempotent for ever.

The key, the work and the stored answer are one transaction. Only answers of success are stored: a refusal changed
nothing, so asking again asks anew. Keys are kept for 7 days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text
from sqlmodel import Field, Session, SQLModel

from wms.platform.clock import real_now
from wms.platform.db import insert_rows
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


@dataclass(frozen=True)
class Question:
    """A request that may have been asked before: its key, and the hash of its method, path and body."""

    key: str
    fingerprint: bytes


def recall(session: Session, brand_id: UUID, question: Question) -> StoredAnswer | None:
    """Returns the stored answer of one question, or ``None`` when the caller shall do the work in this transaction.

    Raises :class:`KeyInFlight` while another transaction works under the key and :class:`KeyReused` when the first
    request with the key was another one.
    """
    found = recall_all(session, brand_id, [question])[0]
    if isinstance(found, WmsError):
        raise found
    return found


def recall_all(session: Session, brand_id: UUID, questions: Sequence[Question]) -> list[StoredAnswer | WmsError | None]:
    """Recalls many questions at once; what :func:`recall` raises stands in the list. One key twice is in flight."""
    keys = {question.key for question in questions}
    locked = session.execute(
        text(
            "SELECT key, pg_try_advisory_xact_lock(hashtextextended(:brand || ':' || key, 0)) AS is_free"
            " FROM unnest(CAST(:keys AS text[])) AS key"
        ),
        {"brand": str(brand_id), "keys": sorted(keys)},
    )
    free = {row.key for row in locked if row.is_free}
    # A statement of its own, so that it sees what the holder of a lock committed before we got it.
    rows = session.execute(
        text(
            "SELECT key, fingerprint, status, body FROM idempotency_key WHERE brand_id = :brand_id AND key = ANY(:keys)"
        ),
        {"brand_id": brand_id, "keys": sorted(free)},
    )
    stored = {row.key: row for row in rows}
    found: list[StoredAnswer | WmsError | None] = []
    for question in questions:
        row = stored.get(question.key)
        if row is not None and bytes(row.fingerprint) != question.fingerprint:
            found.append(KeyReused("This Idempotency-Key was used for another request. Use a new key for a new one."))
        elif row is not None:
            found.append(StoredAnswer(row.status, bytes(row.body)))
        elif question.key in free:
            found.append(None)
            free.discard(question.key)  # The same key once more in this list waits for the first.
        else:
            found.append(KeyInFlight("A request with this Idempotency-Key is being worked on. Ask again in a moment."))
    return found


def remember(session: Session, brand_id: UUID, answers: Sequence[tuple[Question, StoredAnswer]]) -> None:
    """Stores answers in the transaction that made them true."""
    at = real_now().isoformat()
    insert_rows(
        session,
        IdempotencyKey,
        [
            {
                "brand_id": brand_id,
                "key": question.key,
                "fingerprint": "\\x" + question.fingerprint.hex(),
                "status": answer.status,
                "body": "\\x" + answer.body.hex(),
                "created_at": at,
            }
            for question, answer in answers
        ],
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
