# SPDX-License-Identifier: Apache-2.0
"""Where a parcel is, folded from everything a carrier said about it, in any order, however often."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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

# Statuses that only the named ones may replace. A late scan does not undeliver a parcel, and the scans of
# the way back ("in transit", "out for delivery") do not turn a return into a delivery.
_KEPT_UNLESS: Final[Mapping[TrackingStatus, frozenset[TrackingStatus]]] = {
    TrackingStatus.DELIVERED: frozenset({TrackingStatus.RETURNING, TrackingStatus.RETURNED}),
    TrackingStatus.RETURNING: frozenset(
        {TrackingStatus.RETURNED, TrackingStatus.DELIVERED, TrackingStatus.LOST}
    ),
    TrackingStatus.RETURNED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class TrackingState:
    """A parcel's present. ``status`` is None before any event; ``decided_by`` is the event that set it."""

    status: TrackingStatus | None = None
    since: datetime | None = None
    decided_by: str | None = None
    first_moved_at: datetime | None = None
    delivered_at: datetime | None = None
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
    at = event.occurred_at
    moved = state.first_moved_at or (None if event.status is TrackingStatus.PRE_TRANSIT else at)
    attempts = state.failed_attempts + (event.status is TrackingStatus.ATTEMPT_FAILED)
    delivered_at = state.delivered_at
    status, since, decided_by = state.status, state.since, state.decided_by
    if _replaces(state.status, event.status):
        status, since, decided_by = event.status, at, event.event_id
        delivered_at = at if event.status is TrackingStatus.DELIVERED else delivered_at
    return TrackingState(status, since, decided_by, moved, delivered_at, attempts, at)


def _replaces(current: TrackingStatus | None, new: TrackingStatus) -> bool:
    if current is None or current not in _KEPT_UNLESS:
        return True
    return new in _KEPT_UNLESS[current]
