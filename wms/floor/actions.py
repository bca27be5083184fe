# SPDX-License-Identifier: Apache-2.0
"""A scan or a form is done once: the device makes an id for it, and the same id again is answered from the record."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.brands.models import Staff
from wms.floor.models import FloorAction
from wms.platform import metrics
from wms.platform.clock import now
from wms.platform.db import after_commit, json_text
from wms.platform.errors import Conflict, WmsError

KEPT: Final = timedelta(days=7)


@dataclass(frozen=True)
class Outcome:
    """What a screen says afterwards: one sentence, and ids that it needs to go on. Names no person."""

    sentence: str
    data: dict[str, Any] = field(default_factory=dict)


class ActionReused(Conflict):
    """The id was made for another action; a device never does that by itself."""

    code = "action_reused"


def actor(staff: Staff) -> str:
    """Returns how a person of the floor stands in the order's story."""
    return f"staff:{staff.badge}"


def once(session: Session, action_id: UUID, staff: Staff, kind: str, work: Callable[[], Outcome]) -> Outcome:
    """Runs ``work`` under ``action_id`` and keeps its outcome, or returns the outcome it had before.

    A refusal raises, rolls back and is not kept: nothing happened, so the same id may be tried again. Two requests at
    the same moment queue on the key; the second one is answered from the first one's record.
    """
    fresh = session.execute(
        text(
            "INSERT INTO floor_action (id, staff_id, kind, outcome, at) VALUES (:id, :staff_id, :kind, '{}', :at)"
            " ON CONFLICT DO NOTHING RETURNING 1"
        ),
        {"id": action_id, "staff_id": staff.id, "kind": kind, "at": now(session)},
    ).first()
    if fresh is None:
        return recalled(session, action_id, staff, kind)
    try:
        outcome = work()
    except WmsError:
        metrics.SCANS.labels(kind, "refused").inc()
        raise
    session.execute(
        text("UPDATE floor_action SET outcome = CAST(:outcome AS jsonb) WHERE id = :id"),
        {"outcome": json_text(asdict(outcome)), "id": action_id},
    )
    after_commit(session, lambda: metrics.SCANS.labels(kind, "done").inc())
    return outcome


def recalled(session: Session, action_id: UUID, staff: Staff, kind: str | None = None) -> Outcome:
    """Returns what came of an action of this person. Raises :class:`ActionReused` where it was another's."""
    action = session.get(FloorAction, action_id)
    if action is None or action.staff_id != staff.id or kind not in (None, action.kind):
        raise ActionReused("This form was already used for something else. Open the page again.")
    return Outcome(**action.outcome)


def forget_old_actions(session: Session) -> int:
    """Deletes the records of actions that are 7 days old, up to 5,000 at a time; returns how many. No page lives so
    long: its login ends after 12 hours."""
    gone = session.execute(
        text(
            "DELETE FROM floor_action WHERE ctid IN (SELECT ctid FROM floor_action WHERE at < :before LIMIT 5000)"
            " RETURNING 1"
        ),
        {"before": now(session) - KEPT},
    )
    return len(gone.all())
