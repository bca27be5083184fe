# SPDX-License-Identifier: Apache-2.0
"""The release loop, turned by several workers at once."""

from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.factories import (
    BOOKS,
    at_once,
    bins,
    offences,
    placed,
    release,
    set_policy,
    shipments,
    snapshot,
    stocked,
    story,
)
from wms.orders.models import Hold, HoldKind, Order
from wms.orders.service import lift_hold, place_hold
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.platform.errors import NotFound
from wms.platform.ids import new_id
from wms.shipments.missing import count_down
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.release import release_due
from wms.shipments.service import TRANSITIONS, StateConflict, is_held, lock_shipment, move_to
from wms.stock.ledger import Cause
from wms.stock.models import Location
from wms.stock.service import Goods, move


@pytest.fixture
def fennel(house: Any) -> Any:
    return house.brands["fennel"].id


def test_nothing_is_released_before_its_clock_and_everything_at_it(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 2))
    frozen_clock.advance(seconds=59.999)
    before = snapshot(database)
    assert in_transaction(WAREHOUSE, release_due) == 0
    assert snapshot(database) == before
    frozen_clock.advance(seconds=0.001)
    assert in_transaction(WAREHOUSE, release_due) == 1
    assert database.rows("SELECT state, released_at, version FROM shipment") == [("released", frozen_clock.at, 1)]
    assert story(database, order_id) == [("accepted", "accepted"), ("released", "released")]
    assert in_transaction(WAREHOUSE, release_due) == 0


def test_four_workers_release_each_shipment_once(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    juniper = house.brands["juniper"].id
    cup = stocked(house, fennel, "CUP", ("A-01-1", 40), ("A-01-2", 40))
    jug = stocked(house, juniper, "JUG", ("B-01-1", 80))
    for _ in range(40):
        placed(fennel, ("CUP", 2))
        placed(juniper, ("JUG", 2))
    frozen_clock.advance(days=1)

    def work(_: int) -> int:
        return sum(in_transaction(WAREHOUSE, lambda session: release_due(session, limit=7)) for _ in range(20))

    assert sum(at_once(4, work)) == 80
    assert database.rows("SELECT state, version, count(*) FROM shipment GROUP BY 1, 2") == [("released", 1, 80)]
    assert database.rows("SELECT count(*), count(DISTINCT order_id) FROM order_event WHERE kind = 'released'") == [
        (80, 80)
    ]
    assert (bins(database, cup), bins(database, jug)) == (
        {"A-01-1": (40, 40), "A-01-2": (40, 40)},
        {"B-01-1": (80, 80)},
    )
    assert offences(*BOOKS) == {}


def test_a_held_order_waits_until_its_last_hold_is_lifted(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    order_id = placed(fennel, ("CUP", 2))
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (fennel, order_id))
        holds = [
            place_hold(session, order, HoldKind.ADDRESS_REVIEW, owner="desk", handle=handle, actor="staff:W-1004").id
            for handle in ("one", "two")
        ]
    assert release(frozen_clock) == 0
    for hold_id, expected in zip(holds, (0, 1), strict=True):
        with transaction(WAREHOUSE) as session:
            assert is_held(session, session.get_one(Shipment, (fennel, shipments(order_id, fennel)[0].id)))
            lift_hold(session, session.get_one(Hold, (fennel, hold_id)), "staff:W-1004")
        assert release(frozen_clock) == expected


def test_a_batch_is_as_large_as_it_is_told(house: Any, fennel: Any, frozen_clock: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    for _ in range(3):
        placed(fennel, ("CUP", 1))
    frozen_clock.advance(days=1)
    assert in_transaction(WAREHOUSE, lambda session: release_due(session, limit=2)) == 2
    assert in_transaction(WAREHOUSE, lambda session: release_due(session, limit=2)) == 1


def test_a_promise_that_a_count_breaks_is_not_released_at_the_same_moment(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    """Either the count comes first and the order waits, or the release does and the line is cut on the floor."""
    sku = stocked(house, fennel, "CUP", ("A-01-1", 60))
    for _ in range(60):
        placed(fennel, ("CUP", 1))
    frozen_clock.advance(days=1)

    def count(session: Any) -> None:
        location = session.get_one(Location, house.locations["A-01-1"])
        count_down(session, fennel, location, Goods(sku, 1), Cause(new_id(), "count", "staff:W-1003"))

    def run(worker: int) -> None:
        for _ in range(60 if worker else 12):
            in_transaction(WAREHOUSE, (lambda session: release_due(session, limit=1)) if worker else count)

    at_once(3, run)
    # Whatever is on the floor is promised, and whatever is not promised waits.
    assert (
        database.rows(
            "SELECT s.id FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id WHERE s.state = 'released' AND"
            " l.quantity > (SELECT coalesce(sum(p.quantity), 0) FROM promise p WHERE p.order_line_id = l.order_line_id"
            " AND p.state = 'live')"
        )
        == []
    )
    ((released,),) = database.rows("SELECT count(*) FROM shipment WHERE state = 'released'")
    assert bins(database, sku) == {"A-01-1": (48, released)}
    assert offences(*BOOKS) == {}


def test_every_state_of_a_shipment_can_be_reached_and_two_are_ends() -> None:
    reached, frontier = set(), {ShipmentState.HELD}
    while frontier:
        reached |= frontier
        frontier = {target for state in reached for target in TRANSITIONS[state]} - reached
    assert reached == set(ShipmentState) == set(TRANSITIONS)
    assert [state for state, targets in TRANSITIONS.items() if not targets] == ["delivered", "cancelled"]


def test_a_move_that_the_table_does_not_allow_changes_nothing(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    (shipment,) = shipments(placed(fennel, ("CUP", 2)), fennel)
    before = snapshot(database)
    for target in set(ShipmentState) - TRANSITIONS[ShipmentState.HELD]:
        with pytest.raises(StateConflict), transaction(WAREHOUSE) as session:
            move_to(session, lock_shipment(session, fennel, shipment.id), target)
    assert snapshot(database) == before


def test_of_two_movers_who_read_the_same_shipment_one_wins(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    (shipment,) = shipments(placed(fennel, ("CUP", 2)), fennel)

    def run(worker: int) -> bool:
        target = (ShipmentState.RELEASED, ShipmentState.CANCELLED)[worker % 2]
        try:
            with transaction(WAREHOUSE) as session:
                # Read without a lock: the version alone decides.
                own = session.get_one(Shipment, (fennel, shipment.id))
                assert own.version == 0 or own.state != "held"
                move_to(session, own, target)
        except StateConflict:
            return False
        return True

    won = at_once(8, run)
    final = database.rows("SELECT state, version FROM shipment")
    # Released may still be cancelled by one that read it so; nothing else can follow.
    assert final in ([("released", 1)], [("cancelled", 1)], [("cancelled", 2)])
    assert won.count(True) == final[0][1]


def test_another_brands_shipment_is_not_found(house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    (shipment,) = shipments(placed(fennel, ("CUP", 2)), fennel)
    with pytest.raises(NotFound), transaction(WAREHOUSE) as session:
        lock_shipment(session, house.brands["juniper"].id, shipment.id)


def joined(database: Any, fennel: Any, *lines: tuple[str, int]) -> list[Any]:
    """Sells these lines in an order each, to one door; returns the orders, which travel together."""
    set_policy(database, fennel, consolidation="auto")
    order_ids = [placed(fennel, line) for line in lines]
    assert len({shipments(order_id, fennel)[0].id for order_id in order_ids}) == 1
    return order_ids


def test_a_member_that_is_held_stays_and_the_others_go(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 9))
    first, held, last = joined(database, fennel, ("CUP", 1), ("CUP", 2), ("CUP", 3))
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (fennel, held))
        hold = place_hold(session, order, HoldKind.ADDRESS_REVIEW, owner="warehouse", handle="x", actor="staff:W-1004")
    assert release(frozen_clock) == 1
    (apart,) = shipments(held, fennel)
    (together,) = shipments(first, fennel)
    assert (apart.state, together.state, together.id == shipments(last, fennel)[0].id) == ("held", "released", True)
    assert story(database, held)[-1] == ("separated", "accepted")
    assert story(database, first)[-1] == story(database, last)[-1] == ("released", "released")
    assert release(frozen_clock) == 0
    with transaction(WAREHOUSE) as session:
        lift_hold(session, session.get_one(Hold, (fennel, hold.id)), "staff:W-1004")
    assert release(frozen_clock) == 1
    assert story(database, held)[-1] == ("released", "released")
    assert offences(*BOOKS) == {}


def test_members_that_are_all_held_stay_together(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 9))
    for order_id in joined(database, fennel, ("CUP", 1), ("CUP", 2)):
        with transaction(WAREHOUSE) as session:
            order = session.get_one(Order, (fennel, order_id))
            place_hold(session, order, HoldKind.FRAUD_REVIEW, owner="brand", handle="x", actor="brand:test")
    frozen_clock.advance(days=1)
    before = snapshot(database)
    assert in_transaction(WAREHOUSE, release_due) == 0
    assert snapshot(database) == before


def test_a_member_whose_goods_are_in_reserve_waits_and_the_others_go(
    database: Any, house: Any, fennel: Any, frozen_clock: Any, run_jobs: Any
) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 9))
    jug = stocked(house, fennel, "JUG", ("RESERVE-01", 5))
    first, waits = joined(database, fennel, ("CUP", 1), ("JUG", 2))
    run_jobs()
    assert release(frozen_clock) == 1
    (apart,) = shipments(waits, fennel)
    assert (apart.state, [one.state for one in shipments(first, fennel)]) == ("held", ["released"])
    assert database.rows("SELECT order_id, shipment_id, handle FROM hold WHERE lifted_at IS NULL") == [
        (waits, apart.id, f"stock-{apart.id}")
    ]
    with transaction(WAREHOUSE) as session:
        shelves = [session.get_one(Location, house.locations[code]) for code in ("RESERVE-01", "B-01-1")]
        move(session, fennel, *shelves, Goods(jug, 5), Cause(new_id(), "replenish", "staff:W-1003"))
    run_jobs()
    assert release(frozen_clock) == 1
    assert story(database, waits)[-1] == ("released", "released")
    assert offences(*BOOKS) == {}


def test_joined_orders_whose_goods_are_all_missing_wait_together(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    stocked(house, fennel, "JUG", ("RESERVE-01", 5))
    orders = joined(database, fennel, ("JUG", 1), ("JUG", 2))
    assert release(frozen_clock) == 1
    (apart,) = {shipments(order_id, fennel)[0].id for order_id in orders}
    assert database.rows("SELECT shipment_id, count(*) FROM hold WHERE lifted_at IS NULL GROUP BY 1") == [(apart, 2)]


def test_only_what_went_to_the_floor_is_counted_and_only_once_it_did(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    stocked(house, fennel, "JUG", ("RESERVE-01", 5))
    placed(fennel, ("CUP", 2))
    placed(fennel, ("JUG", 2))
    frozen_clock.advance(days=1)
    before = REGISTRY.get_sample_value("wms_shipments_released_total")
    assert before is not None

    def released_and_lost() -> None:
        with transaction(WAREHOUSE) as session:
            assert release_due(session) == 2
            raise RuntimeError("the machine died here")

    with pytest.raises(RuntimeError):
        released_and_lost()
    assert REGISTRY.get_sample_value("wms_shipments_released_total") == before
    # One of the two waits for its goods to be carried into a pick bin.
    assert release(frozen_clock) == 2
    assert REGISTRY.get_sample_value("wms_shipments_released_total") == before + 1


def test_a_shipment_that_cannot_be_released_keeps_nobody_else_waiting(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    orders = [placed(fennel, ("CUP", 1)) for _ in range(5)]
    database.rows("UPDATE orders SET state = 'cancelled' WHERE id = %s", orders[2])
    frozen_clock.advance(days=1)
    in_transaction(WAREHOUSE, release_due)
    states = dict(
        database.rows("SELECT l.order_id, s.state FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id")
    )
    assert [states[order_id] for order_id in orders] == ["released", "released", "held", "released", "released"]
    assert database.rows("SELECT sum(allocated) FROM bin_stock WHERE allocated > 0") == [(4,)]
