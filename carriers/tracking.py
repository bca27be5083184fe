# SPDX-License-Identifier: Apache-2.0
"""Where a parcel is, folded from everything a carrier said about it, in any order, however often."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from carriers.port import TrackingEvent, TrackingStatus

# Breaks ties between events of the same instant: what comes later in a parcel's life wins.
_LIFE: Final = (
    TrackingStatus.PRE_TRANSIT,
    TrackingStatus.COLLECTED,
    TrackingStatus.IN_TRANSIT,
    TrackingStatus.EXCEPTION,
    TrackingStatus.LOST,
    TrackingStatus.OUT_FOR_DELIVERY,
    TrackingStatus.ATTEMPT_FAILED,
    TrackingStatus.DELIVERED,
    TrackingStatus.RETURNING,
    TrackingStatus.RETURNED,
)
_RANK: Final = {status: rank for rank, status in enumerate(_LIFE)}

_RETURN: Final = frozenset({TrackingStatus.RETURNING, TrackingStatus.RETURNED})
# What can still become of a parcel on its way back. Other scans of that way ("in transit", "out for
# delivery") do not turn a return into a delivery.
_ON_THE_WAY_BACK: Final = _RETURN | {TrackingStatus.DELIVERED, TrackingStatus.LOST}


@dataclass(frozen=True, slots=True)
class TrackingState:
    """A parcel's present.

    ``status`` is None before any event; ``since`` and ``decided_by`` are the time and id of the event that
    set it. ``delivered_at`` stays when a delivered parcel is returned.
    """

    status: TrackingStatus | None = None
    since: datetime | None = None
    decided_by: str | None = None
    first_moved_at: datetime | None = None
    delivered_at: datetime | None = None
    return_started_at: datetime | None = None
    failed_attempts: int = 0
    last_event_at: datetime | None = None


def rank(status: TrackingStatus) -> int:
    """The place of a status in a parcel's life, from 0."""
    return _RANK[status]


def fold(events: Iterable[TrackingEvent]) -> TrackingState:
    """The state after these events of one parcel: the same for every permutation and duplication.

    Raises ValueError when the events belong to more than one tracking number.
    """
    ordered = sorted(events, key=_order)
    if len({event.tracking_number for event in ordered}) > 1:
        raise ValueError("Fold the events of one tracking number at a time.")
    state = TrackingState()
    seen: set[str] = set()
    for event in ordered:
        if event.event_id not in seen:
            seen.add(event.event_id)
            state = _after(state, event)
    return state


def _order(event: TrackingEvent) -> tuple[datetime, int, str, str, str, str]:
    # The last three only matter when a carrier reuses an event id with other content; without them the
    # answer would depend on which copy came first.
    key = (event.occurred_at, rank(event.status), event.event_id)
    return (*key, event.raw_code, event.raw_text, event.location)


def _after(state: TrackingState, event: TrackingEvent) -> TrackingState:
    status, at = event.status, event.occurred_at
    has_moved = status is not TrackingStatus.PRE_TRANSIT
    state = replace(
        state,
        first_moved_at=state.first_moved_at or (at if has_moved else None),
        failed_attempts=state.failed_attempts + (status is TrackingStatus.ATTEMPT_FAILED),
        last_event_at=at,
    )
    if not _follows(state, status):
        return state
    return replace(
        state,
        status=status,
        since=at,
        decided_by=event.event_id,
        delivered_at=state.delivered_at or (at if status is TrackingStatus.DELIVERED else None),
        return_started_at=state.return_started_at or (at if status in _RETURN else None),
    )


def _follows(state: TrackingState, new: TrackingStatus) -> bool:
    """Whether a parcel in this state can come into the new status."""
    match state.status:
        case None:
            return True
        case TrackingStatus.RETURNED:
            return False
        case TrackingStatus.DELIVERED:
            # A late scan does not undeliver a parcel; only a return does.
            return new in _RETURN
    if state.return_started_at is not None:
        return new in _ON_THE_WAY_BACK and new is not state.status
    # Data about a parcel may come late, but a parcel that was moved is never again one that was not.
    return new is not TrackingStatus.PRE_TRANSIT and new is not state.status
