# SPDX-License-Identifier: Apache-2.0
"""Boxes leave and arrive one by one; their shipment and its orders follow with the last of them."""

from typing import Any

import pytest

from tests.factories import (
    BOOKS,
    at_once,
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
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.platform.ids import new_id
from wms.shipments.missing import report_short
from wms.shipments.models import Package, Shipment
from wms.shipments.packages import deliver
from wms.shipments.service import lines_of
from wms.stock.allocations import open_allocations
from wms.stock.ledger import Cause
from wms.stock.models import Location
from wms.stock.service import Goods, receive


@pytest.fixture
def fennel(house: Any) -> Any:
    return house.brands["fennel"].id


def arrive(package: Package, frozen_clock: Any) -> None:
    def work(session: Any) -> None:
        deliver(session, session.get_one(Package, (package.brand_id, package.id)), frozen_clock.at, "carrier:SANDBOX")

    in_transaction(WAREHOUSE, work)


def two_boxes(house: Any, fennel: Any, frozen_clock: Any) -> tuple[Any, Any, list[Package]]:
    """Five pieces, two of one lot and three of another, in boxes of three and two."""
    sku = stocked(house, fennel, "TEA", ("A-01-1", 2, "L1"), ("A-01-2", 3, "L2"))
    order_id = placed(fennel, ("TEA", 5))
    release(frozen_clock)
    boxes = packed(shipments(order_id, fennel)[0], lambda lines: [{lines[0]: 3}, {lines[0]: 2}])
    return sku, order_id, boxes


def test_two_boxes_leave_in_two_scans(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    sku, order_id, (first, second) = two_boxes(house, fennel, frozen_clock)
    assert (counter(database, sku), bins(database, sku)) == ((5, 5), {"A-01-1/L1": (0, 0), "A-01-2/L2": (0, 0)})
    give_to_carrier(first)
    assert counter(database, sku) == (2, 2)
    assert database.rows("SELECT shipped FROM order_line") == [(3,)]
    assert database.rows("SELECT state FROM shipment") == [("labelled",)]
    assert story(database, order_id)[-1] == ("label_bought", "packed")
    give_to_carrier(second)
    assert counter(database, sku) == (0, 0)
    assert database.rows("SELECT shipped FROM order_line") == [(5,)]
    assert database.rows("SELECT state FROM shipment") == [("handed_over",)]
    assert story(database, order_id)[-1] == ("handed_over", "shipped")
    assert database.rows("SELECT count(*) FROM promise WHERE state = 'live'") == [(0,)]
    assert database.rows("SELECT state, handed_over_at FROM package") == [("handed_over", frozen_clock.at)] * 2
    assert offences(*BOOKS) == {}


def test_lots_leave_in_the_order_in_which_they_were_allocated(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    _, _, (first, second) = two_boxes(house, fennel, frozen_clock)
    give_to_carrier(first)
    give_to_carrier(second)
    assert database.rows(
        "SELECT reference, lot, quantity FROM stock_move WHERE account = 'shipped' ORDER BY reference, lot"
    ) == [(first.sscc, "L1", 2), (first.sscc, "L2", 1), (second.sscc, "L2", 2)]


def test_the_second_box_may_leave_first(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    sku, order_id, (first, second) = two_boxes(house, fennel, frozen_clock)
    give_to_carrier(second)
    give_to_carrier(first)
    assert database.rows(
        "SELECT reference, lot, quantity FROM stock_move WHERE account = 'shipped' ORDER BY reference, lot"
    ) == [(first.sscc, "L2", 3), (second.sscc, "L1", 2)]
    assert counter(database, sku) == (0, 0)
    assert story(database, order_id)[-1] == ("handed_over", "shipped")


def test_a_box_leaves_once_however_often_it_is_scanned(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    sku, _, (first, _) = two_boxes(house, fennel, frozen_clock)
    at_once(6, lambda _: give_to_carrier(first))
    before = snapshot(database)
    give_to_carrier(first)
    assert snapshot(database) == before
    assert counter(database, sku) == (2, 2)
    assert database.rows("SELECT shipped FROM order_line") == [(3,)]
    assert offences(*BOOKS) == {}


def test_both_boxes_scanned_at_once_ship_the_order_once(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    sku, order_id, boxes = two_boxes(house, fennel, frozen_clock)
    at_once(2, lambda n: give_to_carrier(boxes[n]))
    assert [kind for kind, _ in story(database, order_id)].count("handed_over") == 1
    assert counter(database, sku) == (0, 0)
    assert offences(*BOOKS) == {}


def test_an_order_is_delivered_with_its_last_box(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    _, order_id, boxes = two_boxes(house, fennel, frozen_clock)
    for box in boxes:
        give_to_carrier(box)
    arrive(boxes[1], frozen_clock)
    assert story(database, order_id)[-1] == ("handed_over", "shipped")
    arrive(boxes[0], frozen_clock)
    assert story(database, order_id)[-1] == ("delivered", "delivered")
    assert database.rows("SELECT state FROM shipment") == [("delivered",)]
    before = snapshot(database)
    arrive(boxes[0], frozen_clock)
    assert snapshot(database) == before


def test_a_box_may_arrive_before_the_other_one_leaves(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    _, order_id, (first, second) = two_boxes(house, fennel, frozen_clock)
    give_to_carrier(first)
    arrive(first, frozen_clock)
    give_to_carrier(second)
    assert story(database, order_id)[-1] == ("handed_over", "shipped")
    arrive(second, frozen_clock)
    assert story(database, order_id)[-1] == ("delivered", "delivered")
    assert offences(*BOOKS) == {}


def test_a_box_that_never_left_does_not_arrive(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    _, _, (first, _) = two_boxes(house, fennel, frozen_clock)
    before = snapshot(database)
    arrive(first, frozen_clock)
    assert snapshot(database) == before


def split(house: Any, brand: Any, frozen_clock: Any, run_jobs: Any) -> tuple[Any, Any, list[Package]]:
    """An order of five, of which two come later: two shipments, a box each."""
    sku = stocked(house, brand, "CUP", ("A-01-1", 5))
    order_id = placed(brand, ("CUP", 5))
    release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        shipment = start_picking(session, shipments(order_id, brand)[0])
        (allocation,) = open_allocations(session, brand, [line.id for line in lines_of(session, shipment)])
        location = session.get_one(Location, allocation.location_id)
        report_short(session, allocation, 2, location, Cause(new_id(), "short_pick", "staff:W-1001"))
        receive(session, brand, location, [Goods(sku, 2)], Cause(new_id(), "receipt", "system"))
    run_jobs()
    assert release(frozen_clock) == 1
    return sku, order_id, [_packed(shipment) for shipment in shipments(order_id, brand)]


def _packed(shipment: Shipment) -> Package:
    from tests.factories import pack, pick_all
    from wms.shipments.service import lock_shipment

    with transaction(WAREHOUSE) as session:
        shipment = lock_shipment(session, shipment.brand_id, shipment.id)
        if shipment.state == "released":
            shipment = start_picking(session, shipment)
        pick_all(session, shipment)
        return pack(session, shipment, [{line.id: line.quantity for line in lines_of(session, shipment)}])[0]


def test_a_split_order_is_partly_delivered_and_then_delivered(
    database: Any, house: Any, fennel: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    set_policy(database, fennel, on_short_pick="backorder")
    sku, order_id, (now, later) = split(house, fennel, frozen_clock, run_jobs)
    give_to_carrier(now)
    arrive(now, frozen_clock)
    assert story(database, order_id)[-1] == ("partly_delivered", "shipped")
    give_to_carrier(later)
    arrive(later, frozen_clock)
    assert story(database, order_id)[-2:] == [("handed_over", "shipped"), ("delivered", "delivered")]
    assert database.rows("SELECT quantity, shipped, cancelled FROM order_line") == [(5, 5, 0)]
    assert counter(database, sku) == (0, 0)
    assert offences(*BOOKS) == {}


def test_two_shipments_of_one_line_leave_and_arrive_at_once(
    database: Any, house: Any, fennel: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    set_policy(database, fennel, on_short_pick="backorder")
    sku, order_id, boxes = split(house, fennel, frozen_clock, run_jobs)
    at_once(2, lambda n: give_to_carrier(boxes[n]))
    assert database.rows("SELECT shipped FROM order_line") == [(5,)]
    assert counter(database, sku) == (0, 0)
    at_once(2, lambda n: arrive(boxes[n], frozen_clock))
    assert story(database, order_id)[-2:] == [("partly_delivered", "shipped"), ("delivered", "delivered")]
    assert offences(*BOOKS) == {}
