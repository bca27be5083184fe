# SPDX-License-Identifier: Apache-2.0
"""The feed: every order's story as one stream per brand, in positions that a reader can trust as a cursor.

A position is given after the commit, by one sequencer at a time. An event of a slow transaction gets its position
when it becomes visible, after everything that was read before it, so no cursor ever passes over it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

FEED_LIMIT_MAX: Final = 500
# Any number that no other advisory lock of ours uses.
_SEQUENCER: Final = 7_305_001

# `first` takes the oldest events, `ready` adds what came before them in the same order's story. Inside an order the
# story's own sequence rules even where clocks disagreed, hence the running maximum.
_SEQUENCE: Final = text(
    """
    WITH oldest AS (
        SELECT brand_id, order_id, seq FROM order_event WHERE feed_position IS NULL ORDER BY at LIMIT :limit
    ), first AS (
        SELECT brand_id, order_id, max(seq) AS seq FROM oldest GROUP BY brand_id, order_id
    ), ready AS (
        SELECT e.brand_id, e.order_id, e.seq,
               max(e.at) OVER (PARTITION BY e.brand_id, e.order_id ORDER BY e.seq) AS ready_at
        FROM first f JOIN order_event e
          ON e.brand_id = f.brand_id AND e.order_id = f.order_id AND e.seq <= f.seq
        WHERE e.feed_position IS NULL
    ), last AS (
        SELECT b.brand_id, coalesce((SELECT max(p.feed_position) FROM order_event p WHERE p.brand_id = b.brand_id), 0)
               AS position
        FROM (SELECT DISTINCT brand_id FROM ready) b
    ), numbered AS (
        SELECT r.brand_id, r.order_id, r.seq, l.position + row_number()
               OVER (PARTITION BY r.brand_id ORDER BY r.ready_at, r.order_id, r.seq) AS position
        FROM ready r JOIN last l ON l.brand_id = r.brand_id
    )
    UPDATE order_event e SET feed_position = n.position FROM numbered n
    WHERE e.brand_id = n.brand_id AND e.order_id = n.order_id AND e.seq = n.seq
    """
)


@dataclass(frozen=True)
class FeedItem:
    """One event in the feed. ``position`` counts from 1 without a gap within a brand; ``at`` is business time."""

    position: int
    id: UUID
    order_ref: str
    seq: int
    kind: str
    data: dict[str, Any]
    actor: str
    at: datetime


def sequence(session: Session, limit: int = 5_000) -> int:
    """Gives positions to the oldest committed events without one, in the warehouse's scope; returns how many.

    Returns 0 while another process is at it: two sequencers would read the same last position.
    """
    free = session.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _SEQUENCER}).scalar_one()
    if not free:
        return 0
    # The lock is held until after the commit, so the next sequencer's statement sees these positions.
    result = session.connection().execute(_SEQUENCE, {"limit": limit})
    return result.rowcount


def feed(session: Session, brand_id: UUID, after: int = 0, limit: int = 100) -> list[FeedItem]:
    """Returns the brand's events after a position, in order, at most ``limit`` (and never over 500)."""
    rows = session.execute(
        text(
            "SELECT e.feed_position AS position, e.id, o.ref AS order_ref, e.seq, e.kind, e.data, e.actor, e.at"
            " FROM order_event e JOIN orders o ON o.brand_id = e.brand_id AND o.id = e.order_id"
            " WHERE e.brand_id = :brand_id AND e.feed_position > :after ORDER BY e.feed_position LIMIT :limit"
        ),
        {"brand_id": brand_id, "after": after, "limit": min(limit, FEED_LIMIT_MAX)},
    )
    return [FeedItem(**row._mapping) for row in rows]
