# SPDX-License-Identifier: Apache-2.0
"""Until when an accepted order must be on the floor, and what is said of one whose promise was lost before it came."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.factories import BOOKS, offences, order, place, set_policy, stocked, story

# The frozen clock stands at Monday, 09:00 in London.
TEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NOON = [{"service": "standard", "weekdays": [0, 1, 2, 3, 4], "at": "12:00"}]


@pytest.fixture
def fennel(database: Any, house: Any) -> Any:
    brand_id = house.brands["fennel"].id
    stocked(house, brand_id, "CUP", ("A-01-1", 50))
    set_policy(database, brand_id, cut_offs=NOON, processing_seconds=7200, edit_window_seconds=900)
    return brand_id


def test_a_cut_off_is_promised_to_every_order_of_its_service(database: Any, fennel: Any, frozen_clock: Any) -> None:
    frozen_clock.advance(minutes=50)
    standard, express = place(fennel, order(("CUP", 1)), order(("CUP", 1), service="express"))
    assert standard.release_at == TEN  # Five minutes of the edit window are left out for the collection at noon.
    assert express.release_at == TEN + timedelta(minutes=5)
    assert database.rows("SELECT latest_release, late_since FROM orders ORDER BY id") == [(TEN, None), (None, None)]
    assert database.rows("SELECT late_since FROM shipment") == [(None,), (None,)]


def test_the_last_cut_off_that_keeps_the_promise_counts(database: Any, fennel: Any, frozen_clock: Any) -> None:
    (answer,) = place(fennel, order(("CUP", 1), ship_by=datetime(2026, 3, 4, 11, 59, tzinfo=UTC)))
    assert answer.release_at == frozen_clock.at + timedelta(minutes=15)
    assert database.rows("SELECT latest_release FROM orders") == [(TEN + timedelta(days=1),)]


def test_a_promise_that_is_lost_already_takes_the_next_cut_off_and_is_told(
    database: Any, fennel: Any, frozen_clock: Any
) -> None:
    frozen_clock.advance(minutes=61)
    in_time, late = place(fennel, order(("CUP", 1)), order(("CUP", 1), ship_by=TEN + timedelta(hours=2)))
    tomorrow = TEN + timedelta(days=1)
    assert database.rows("SELECT latest_release, late_since FROM orders ORDER BY id") == [
        (tomorrow, None),
        (tomorrow, frozen_clock.at),
    ]
    assert database.rows("SELECT late_since FROM shipment ORDER BY id") == [(None,), (frozen_clock.at,)]
    assert late.release_at == in_time.release_at == frozen_clock.at + timedelta(minutes=15)
    assert story(database, late.order_id) == [("accepted", "accepted"), ("late", "accepted")]
    assert database.rows("SELECT data FROM order_event WHERE kind = 'late'") == [
        ({"ship_by": "2026-03-02T12:00:00+00:00", "latest_release": "2026-03-03T10:00:00+00:00"},)
    ]
    assert offences(*BOOKS) == {}
