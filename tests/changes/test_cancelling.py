# SPDX-License-Identifier: Apache-2.0
"""Cancelling: everything that has not left is given back, and the row lock says which of two came first."""

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
from wms.orders.models import HoldKind, Order
from wms.orders.service import place_hold
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.platform.errors import NotFound
from wms.platform.ids import new_id
from wms.shipments.missing import report_short
from wms.shipments.release import release_due
from wms.shipments.service import lines_of
from wms.stock.allocations import open_allocations
from wms.stock.ledger import Cause
from wms.stock.models import Location


def test_a_cancelled_order_gives_everything_back(database: Any, house: Any, fennel: Any, change: Any) -> None:
    cup = stocked(house, fennel, "CUP", ("A-01-1", 10))
    order_id = placed(fennel, ("CUP", 3), ("CUP", 1), ref="A-1")
    assert counter(database, cup) == (10, 4)
    answered = change("A-1", "cancel", reason="changed my mind")
    assert (answered.answer, answered.reason_code, answered.stage) == ("applied", "", "held")
    assert counter(database, cup) == (10, 0)
    assert database.rows("SELECT quantity, cancelled FROM order_line ORDER BY 1") == [(1, 1), (3, 3)]
    assert database.rows("SELECT state FROM shipment") == [("cancelled",)]
    assert database.rows("SELECT state FROM promise") == [("released",), ("released",)]
    assert story(database, order_id) == [("accepted", "accepted"), ("cancelled", "cancelled")]
    assert database.rows("SELECT data, actor FROM order_event WHERE seq = 2") == [
        ({"reason": "changed my mind"}, "brand:test")
    ]
    assert offences(*BOOKS) == {}


def test_the_same_reference_again_changes_nothing(database: Any, house: Any, fennel: Any, change: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    placed(fennel, ("CUP", 3), ref="A-1")
    first = change("A-1", "cancel", ref="C")
    before = snapshot(database)
    assert change("A-1", "cancel", ref="C").id == first.id
    assert snapshot(database) == before


def test_a_second_cancellation_is_refused_and_stored(database: Any, house: Any, fennel: Any, change: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    order_id = placed(fennel, ("CUP", 3), ref="A-1")
    change("A-1", "cancel")
    again = change("A-1", "cancel")
    assert (again.answer, again.reason_code, again.stage) == ("refused", "already_cancelled", "cancelled")
    assert story(database, order_id)[-1] == ("change_refused", "cancelled")
    assert database.rows("SELECT answer FROM change ORDER BY id") == [("applied",), ("refused",)]
    assert offences(*BOOKS) == {}


def test_cancelling_lifts_every_hold(database: Any, house: Any, fennel: Any, change: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    order_id = placed(fennel, ("CUP", 3), ref="A-1")
    with transaction(WAREHOUSE) as session:
        for handle in ("one", "two"):
            order = session.get_one(Order, (fennel, order_id))
            place_hold(session, order, HoldKind.BRAND_REQUEST, owner="brand", handle=handle, actor="brand:test")
    change("A-1", "cancel")
    assert database.rows("SELECT count(*) FROM hold WHERE lifted_at IS NULL") == [(0,)]
    kinds = [kind for kind, _ in story(database, order_id)]
    assert kinds == ["accepted", "held", "held", "hold_lifted", "hold_lifted", "cancelled"]


def test_a_released_order_is_cancelled_and_its_bins_are_free(
    database: Any, house: Any, fennel: Any, frozen_clock: Any, change: Any
) -> None:
    cup = stocked(house, fennel, "CUP", ("A-01-1", 10))
    placed(fennel, ("CUP", 3), ref="A-1")
    assert release(frozen_clock) == 1
    assert bins(database, cup) == {"A-01-1": (10, 3)}
    answered = change("A-1", "cancel")
    assert (answered.answer, answered.stage) == ("applied", "released")
    assert (counter(database, cup), bins(database, cup)) == ((10, 0), {"A-01-1": (10, 0)})
    assert database.rows("SELECT state FROM allocation") == [("cancelled",)]
    assert offences(*BOOKS) == {}


def test_nobody_cancels_another_brands_order(database: Any, house: Any, fennel: Any, change: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    placed(fennel, ("CUP", 3), ref="A-1")
    before = snapshot(database)
    with pytest.raises(NotFound):
        change("A-1", "cancel", brand_id=house.brands["juniper"].id)
    assert snapshot(database) == before


def test_what_a_cancellation_gives_back_goes_to_whoever_waits(
    database: Any, house: Any, frozen_clock: Any, run_jobs: Any, change: Any
) -> None:
    juniper = house.brands["juniper"].id
    cup = stocked(house, juniper, "CUP", ("B-01-1", 5))
    placed(juniper, ("CUP", 5), ref="A-1")
    waiting = placed(juniper, ("CUP", 4), ref="A-2")
    run_jobs()
    change("A-1", "cancel", brand_id=juniper)
    run_jobs()
    assert counter(database, cup) == (5, 4)
    assert [kind for kind, _ in story(database, waiting)] == ["accepted", "held", "hold_lifted"]
    assert offences(*BOOKS) == {}


def test_eight_cancellations_at_once_are_one(database: Any, house: Any, fennel: Any, change: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    order_id = placed(fennel, ("CUP", 3), ref="A-1")
    assert at_once(8, lambda _: change("A-1", "cancel", ref="C").answer) == ["applied"] * 8
    assert story(database, order_id) == [("accepted", "accepted"), ("cancelled", "cancelled")]
    assert database.rows("SELECT count(*) FROM change") == [(1,)]
    assert offences(*BOOKS) == {}


def test_cancelling_beside_the_release_always_leaves_the_books_in_order(
    database: Any, house: Any, fennel: Any, frozen_clock: Any, change: Any
) -> None:
    cup = stocked(house, fennel, "CUP", ("A-01-1", 1000))
    for number in range(60):
        placed(fennel, ("CUP", 1), ref=f"A-{number}")
    frozen_clock.advance(days=1)

    def run(worker: int) -> list[str]:
        if worker == 0:
            for _ in range(60):
                in_transaction(WAREHOUSE, lambda session: release_due(session, limit=1))
            return []
        return [change(f"A-{number}", "cancel").stage for number in range(59, -1, -1)]

    _, stages = at_once(2, run)
    assert (stages.count("held") > 0, stages.count("released") > 0) == (True, True)
    assert set(stages) == {"held", "released"}
    assert database.rows("SELECT state, count(*) FROM orders GROUP BY 1") == [("cancelled", 60)]
    assert (counter(database, cup), bins(database, cup)) == ((1000, 0), {"A-01-1": (1000, 0)})
    assert offences(*BOOKS) == {}


def test_a_captured_payment_is_owed_back_with_its_postage(database: Any, house: Any, sell: Any, change: Any) -> None:
    sell("A-1", (min(house.brands["fennel"].skus), 2, 1500), shipping_charge_minor=399)
    answered = change("A-1", "cancel")
    assert database.rows("SELECT kind, amount_minor, currency, cause FROM adjustment") == [
        ("refund_due", 3399, "GBP", f"change:{answered.id}")
    ]
    assert answered.outcome["refund_due"]["amount_minor"] == 3399


def test_an_authorised_payment_is_never_owed_back(database: Any, house: Any, sell: Any, change: Any) -> None:
    sell("A-1", (min(house.brands["fennel"].skus), 2, 1500), payment="authorised")
    assert change("A-1", "cancel").answer == "applied"
    assert database.rows("SELECT 1 FROM adjustment") == []


def test_a_shipment_that_is_split_off_while_the_cancellation_waits_is_cancelled_too(
    database: Any, house: Any, frozen_clock: Any, change: Any
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
            waiting = pool.submit(change, "A-1", "cancel", brand_id=juniper)
            until_somebody_waits_for_a_lock(database)
        assert waiting.result(timeout=10).answer == "applied"
    assert [one.state for one in shipments(order_id, juniper)] == ["cancelled", "cancelled"]
    assert release(frozen_clock) == 0
    assert counter(database, cup) == (0, 0)
    assert offences(*BOOKS) == {}
