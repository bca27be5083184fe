# SPDX-License-Identifier: Apache-2.0

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.port import TrackingEvent, TrackingStatus
from carriers.tracking import TrackingState, fold, rank

START = datetime(2026, 11, 2, 8, tzinfo=UTC)


def event(number: int, status: TrackingStatus, minute: int, text: str = "") -> TrackingEvent:
    return TrackingEvent(f"e{number}", "SB1", status, "X", text, START + timedelta(minutes=minute), "")


def story(*statuses: TrackingStatus) -> list[TrackingEvent]:
    return [event(place, status, place) for place, status in enumerate(statuses)]


events = st.lists(
    st.builds(
        event,
        st.integers(0, 12),
        st.sampled_from(TrackingStatus),
        # Few minutes and few ids, so that ties and reused ids are common.
        st.integers(0, 3),
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=12,
)


@given(events, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_folds_to_the_same_state(told, chance):
    again = told + chance.choices(told, k=len(told)) if told else []
    chance.shuffle(again)
    assert fold(again) == fold(told)


@given(events)
def test_delivered_ends_only_by_an_explicit_return(told):
    state = fold(told)
    if state.delivered_at is not None:
        assert state.status in {
            TrackingStatus.DELIVERED,
            TrackingStatus.RETURNING,
            TrackingStatus.RETURNED,
            TrackingStatus.LOST,
        }


def test_nothing_told_is_no_status():
    assert fold([]) == TrackingState()


def test_a_plain_life_ends_delivered():
    told = story(
        TrackingStatus.PRE_TRANSIT,
        TrackingStatus.COLLECTED,
        TrackingStatus.IN_TRANSIT,
        TrackingStatus.ATTEMPT_FAILED,
        TrackingStatus.DELIVERED,
    )
    assert fold(told) == TrackingState(
        status=TrackingStatus.DELIVERED,
        since=START + timedelta(minutes=4),
        decided_by="e4",
        first_moved_at=START + timedelta(minutes=1),
        delivered_at=START + timedelta(minutes=4),
        failed_attempts=1,
        last_event_at=START + timedelta(minutes=4),
    )


def test_a_late_scan_does_not_undeliver():
    state = fold(story(TrackingStatus.DELIVERED, TrackingStatus.IN_TRANSIT))
    assert (state.status, state.decided_by) == (TrackingStatus.DELIVERED, "e0")
    assert state.last_event_at == START + timedelta(minutes=1)


def test_a_scan_on_the_way_back_does_not_end_the_return():
    assert fold(story(TrackingStatus.RETURNING, TrackingStatus.OUT_FOR_DELIVERY)).status is (TrackingStatus.RETURNING)
    assert fold(story(TrackingStatus.RETURNING, TrackingStatus.RETURNED)).status is TrackingStatus.RETURNED


def test_delivered_then_returned_keeps_when_it_was_delivered():
    state = fold(story(TrackingStatus.DELIVERED, TrackingStatus.RETURNING))
    assert (state.status, state.delivered_at) == (TrackingStatus.RETURNING, START)


def test_of_two_events_at_once_the_later_in_life_wins():
    told = [event(1, TrackingStatus.DELIVERED, 0), event(2, TrackingStatus.OUT_FOR_DELIVERY, 0)]
    assert fold(told).status is TrackingStatus.DELIVERED


def test_every_status_has_its_own_rank():
    assert sorted(rank(status) for status in TrackingStatus) == list(range(10))


def test_events_of_two_parcels_are_refused():
    other = TrackingEvent("e9", "SB2", TrackingStatus.LOST, "X", "", START, "")
    with pytest.raises(ValueError, match="one tracking number"):
        fold([*story(TrackingStatus.COLLECTED), other])


def test_a_parcel_lost_on_its_way_back_and_found_is_still_coming_back():
    found = (TrackingStatus.RETURNING, TrackingStatus.LOST, TrackingStatus.IN_TRANSIT)
    assert fold(story(*found)).status is TrackingStatus.LOST
    assert fold(story(*found, TrackingStatus.RETURNED)).status is TrackingStatus.RETURNED


def test_late_label_data_does_not_put_a_moving_parcel_back_to_the_start():
    state = fold(story(TrackingStatus.COLLECTED, TrackingStatus.PRE_TRANSIT))
    assert (state.status, state.first_moved_at) == (TrackingStatus.COLLECTED, START)


def test_a_repeated_status_keeps_the_time_when_it_began():
    state = fold(story(TrackingStatus.IN_TRANSIT, TrackingStatus.IN_TRANSIT))
    assert (state.since, state.decided_by) == (START, "e0")
    assert state.last_event_at == START + timedelta(minutes=1)
