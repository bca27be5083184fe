# SPDX-License-Identifier: Apache-2.0
"""Cut-offs in the warehouse's own time: on plain days, and on the days on which its clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from wms.brands.models import CutOff, Policy
from wms.shipments.cutoffs import cut_off_on, last_cut_off, latest_release, next_cut_off, next_release

LONDON, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")
EVERY_DAY = frozenset(range(7))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(at: str, weekdays: frozenset[int] = EVERY_DAY, service: str = "standard") -> CutOff:
    return CutOff(service=service, weekdays=weekdays, at=time.fromisoformat(at))


_times = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))
_cut_offs = st.lists(
    st.builds(
        CutOff,
        service=st.sampled_from(["standard", "express"]),
        weekdays=st.frozensets(st.integers(0, 6), min_size=1),
        at=_times,
    ),
    max_size=4,
)
_zones = st.sampled_from([LONDON, NEW_YORK, ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])
# Half of the instants lie near a clock change of London or New York.
_changes = st.sampled_from([utc(at) for at in ("2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01")])
_instants = st.one_of(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001
    st.builds(lambda at, hours: at + hours, _changes, st.timedeltas(timedelta(days=-2), timedelta(days=2))),
)


def _all_around(cut_offs: list[CutOff], service: str, zone: ZoneInfo, at: datetime) -> list[datetime]:
    """Returns every cut-off within 20 days, by walking through the days one by one."""
    days = [at.date() + timedelta(days=offset) for offset in range(-20, 21)]
    return [
        cut_off_on(one, day, zone)
        for one in cut_offs
        for day in days
        if one.service == service and day.weekday() in one.weekdays
    ]


@given(_cut_offs, _zones, _instants)
@example([daily("01:30"), daily("02:10")], LONDON, utc("2026-03-29T01:05"))
def test_the_next_one_is_the_earliest_that_has_not_passed(cut_offs: list[CutOff], zone: ZoneInfo, at: datetime) -> None:
    later = [instant for instant in _all_around(cut_offs, "standard", zone, at) if instant >= at]
    assert next_cut_off(cut_offs, "standard", zone, at) == min(later, default=None)


@given(_cut_offs, _zones, _instants)
@example([daily("01:30"), daily("02:10")], LONDON, utc("2026-03-29T01:45"))
def test_the_last_one_is_the_newest_that_has_passed(cut_offs: list[CutOff], zone: ZoneInfo, at: datetime) -> None:
    earlier = [instant for instant in _all_around(cut_offs, "standard", zone, at) if instant <= at]
    assert last_cut_off(cut_offs, "standard", zone, at) == max(earlier, default=None)


@given(_times, _zones, st.dates(date(2025, 1, 1), date(2027, 1, 1)))
def test_a_wall_time_that_exists_is_met_and_one_that_is_skipped_moves_forward_on_its_day(
    at: time, zone: ZoneInfo, day: date
) -> None:
    instant = cut_off_on(CutOff(service="standard", at=at), day, zone)
    met = instant.astimezone(zone)
    assert met.date() == day
    assert met.time() >= at
    if met.time() != at:
        # Nothing else than a clock change in the night moves it, and by no more than the clocks.
        assert zone is not ZoneInfo("UTC")
        assert met - datetime.combine(day, at, tzinfo=zone) <= timedelta(hours=1)
        midnight = datetime.combine(day, time.min, tzinfo=zone)
        assert midnight.utcoffset() != met.utcoffset()
    # Of a doubled wall time the first one counts: an hour before shows another time.
    earlier = (instant - timedelta(hours=1)).astimezone(zone)
    assert (earlier.date(), earlier.time()) != (day, at)


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        # 29 March 2026: 01:00 GMT becomes 02:00 BST, so 01:30 does not exist.
        (LONDON, "2026-03-28T12:00", "2026-03-29T01:30"),
        # 25 October 2026: 02:00 BST becomes 01:00 GMT, so 01:30 comes twice, first in summer time.
        (LONDON, "2026-10-24T12:00", "2026-10-25T00:30"),
        # Between the two, the next is tomorrow's.
        (LONDON, "2026-10-25T01:00", "2026-10-26T01:30"),
        # 1 November 2026 in New York: 02:00 EDT becomes 01:00 EST.
        (NEW_YORK, "2026-10-31T12:00", "2026-11-01T05:30"),
        (NEW_YORK, "2026-11-01T06:00", "2026-11-02T06:30"),
    ],
)
def test_half_past_one_on_the_days_on_which_the_clocks_change(zone: ZoneInfo, at: str, expected: str) -> None:
    assert next_cut_off([daily("01:30")], "standard", zone, utc(at)) == utc(expected)


def test_half_past_two_does_not_exist_on_the_spring_day_of_new_york() -> None:
    # 8 March 2026: 02:00 EST becomes 03:00 EDT; half past two is met at half past three, 07:30 UTC.
    instant = next_cut_off([daily("02:30")], "standard", NEW_YORK, utc("2026-03-07T12:00"))
    assert instant == utc("2026-03-08T07:30")
    assert instant.astimezone(NEW_YORK).time() == time(3, 30)


def test_the_afternoon_moves_by_an_hour_of_utc_when_the_clocks_change() -> None:
    friday, monday = utc("2026-03-27T12:00"), utc("2026-03-30T12:00")
    afternoon = [daily("16:30", frozenset(range(5)))]
    assert next_cut_off(afternoon, "standard", LONDON, friday) == utc("2026-03-27T16:30")
    assert next_cut_off(afternoon, "standard", LONDON, monday) == utc("2026-03-30T15:30")
    assert next_cut_off(afternoon, "standard", LONDON, utc("2026-03-28T00:00")) == utc("2026-03-30T15:30")


def test_a_cut_off_counts_at_its_very_instant_and_not_a_moment_later() -> None:
    at = utc("2026-03-02T16:30")
    assert next_cut_off([daily("16:30")], "standard", LONDON, at) == at
    assert next_cut_off([daily("16:30")], "standard", LONDON, at + timedelta(microseconds=1)) == at + timedelta(days=1)
    assert last_cut_off([daily("16:30")], "standard", LONDON, at) == at


def test_another_services_cut_offs_promise_nothing() -> None:
    assert next_cut_off([daily("16:30", service="express")], "standard", LONDON, utc("2026-03-02T09:00")) is None
    assert latest_release(Policy(), "standard", LONDON, utc("2026-03-02T09:00"), None) == (None, False)


TWICE = Policy(
    processing_seconds=7200,
    cut_offs=(daily("12:00", frozenset(range(5))), daily("17:00", frozenset(range(5)))),
)


@pytest.mark.parametrize(
    ("at", "ship_by", "expected", "is_late"),
    [
        ("2026-03-02T09:00", None, "2026-03-02T10:00", False),
        ("2026-03-02T10:00", None, "2026-03-02T10:00", False),
        ("2026-03-02T10:01", None, "2026-03-02T15:00", False),
        ("2026-03-06T15:01", None, "2026-03-09T10:00", False),  # Friday, too late: Monday's first one.
        ("2026-03-02T09:00", "2026-03-03T16:59", "2026-03-03T10:00", False),
        ("2026-03-02T09:00", "2026-03-03T17:00", "2026-03-03T15:00", False),
        ("2026-03-02T09:00", "2026-03-08T12:00", "2026-03-06T15:00", False),  # Sunday: Friday's last one.
        ("2026-03-02T10:01", "2026-03-02T13:00", "2026-03-02T15:00", True),
        ("2026-03-02T10:01", "2026-02-27T13:00", "2026-03-02T15:00", True),
    ],
)
def test_the_latest_release_of_a_service_with_cut_offs(
    at: str, ship_by: str | None, expected: str, is_late: bool
) -> None:
    promised = None if ship_by is None else utc(ship_by)
    assert latest_release(TWICE, "standard", LONDON, utc(at), promised) == (utc(expected), is_late)


@pytest.mark.parametrize(("ship_by", "is_late"), [("2026-03-02T11:00", False), ("2026-03-02T10:59", True)])
def test_without_cut_offs_the_promise_alone_counts(ship_by: str, is_late: bool) -> None:
    found = latest_release(Policy(processing_seconds=7200), "standard", LONDON, utc("2026-03-02T09:00"), utc(ship_by))
    assert found == (utc(ship_by) - timedelta(hours=2), is_late)


@given(_cut_offs, _zones, _instants, st.none() | _instants, st.integers(0, 7 * 86_400))
def test_what_is_not_late_leaves_time_to_process_before_a_cut_off_that_keeps_the_promise(
    cut_offs: list[CutOff], zone: ZoneInfo, at: datetime, ship_by: datetime | None, processing: int
) -> None:
    policy = Policy(cut_offs=tuple(cut_offs), processing_seconds=processing)
    latest, is_late = latest_release(policy, "standard", zone, at, ship_by)
    promises = any(one.service == "standard" for one in cut_offs)
    assert (latest is None) == (ship_by is None and not promises)
    if latest is None:
        return
    leaves = latest + timedelta(seconds=processing)
    assert is_late == (ship_by is not None and (leaves > ship_by or latest < at))
    assert latest >= at or not promises
    if promises:
        assert next_cut_off(cut_offs, "standard", zone, leaves) == leaves
    if is_late and promises:
        assert latest == next_release(policy, "standard", zone, at)


@pytest.mark.parametrize("wrong", [{"weekdays": [7]}, {"weekdays": []}, {"at": "16:30:01"}, {"at": "16:30Z"}])
def test_a_cut_off_is_a_wall_time_on_weekdays(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CutOff.model_validate({"service": "standard", "at": "16:30", **wrong})
