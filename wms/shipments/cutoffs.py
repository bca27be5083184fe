# SPDX-License-Identifier: Apache-2.0
"""When the carrier collects, and until when a shipment must be released to be there. Pure; instants are UTC.

A cut-off is a wall time of the warehouse. Where the clock change skips it, it moves forward by what was skipped; where
it comes twice, the first one counts. Both are what Python's time zones do with ``fold=0`` (PEP 495).
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from wms.brands.models import CutOff, Policy

# Every weekday comes once in seven days; one more on either side, because a UTC instant may fall on the day beside it.
_DAYS: Final = 9


def cut_off_on(cut_off: CutOff, day: date, zone: ZoneInfo) -> datetime:
    """Returns the instant of the cut-off on a date of the warehouse, whatever its weekday."""
    return datetime.combine(day, cut_off.at, tzinfo=zone).astimezone(UTC)


def next_cut_off(cut_offs: Sequence[CutOff], service: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Returns the service's first cut-off at ``after`` or later; ``None`` where it has no cut-offs."""
    return _first(cut_offs, service, zone, after, step=1, is_in_time=lambda instant: instant >= after)


def last_cut_off(cut_offs: Sequence[CutOff], service: str, zone: ZoneInfo, before: datetime) -> datetime | None:
    """Returns the service's last cut-off at ``before`` or earlier; ``None`` where it has no cut-offs."""
    return _first(cut_offs, service, zone, before, step=-1, is_in_time=lambda instant: instant <= before)


def next_release(policy: Policy, service: str, zone: ZoneInfo, at: datetime) -> datetime | None:
    """Returns until when to release for the next cut-off that can still be reached at ``at``, if there are any."""
    processing = timedelta(seconds=policy.processing_seconds)
    cut_off = next_cut_off(policy.cut_offs, service, zone, at + processing)
    return None if cut_off is None else cut_off - processing


def latest_release(
    policy: Policy, service: str, zone: ZoneInfo, at: datetime, ship_by: datetime | None
) -> tuple[datetime | None, bool]:
    """Returns until when an order of the service must be released, and whether its promise is lost already.

    With cut-offs that is the last one that keeps ``ship_by``, or else the next one that can be reached; without them
    ``ship_by`` itself; each less the processing time. A promise that cannot be kept any more takes the next cut-off.
    """
    processing = timedelta(seconds=policy.processing_seconds)
    if ship_by is None:
        return next_release(policy, service, zone, at), False
    cut_off = last_cut_off(policy.cut_offs, service, zone, ship_by)
    kept = (ship_by if cut_off is None else cut_off) - processing
    if kept >= at:
        return kept, False
    return next_release(policy, service, zone, at) or kept, True


def _first(
    cut_offs: Sequence[CutOff],
    service: str,
    zone: ZoneInfo,
    origin: datetime,
    step: int,
    is_in_time: Callable[[datetime], bool],
) -> datetime | None:
    """Returns the instant nearest to ``origin`` on its right side: later for a step of 1, earlier for -1."""
    own = [cut_off for cut_off in cut_offs if cut_off.service == service]
    nearest = min if step == 1 else max
    best: datetime | None = None
    for day in _days(origin.astimezone(zone).date(), step) if own else ():
        fitting = [cut_off_on(one, day, zone) for one in own if day.weekday() in one.weekdays]
        fitting = [instant for instant in fitting if is_in_time(instant)]
        if best is not None:
            # A clock change may have moved a time of the first day past one of the second, and no further.
            return nearest([best, *fitting])
        if fitting:
            best = nearest(fitting)
    return best


def _days(local: date, step: int) -> Iterator[date]:
    for offset in range(-1, _DAYS):
        yield local + timedelta(days=offset * step)
