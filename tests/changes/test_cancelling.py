# SPDX-License-Identifier: Apache-2.0
"""Cancelling wins until the release, and the row lock says which of the two came first."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.factories import (
    BOOKS,
    at_once,
    bins,
    counter,
    offences,
    placed,
    release,
    set_policy,
    shipments,
    snapshot,
    start_picking,
    stocked,
    story,
    until_somebody_waits_for_a_lock,
)
from wms.changes.cancel import TooLate, cancel_order
from wms.orders.models import HoldKind, Order
from wms.orders.service import place_hold
from wms.platform.db import WAREHOUSE, brand_scope, in_transaction, transaction
from wms.platform.errors import NotFound
from wms.platform.ids import new_id
from wms.shipments.missing import report_short
from wms.shipments.release import release_due
from wms.shipments.service import lines_of
from wms.stock.allocations import open_allocations
from wms.stock.ledger import Cause
from wms.stock.models import Location


def cancel(brand_id: Any, ref: str) -> str:
    return in_transaction(
        brand_scope(brand_id),
        lambda session: cancel_order(session, brand_id, ref, "changed my mind", "brand:test").state,
    )


@pytest.fixture
def fennel(house: Any) -> Any:
    return house.brands["fennel"].id


def test_a_cancelled_order_gives_everything_back(database: Any, house: Any, fennel: Any) -> None:
    cup = stocked(house, fennel, "CUP", ("A-01-1", 10))
    order_id = placed(fennel, ("CUP", 3), ("CUP", 1), ref="A-1")
    assert counter(database, cup) == (10, 4)
    assert cancel(fennel, "A-1") == "cancelled"
    assert counter(database, cup) == (10, 0)
    assert database.rows("SELECT quantity, cancelled FROM order_line ORDER BY 1") == [(1, 1), (3, 3)]
    assert database.rows("SELECT state FROM shipment") == [("cancelled",)]
    assert database.rows("SELECT state FROM promise") == [("released",), ("released",)]
    assert story(database, order_id) == [("accepted", "accepted"), ("cancelled", "cancelled")]
    assert database.rows("SELECT data, actor FROM order_event WHERE seq = 2") == [
        ({"reason": "changed my mind"}, "brand:test")
    ]
    assert offences(*BOOKS) == {}


def test_cancelling_again_changes_nothing(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    placed(fennel, ("CUP", 3), ref="A-1")
    cancel(fennel, "A-1")
    before = snapshot(database)
    assert cancel(fennel, "A-1") == "cancelled"
    assert snapshot(database) == before


def test_cancelling_lifts_every_hold(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    order_id = placed(fennel, ("CUP", 3), ref="A-1")
    with transaction(WAREHOUSE) as session:
        for handle in ("one", "two"):
            order = session.get_one(Order, (fennel, order_id))
            place_hold(session, order, HoldKind.BRAND_REQUEST, owner="brand", handle=handle, actor="brand:test")
    cancel(fennel, "A-1")
    assert database.rows("SELECT count(*) FROM hold WHERE lifted_at IS NULL") == [(0,)]
    kinds = [kind for kind, _ in story(database, order_id)]
    assert kinds == ["accepted", "held", "held", "hold_lifted", "hold_lifted", "cancelled"]


def test_a_released_order_is_refused_and_stays(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    cup = stocked(house, fennel, "CUP", ("A-01-1", 10))
    placed(fennel, ("CUP", 3), ref="A-1")
    assert release(frozen_clock) == 1
    before = snapshot(database)
    with pytest.raises(TooLate) as refusal:
        cancel(fennel, "A-1")
    assert (refusal.value.status, refusal.value.code, refusal.value.extra) == (409, "too_late", {"state": "released"})
    assert snapshot(database) == before
    assert (counter(database, cup), bins(database, cup)) == ((10, 3), {"A-01-1": (10, 3)})


def test_nobody_cancels_another_brands_order(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    placed(fennel, ("CUP", 3), ref="A-1")
    before = snapshot(database)
    with pytest.raises(NotFound):
        cancel(house.brands["juniper"].id, "A-1")
    assert snapshot(database) == before


def test_what_a_cancellation_gives_back_goes_to_whoever_waits(
    database: Any, house: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    juniper = house.brands["juniper"].id
    cup = stocked(house, juniper, "CUP", ("B-01-1", 5))
    placed(juniper, ("CUP", 5), ref="A-1")
    waiting = placed(juniper, ("CUP", 4), ref="A-2")
    run_jobs()
    cancel(juniper, "A-1")
    run_jobs()
    assert counter(database, cup) == (5, 4)
    assert [kind for kind, _ in story(database, waiting)] == ["accepted", "held", "hold_lifted"]
    assert offences(*BOOKS) == {}


def test_eight_cancellations_at_once_are_one(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    order_id = placed(fennel, ("CUP", 3), ref="A-1")
    assert at_once(8, lambda _: cancel(fennel, "A-1")) == ["cancelled"] * 8
    assert story(database, order_id) == [("accepted", "accepted"), ("cancelled", "cancelled")]
    assert offences(*BOOKS) == {}


def test_of_cancel_and_release_exactly_one_wins_a_hundred_times(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    cup = stocked(house, fennel, "CUP", ("A-01-1", 1000))
    for number in range(100):
        placed(fennel, ("CUP", 1), ref=f"A-{number}")
    frozen_clock.advance(days=1)

    def run(worker: int) -> list[str]:
        if worker == 0:
            for _ in range(100):
                in_transaction(WAREHOUSE, lambda session: release_due(session, limit=1))
            return []
        outcome = []
        for number in range(99, -1, -1):
            try:
                outcome.append(cancel(fennel, f"A-{number}"))
            except TooLate:
                outcome.append("too late")
        return outcome

    _, outcome = at_once(2, run)
    states = [state for (state,) in database.rows("SELECT state FROM orders ORDER BY accepted_at, id DESC")]
    assert [{"cancelled": "cancelled", "released": "too late"}[state] for state in states] == outcome
    cancelled, released = outcome.count("cancelled"), outcome.count("too late")
    assert cancelled + released == 100
    assert cancelled > 0
    assert released > 0
    assert (counter(database, cup), bins(database, cup)) == ((1000, released), {"A-01-1": (1000, released)})
    assert database.rows("SELECT count(*) FROM shipment WHERE state = 'released'") == [(released,)]
    assert offences(*BOOKS) == {}


def test_a_split_order_on_the_floor_is_refused_whole(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    order_id = placed(fennel, ("CUP", 3), ref="A-1")
    release(frozen_clock)
    assert [s.state for s in shipments(order_id, fennel)] == ["released"]
    with pytest.raises(TooLate):
        cancel(fennel, "A-1")


def test_a_shipment_that_is_split_off_while_the_cancellation_waits_is_cancelled_too(
    database: Any, house: Any, frozen_clock: Any
) -> None:
    juniper = house.brands["juniper"].id
    cup = stocked(house, juniper, "CUP", ("B-01-1", 3))
    set_policy(database, juniper, on_short_pick="backorder")
    order_id = placed(juniper, ("CUP", 3), ref="A-1")
    release(frozen_clock)
    with ThreadPoolExecutor(1) as pool:
        with transaction(WAREHOUSE) as session:
            # The whole pick is short: its shipment closes, and one that waits for stock takes its place.
            shipment = start_picking(session, shipments(order_id, juniper)[0])
            line_ids = [line.id for line in lines_of(session, shipment)]
            (allocation,) = open_allocations(session, juniper, line_ids)
            location = session.get_one(Location, house.locations["B-01-1"])
            report_short(session, allocation, 3, location, Cause(new_id(), "short_pick", "staff:W-1001"))
            waiting = pool.submit(cancel, juniper, "A-1")
            until_somebody_waits_for_a_lock(database)
        assert waiting.result(timeout=10) == "cancelled"
    assert [one.state for one in shipments(order_id, juniper)] == ["cancelled", "cancelled"]
    assert release(frozen_clock) == 0
    assert counter(database, cup) == (0, 0)
    assert offences(*BOOKS) == {}
