# SPDX-License-Identifier: Apache-2.0
"""Backorders: who is served when stock arrives, and who is not."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests.factories import (
    BOOKS,
    bins,
    counter,
    offences,
    order,
    placed,
    release,
    set_policy,
    shipments,
    start_picking,
    stocked,
    story,
    until_somebody_waits_for_a_lock,
)
from wms.brands.models import Brand
from wms.changes.schemas import Cancel
from wms.changes.service import ask
from wms.intake.service import accept
from wms.platform.db import WAREHOUSE, brand_scope, transaction
from wms.platform.ids import new_id
from wms.shipments.missing import report_short
from wms.shipments.release import release_due
from wms.shipments.service import lines_of
from wms.shipments.waiting import serve_waiting
from wms.stock.allocations import open_allocations
from wms.stock.ledger import Cause
from wms.stock.models import Location
from wms.stock.service import Goods, move, receive


@pytest.fixture
def juniper(house: Any) -> Any:
    return house.brands["juniper"].id


def arrive(house: Any, brand_id: Any, sku: UUID, quantity: int, place: str = "B-01-1") -> None:
    with transaction(WAREHOUSE) as session:
        location = session.get_one(Location, house.locations[place])
        assert receive(session, brand_id, location, [Goods(sku, quantity)], Cause(new_id(), "receipt", "system"))


def test_the_oldest_backorder_is_served_first_and_then_released(
    database: Any, house: Any, juniper: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    sku = stocked(house, juniper, "CUP")
    first, second, third = (placed(juniper, ("CUP", quantity)) for quantity in (3, 2, 1))
    assert release(frozen_clock) == 0
    arrive(house, juniper, sku, 4)
    assert run_jobs() == 1
    assert story(database, first) == [("accepted", "accepted"), ("held", "accepted"), ("hold_lifted", "accepted")]
    # One of two pieces is promised to the second order, which goes on waiting; nothing is left for the third.
    assert [kind for kind, _ in story(database, second)] == ["accepted", "held"]
    assert counter(database, sku) == (4, 4)
    assert release(frozen_clock) == 1
    assert story(database, first)[-1] == ("released", "released")
    assert bins(database, sku) == {"B-01-1": (4, 3)}
    arrive(house, juniper, sku, 2)
    run_jobs()
    assert release(frozen_clock) == 2
    assert [story(database, order_id)[-1] for order_id in (second, third)] == [("released", "released")] * 2
    assert counter(database, sku) == (6, 6)
    assert offences(*BOOKS) == {}


def test_an_order_waits_until_everything_it_needs_is_there(
    database: Any, house: Any, juniper: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    cup, jug = stocked(house, juniper, "CUP"), stocked(house, juniper, "JUG")
    order_id = placed(juniper, ("CUP", 1), ("JUG", 1))
    arrive(house, juniper, cup, 1)
    run_jobs()
    assert release(frozen_clock) == 0
    arrive(house, juniper, jug, 1)
    run_jobs()
    assert release(frozen_clock) == 1
    assert [kind for kind, _ in story(database, order_id)] == ["accepted", "held", "hold_lifted", "released"]
    assert offences(*BOOKS) == {}


def test_stock_in_reserve_is_promised_and_waits_for_a_pick_bin(
    database: Any, house: Any, juniper: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    sku = stocked(house, juniper, "CUP", ("RESERVE-01", 5))
    order_id = placed(juniper, ("CUP", 2))
    run_jobs()
    assert release(frozen_clock) == 1
    assert [s.state for s in shipments(order_id, juniper)] == ["held"]
    assert [kind for kind, _ in story(database, order_id)] == ["accepted", "held"]
    assert release(frozen_clock) == 0
    with transaction(WAREHOUSE) as session:
        source, target = (session.get_one(Location, house.locations[code]) for code in ("RESERVE-01", "B-01-1"))
        assert move(session, juniper, source, target, Goods(sku, 2), Cause(new_id(), "replenish", "staff:W-1003"))
    run_jobs()
    assert release(frozen_clock) == 1
    assert [kind for kind, _ in story(database, order_id)] == ["accepted", "held", "hold_lifted", "released"]
    assert offences(*BOOKS) == {}


def test_the_rest_of_a_short_order_waits_for_a_promise_of_its_own(
    database: Any, house: Any, juniper: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    """What the picker's part of the same order line is promised must not count for the part that waits."""
    sku = stocked(house, juniper, "CUP", ("B-01-1", 5))
    order_id = placed(juniper, ("CUP", 5))
    release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        shipment = start_picking(session, shipments(order_id, juniper)[0])
        (allocation,) = open_allocations(session, juniper, [line.id for line in lines_of(session, shipment)])
        location = session.get_one(Location, allocation.location_id)
        report_short(session, allocation, 2, location, Cause(new_id(), "short_pick", "staff:W-1001"))
    rival = stocked(house, juniper, "JUG", ("B-01-2", 1))
    with transaction(WAREHOUSE) as session:
        serve_waiting(session, juniper, house.warehouse_id, sku)
        serve_waiting(session, juniper, house.warehouse_id, rival)
    assert database.rows("SELECT count(*) FROM hold WHERE lifted_at IS NULL") == [(1,)]
    arrive(house, juniper, sku, 1)
    run_jobs()
    assert (counter(database, sku), release(frozen_clock)) == ((4, 4), 0)
    arrive(house, juniper, sku, 1)
    run_jobs()
    assert (counter(database, sku), release(frozen_clock)) == ((5, 5), 1)
    assert [s.state for s in shipments(order_id, juniper)] == ["picking", "released"]
    assert offences(*BOOKS) == {}


def test_serving_twice_gives_nothing_twice(
    database: Any, house: Any, juniper: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    sku = stocked(house, juniper, "CUP")
    placed(juniper, ("CUP", 3))
    arrive(house, juniper, sku, 9)
    run_jobs()
    for _ in range(2):
        with transaction(WAREHOUSE) as session:
            serve_waiting(session, juniper, house.warehouse_id, sku)
    assert counter(database, sku) == (9, 3)
    assert offences(*BOOKS) == {}


def test_a_backorder_that_is_cancelled_while_stock_arrives_gets_none_of_it(
    database: Any, house: Any, juniper: Any
) -> None:
    """The cancellation holds the shipment's lock; the server of backorders has read the hold and waits for it."""
    set_policy(database, juniper, on_shortage="backorder")
    sku = stocked(house, juniper, "CUP")
    placed(juniper, ("CUP", 3), ref="A-1")
    arrive(house, juniper, sku, 3)

    def serve() -> None:
        with transaction(WAREHOUSE) as session:
            serve_waiting(session, juniper, house.warehouse_id, sku)

    server = threading.Thread(target=serve)
    with transaction(WAREHOUSE) as session:
        ask(session, session.get_one(Brand, juniper), "A-1", Cancel(ref="C-1"), "brand:test")
        server.start()
        until_somebody_waits_for_a_lock(database)
    server.join()
    assert counter(database, sku) == (3, 0)
    assert database.rows("SELECT state FROM orders") == [("cancelled",)]
    assert database.rows("SELECT count(*) FROM promise") == [(0,)]
    assert offences(*BOOKS) == {}


def _meanwhile(database: Any, pool: ThreadPoolExecutor, work: Callable[[], object]) -> Future[object]:
    """Starts ``work`` and returns when it is done, or waits for a lock of the caller's transaction."""
    begun = pool.submit(work)
    give_up_at = time.monotonic() + 10
    while not begun.done() and database.rows("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    return begun


def test_goods_that_come_within_reach_while_a_release_looks_for_them_are_not_missed(
    database: Any, house: Any, juniper: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    cup = stocked(house, juniper, "CUP", ("RESERVE-01", 3))
    run_jobs()
    order_id = placed(juniper, ("CUP", 3))
    frozen_clock.advance(days=1)

    def replenish() -> None:
        with transaction(WAREHOUSE) as session:
            source, target = (session.get_one(Location, house.locations[code]) for code in ("RESERVE-01", "B-01-1"))
            assert move(session, juniper, source, target, Goods(cup, 3), Cause(new_id(), "move", "staff:W-1001"))
        run_jobs()

    with ThreadPoolExecutor(1) as pool:
        with transaction(WAREHOUSE) as session:
            release_due(session)
            replenished = _meanwhile(database, pool, replenish)
        replenished.result(timeout=10)
    run_jobs()
    assert [kind for kind, _ in story(database, order_id)] == ["accepted", "held", "hold_lifted"]
    assert release(frozen_clock) == 1
    assert offences(*BOOKS) == {}


def test_goods_that_arrive_while_a_backorder_is_accepted_are_not_missed(
    database: Any, house: Any, juniper: Any, run_jobs: Any
) -> None:
    cup = stocked(house, juniper, "CUP")

    def deliver() -> None:
        arrive(house, juniper, cup, 3)
        run_jobs()

    with ThreadPoolExecutor(1) as pool:
        with transaction(brand_scope(juniper)) as session:
            (answer,) = accept(session, session.get_one(Brand, juniper), [order(("CUP", 3))], "brand:test")
            delivered = _meanwhile(database, pool, deliver)
        delivered.result(timeout=10)
    run_jobs()
    assert answer.order_id is not None
    assert [kind for kind, _ in story(database, answer.order_id)] == ["accepted", "held", "hold_lifted"]
    assert counter(database, cup) == (3, 3)
    assert offences(*BOOKS) == {}
