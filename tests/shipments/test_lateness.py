# SPDX-License-Identifier: Apache-2.0
"""Orders that are held beyond their promise."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.factories import BOOKS, at_once, offences, order, place, placed, set_policy, snapshot, stocked, story
from wms.orders.models import HoldKind, Order
from wms.orders.service import active_holds, lift_hold, place_hold
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.shipments.lateness import flag_late
from wms.shipments.release import release_due

TEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NOON = [{"service": "standard", "weekdays": [0, 1, 2, 3, 4], "at": "12:00"}]


@pytest.fixture
def fennel(database: Any, house: Any, frozen_clock: Any) -> Any:
    brand_id = house.brands["fennel"].id
    stocked(house, brand_id, "CUP", ("A-01-1", 50))
    set_policy(database, brand_id, cut_offs=NOON, processing_seconds=7200, edit_window_seconds=900)
    return brand_id


def hold(brand_id: Any, order_id: Any) -> None:
    with transaction(WAREHOUSE) as session:
        held = session.get_one(Order, (brand_id, order_id))
        place_hold(session, held, HoldKind.ADDRESS_REVIEW, owner="warehouse", handle="x", actor="staff:W-1004")


def late() -> int:
    return in_transaction(WAREHOUSE, flag_late)


def test_a_held_order_that_misses_its_cut_off_is_flagged_told_and_moves_to_the_next(
    database: Any, fennel: Any, frozen_clock: Any
) -> None:
    order_id = placed(fennel, ("CUP", 1))
    hold(fennel, order_id)
    frozen_clock.at = TEN
    before = snapshot(database)
    assert late() == 0
    assert snapshot(database) == before
    frozen_clock.advance(seconds=1)
    assert late() == 1
    since = frozen_clock.at
    assert database.rows("SELECT late_since, latest_release FROM orders") == [(since, TEN + timedelta(days=1))]
    assert database.rows("SELECT late_since FROM shipment") == [(since,)]
    assert story(database, order_id)[-1] == ("late", "accepted")
    assert database.rows("SELECT data, actor FROM order_event WHERE kind = 'late'") == [
        ({"missed": "2026-03-02T10:00:00+00:00", "latest_release": "2026-03-03T10:00:00+00:00"}, "system")
    ]
    assert late() == 0
    # A day later it has missed the next one too: it stays late since the first, and is told once.
    frozen_clock.advance(days=1)
    assert late() == 1
    assert database.rows("SELECT late_since, latest_release FROM orders") == [(since, TEN + timedelta(days=2))]
    assert database.rows("SELECT late_since FROM shipment") == [(since,)]
    assert [kind for kind, _ in story(database, order_id)].count("late") == 1
    assert offences(*BOOKS) == {}


def test_what_is_not_held_is_left_to_the_release_loop(database: Any, fennel: Any, frozen_clock: Any) -> None:
    placed(fennel, ("CUP", 1))
    held = placed(fennel, ("CUP", 1))
    hold(fennel, held)
    frozen_clock.advance(days=1)
    with transaction(WAREHOUSE) as session:
        lift_hold(session, active_holds(session, fennel, [held])[0], "staff:W-1004")
    before = snapshot(database)
    assert late() == 0
    assert snapshot(database) == before
    assert in_transaction(WAREHOUSE, release_due) == 2


def test_a_promise_without_cut_offs_is_late_once_and_then_gone(database: Any, fennel: Any, frozen_clock: Any) -> None:
    ship_by = TEN + timedelta(hours=4)
    (answer,) = place(fennel, order(("CUP", 1), service="express", ship_by=ship_by))
    hold(fennel, answer.order_id)
    frozen_clock.at = TEN + timedelta(hours=2, seconds=1)
    assert late() == 1
    assert database.rows("SELECT late_since, latest_release, ship_by FROM orders") == [(frozen_clock.at, None, ship_by)]
    frozen_clock.advance(days=30)
    assert late() == 0


def test_four_sweepers_tell_each_order_once(database: Any, fennel: Any, frozen_clock: Any) -> None:
    for _ in range(6):
        hold(fennel, placed(fennel, ("CUP", 1)))
    frozen_clock.advance(days=1)
    at_once(4, lambda _: in_transaction(WAREHOUSE, lambda session: flag_late(session, 4)))
    late()
    assert database.rows("SELECT count(*), count(DISTINCT order_id) FROM order_event WHERE kind = 'late'") == [(6, 6)]
