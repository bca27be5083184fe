# SPDX-License-Identifier: Apache-2.0
"""A count takes goods from under a picker who is on the way to them: the walk follows, and nothing is stranded."""

from typing import Any

from tests.factories import BOOKS, offences
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.ids import uuid7
from wms.shipments.missing import count_down
from wms.stock.ledger import Cause
from wms.stock.models import Location
from wms.stock.service import Goods, receive

MUG = "FF-MUG-SAND"


def _goods(floor: Any, quantity: int) -> Goods:
    return Goods(floor.house.brands["fennel"].skus[MUG], quantity)


def _count_down(floor: Any, missing: int) -> None:
    with transaction(WAREHOUSE) as session:
        place = session.get_one(Location, floor.house.locations["A-02-3"])
        cause = Cause(uuid7(), "count", "staff:W-1003")
        count_down(session, floor.house.brands["fennel"].id, place, _goods(floor, missing), cause)


def test_goods_that_a_count_moved_to_another_place_become_a_stop_of_the_same_walk(
    floor: Any, run_jobs: Any, database: Any
) -> None:
    with transaction(WAREHOUSE) as session:
        place = session.get_one(Location, floor.house.locations["A-01-1"])
        cause = Cause(uuid7(), "receipt", "staff:W-1003")
        receive(session, floor.house.brands["fennel"].id, place, [_goods(floor, 5)], cause)
    # The first place on the way has 5, so 2 of these come from the place that is counted.
    floor.order("F-1", {MUG: 7})
    floor.release()
    with transaction(WAREHOUSE) as session:
        place = session.get_one(Location, floor.house.locations["A-01-2"])
        receive(session, floor.house.brands["fennel"].id, place, [_goods(floor, 9)], Cause(uuid7(), "receipt", "s"))
    list_id = floor.plan()
    floor.bind(list_id)
    assert [(stop.location, stop.left) for stop in floor.walk(list_id).stops] == [("A-01-1", 5), ("A-02-3", 2)]

    _count_down(floor, 120)
    # The picker is quicker than the job, and at the end of what the walk has.
    floor.pick_all(list_id)
    assert database.rows("SELECT state FROM pick_list") == [("done",)]
    run_jobs()

    assert database.rows("SELECT state FROM pick_list") == [("walking",)]
    assert [(stop.location, stop.left, stop.tote) for stop in floor.walk(list_id).stops] == [("A-01-2", 2, "T-001")]
    floor.pick_all(list_id)
    assert floor.walk(list_id).slots[0].state == "picked"
    assert database.rows("SELECT state FROM pick_list") == [("done",)]
    assert offences(*BOOKS) == {}


def test_a_shipment_that_a_count_made_complete_goes_to_the_bench(floor: Any, run_jobs: Any, database: Any) -> None:
    floor.order("F-1", {MUG: 3})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    floor.pick(list_id, floor.walk(list_id).next_stop, quantity=2)
    _count_down(floor, 118)
    run_jobs()
    assert floor.walk(list_id).slots[0].state == "picked"
    assert database.rows("SELECT data->>'pieces', actor FROM order_event WHERE kind = 'picked'") == [("2", "system")]
    # The walk that lost its last stop is over, and the next one can be had.
    assert floor.plan() is None
    assert database.rows("SELECT state FROM pick_list") == [("done",)]
    assert offences(*BOOKS) == {}


def test_a_shipment_that_a_count_left_nothing_of_gives_its_tote_back(floor: Any, run_jobs: Any, database: Any) -> None:
    floor.order("F-1", {MUG: 3})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    _count_down(floor, 120)
    run_jobs()
    assert floor.walk(list_id).slots[0].state == "cancelled"
    assert floor.plan() is None
    assert database.rows("SELECT code FROM tote WHERE shipment_id IS NOT NULL") == []
    assert database.rows("SELECT state FROM pick_list") == [("done",)]
