# SPDX-License-Identifier: Apache-2.0
"""Goods that are not where the books say, and the orders that were counting on them."""

from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from tests.factories import (
    BOOKS,
    bins,
    counter,
    give_to_carrier,
    offences,
    packed,
    placed,
    release,
    set_policy,
    shipments,
    snapshot,
    start_picking,
    stocked,
    story,
)
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import Conflict, Invalid
from wms.platform.ids import new_id
from wms.shipments.missing import count_down, report_short
from wms.stock.ledger import Cause, NotEnoughStock
from wms.stock.models import Allocation, AllocationState, Location
from wms.stock.service import Goods


@pytest.fixture
def fennel(house: Any) -> Any:
    return house.brands["fennel"].id


def cause() -> Cause:
    return Cause(new_id(), "short_pick", "staff:W-1001")


def short(brand_id: Any, order_id: UUID, missing: int, why: Cause | None = None) -> None:
    """A picker goes to the order's first stop and finds so many pieces less."""
    with transaction(WAREHOUSE) as session:
        first = shipments(order_id, brand_id)[0]
        if first.state == "released":
            start_picking(session, first)
        wanted = select(Allocation).where(Allocation.brand_id == brand_id, Allocation.state == AllocationState.OPEN)
        allocation = session.exec(wanted.order_by(Allocation.id)).first()  # type: ignore[arg-type]
        assert allocation is not None
        location = session.get_one(Location, allocation.location_id)
        report_short(session, allocation, missing, location, why or cause())


def count(house: Any, brand_id: Any, place: str, sku: UUID, missing: int, why: Cause | None = None) -> None:
    with transaction(WAREHOUSE) as session:
        location = session.get_one(Location, house.locations[place])
        count_down(session, brand_id, location, Goods(sku, missing), why or cause())


def test_another_bin_makes_up_for_a_short_one(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5), ("B-01-1", 5))
    order_id = placed(fennel, ("CUP", 4))
    release(frozen_clock)
    assert bins(database, sku) == {"A-01-1": (5, 4), "B-01-1": (5, 0)}
    short(fennel, order_id, 3)
    assert bins(database, sku) == {"A-01-1": (2, 1), "B-01-1": (5, 3)}
    assert counter(database, sku) == (7, 4)
    assert [kind for kind, _ in story(database, order_id)] == ["accepted", "released", "picking_started"]
    assert database.rows("SELECT quantity, cancelled FROM order_line") == [(4, 0)]
    assert database.rows("SELECT quantity FROM shipment_line") == [(4,)]
    assert offences(*BOOKS) == {}


def test_the_bin_that_was_found_empty_is_not_offered_again(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 9))
    order_id = placed(fennel, ("CUP", 4))
    release(frozen_clock)
    short(fennel, order_id, 4)
    assert bins(database, sku) == {"A-01-1": (5, 0)}
    assert database.rows("SELECT quantity, cancelled FROM order_line") == [(4, 4)]


def test_what_no_bin_has_is_cancelled_where_the_brand_says_so(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 5))
    release(frozen_clock)
    short(fennel, order_id, 2)
    assert (counter(database, sku), bins(database, sku)) == ((3, 3), {"A-01-1": (3, 3)})
    assert database.rows("SELECT quantity, cancelled FROM order_line") == [(5, 2)]
    assert database.rows("SELECT quantity FROM shipment_line") == [(3,)]
    assert story(database, order_id)[-1] == ("line_cancelled", "picking")
    ((shipment_id,),) = database.rows("SELECT id FROM shipment")
    assert database.rows("SELECT data FROM order_event WHERE kind = 'line_cancelled'") == [
        ({"line": 1, "quantity": 2, "reason": "not_found", "shipment_id": str(shipment_id)},)
    ]
    assert offences(*BOOKS) == {}


def test_what_no_bin_has_is_sent_later_where_the_brand_says_so(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    set_policy(database, fennel, on_short_pick="backorder")
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 5))
    release(frozen_clock)
    short(fennel, order_id, 2)
    assert (counter(database, sku), bins(database, sku)) == ((3, 3), {"A-01-1": (3, 3)})
    now, later = shipments(order_id, fennel)
    assert (now.state, later.state) == ("picking", "held")
    lines = "SELECT shipment_id, quantity FROM shipment_line ORDER BY quantity"
    assert database.rows(lines) == [(later.id, 2), (now.id, 3)]
    assert database.rows("SELECT quantity, cancelled FROM order_line") == [(5, 0)]
    assert database.rows("SELECT kind, shipment_id, handle FROM hold") == [
        ("out_of_stock", later.id, f"stock-{later.id}")
    ]
    assert [kind for kind, _ in story(database, order_id)][-2:] == ["line_backordered", "held"]
    assert release(frozen_clock) == 0
    assert offences(*BOOKS) == {}


def test_an_order_of_which_nothing_is_found_is_cancelled(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 2))
    order_id = placed(fennel, ("CUP", 2))
    release(frozen_clock)
    short(fennel, order_id, 2)
    assert database.rows("SELECT state FROM shipment") == [("cancelled",)]
    assert story(database, order_id)[-2:] == [("line_cancelled", "picking"), ("cancelled", "cancelled")]
    assert database.rows("SELECT state, cancelled FROM orders, order_line") == [("cancelled", 2)]
    assert (counter(database, sku), bins(database, sku)) == ((0, 0), {"A-01-1": (0, 0)})
    assert offences(*BOOKS) == {}


def test_an_order_of_which_nothing_is_found_yet_waits_whole(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    set_policy(database, fennel, on_short_pick="backorder")
    stocked(house, fennel, "CUP", ("A-01-1", 2))
    order_id = placed(fennel, ("CUP", 2))
    release(frozen_clock)
    short(fennel, order_id, 2)
    assert [s.state for s in shipments(order_id, fennel)] == ["cancelled", "held"]
    assert database.rows("SELECT state FROM orders") == [("picking",)]
    assert offences(*BOOKS) == {}


def test_a_remainder_that_cannot_be_sent_after_all_ends_a_delivered_order(
    database: Any, house: Any, fennel: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    from wms.shipments.models import Package
    from wms.shipments.packages import deliver
    from wms.stock.service import receive

    set_policy(database, fennel, on_short_pick="backorder")
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 5))
    release(frozen_clock)
    short(fennel, order_id, 1)
    (package,) = packed_after_start(shipments(order_id, fennel)[0])
    give_to_carrier(package)
    with transaction(WAREHOUSE) as session:
        deliver(session, session.get_one(Package, (fennel, package.id)), frozen_clock.at, "carrier:SANDBOX")
        receive(session, fennel, session.get_one(Location, house.locations["A-01-1"]), [Goods(sku, 1)], cause())
    run_jobs()
    assert release(frozen_clock) == 1
    set_policy(database, fennel, on_short_pick="cancel_line")
    with transaction(WAREHOUSE) as session:
        start_picking(session, shipments(order_id, fennel)[1])
    short(fennel, order_id, 1)
    assert [s.state for s in shipments(order_id, fennel)] == ["delivered", "cancelled"]
    assert story(database, order_id)[-2:] == [("line_cancelled", "shipped"), ("delivered", "delivered")]
    assert database.rows("SELECT quantity, shipped, cancelled FROM order_line") == [(5, 4, 1)]
    assert offences(*BOOKS) == {}


def packed_after_start(shipment: Any) -> Any:
    """Picks and packs what a picker has begun."""
    from tests.factories import pack, pick_all
    from wms.shipments.service import lines_of, lock_shipment

    with transaction(WAREHOUSE) as session:
        shipment = lock_shipment(session, shipment.brand_id, shipment.id)
        pick_all(session, shipment)
        return pack(session, shipment, [{line.id: line.quantity for line in lines_of(session, shipment)}])


def test_a_short_that_is_sent_twice_counts_once(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 5))
    release(frozen_clock)
    why = cause()
    short(fennel, order_id, 2, why)
    before = snapshot(database)
    with pytest.raises(Conflict):
        short(fennel, order_id, 2, why)
    assert snapshot(database) == before


def test_a_count_of_free_goods_touches_no_order(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 2))
    count(house, fennel, "A-01-1", sku, 3)
    assert (counter(database, sku), bins(database, sku)) == ((2, 2), {"A-01-1": (2, 0)})
    assert story(database, order_id) == [("accepted", "accepted")]
    assert offences(*BOOKS) == {}


def test_a_count_over_allocated_goods_moves_the_pickers_on(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5), ("B-01-1", 5))
    placed(fennel, ("CUP", 3))
    placed(fennel, ("CUP", 2))
    release(frozen_clock)
    count(house, fennel, "A-01-1", sku, 4)
    assert bins(database, sku) == {"A-01-1": (1, 1), "B-01-1": (5, 4)}
    assert counter(database, sku) == (6, 5)
    assert database.rows("SELECT sum(cancelled) FROM order_line") == [(0,)]
    assert offences(*BOOKS) == {}


def test_a_count_breaks_the_newest_promises_and_holds_them(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 6))
    oldest, middle, newest = (placed(fennel, ("CUP", 2)) for _ in range(3))
    count(house, fennel, "A-01-1", sku, 3)
    assert (counter(database, sku), bins(database, sku)) == ((3, 3), {"A-01-1": (3, 0)})
    assert [kind for kind, _ in story(database, oldest)] == ["accepted"]
    assert [kind for kind, _ in story(database, middle)] == ["accepted", "held"]
    assert [kind for kind, _ in story(database, newest)] == ["accepted", "held"]
    live = "SELECT sum(p.quantity) FROM promise p JOIN order_line l ON l.id = p.order_line_id"
    live += " WHERE p.state = 'live' AND l.order_id = %s"
    assert [database.rows(live, order_id)[0][0] for order_id in (oldest, middle, newest)] == [2, 1, None]
    assert release(frozen_clock) == 1
    assert offences(*BOOKS) == {}


def test_a_count_in_quarantine_breaks_no_promise(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5), ("QUAR-01", 5))
    order_id = placed(fennel, ("CUP", 5))
    count(house, fennel, "QUAR-01", sku, 4)
    assert (counter(database, sku), bins(database, sku)) == ((5, 5), {"A-01-1": (5, 0), "QUAR-01": (1, 0)})
    assert story(database, order_id) == [("accepted", "accepted")]
    assert offences(*BOOKS) == {}


@pytest.mark.parametrize(("place", "missing"), [("A-01-1", 6), ("A-01-2", 1)])
def test_more_than_the_books_hold_cannot_be_missing(
    database: Any, house: Any, fennel: Any, place: str, missing: int
) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    placed(fennel, ("CUP", 5))
    before = snapshot(database)
    with pytest.raises(NotEnoughStock):
        count(house, fennel, place, sku, missing)
    assert snapshot(database) == before


@pytest.mark.parametrize("missing", [0, -3])
def test_a_count_misses_at_least_one_piece(database: Any, house: Any, fennel: Any, missing: int) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    before = snapshot(database)
    with pytest.raises(Invalid):
        count(house, fennel, "A-01-1", sku, missing)
    assert snapshot(database) == before


def test_a_count_that_is_sent_twice_counts_once(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 6))
    placed(fennel, ("CUP", 6))
    why = cause()
    count(house, fennel, "A-01-1", sku, 3, why)
    before = snapshot(database)
    with pytest.raises(Conflict):
        count(house, fennel, "A-01-1", sku, 3, why)
    assert snapshot(database) == before


def test_a_count_never_takes_the_promise_of_goods_that_are_being_picked(
    database: Any, house: Any, fennel: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    """One order line lies on the floor and waits at once; the count may only take from what waits."""
    set_policy(database, fennel, on_short_pick="backorder")
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 5))
    release(frozen_clock)
    short(fennel, order_id, 2)
    stocked_again(house, fennel, sku, "RESERVE-01", 2)
    run_jobs()
    assert counter(database, sku) == (5, 5)
    count(house, fennel, "RESERVE-01", sku, 2)
    assert (counter(database, sku), bins(database, sku)) == ((3, 3), {"A-01-1": (3, 3), "RESERVE-01": (0, 0)})
    (package,) = packed_after_start(shipments(order_id, fennel)[0])
    give_to_carrier(package)
    assert counter(database, sku) == (0, 0)
    assert offences(*BOOKS) == {}


def stocked_again(house: Any, brand_id: Any, sku: UUID, place: str, quantity: int) -> None:
    from wms.stock.service import receive

    with transaction(WAREHOUSE) as session:
        location = session.get_one(Location, house.locations[place])
        assert receive(session, brand_id, location, [Goods(sku, quantity)], cause())


def test_nothing_is_left_to_pick_of_what_was_handed_over(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 5))
    release(frozen_clock)
    (package,) = packed(shipments(order_id, fennel)[0])
    give_to_carrier(package)
    before = snapshot(database)
    with pytest.raises(NotEnoughStock):
        count(house, fennel, "A-01-1", sku, 1)
    assert snapshot(database) == before
