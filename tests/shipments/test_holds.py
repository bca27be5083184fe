# SPDX-License-Identifier: Apache-2.0
"""Holds: placed and lifted one by one, by their owners, with the stock or without it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.factories import (
    BOOKS,
    at_once,
    counter,
    give_to_carrier,
    offences,
    packed,
    placed,
    release,
    set_policy,
    shipments,
    snapshot,
    stocked,
    story,
)
from wms.brands.models import Brand
from wms.changes.schemas import Cancel
from wms.changes.service import ask
from wms.orders.models import Hold, HoldKind, Order
from wms.orders.service import TooManyHolds
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.platform.errors import Invalid, NotFound, WmsError
from wms.shipments.holds import HandleTaken, HoldIn, NotYourHold, TooLateToHold, lift, lift_expired, place
from wms.shipments.release import release_due


@pytest.fixture
def fennel(house: Any, frozen_clock: Any) -> Any:
    return house.brands["fennel"].id


@pytest.fixture
def cup(house: Any, fennel: Any) -> UUID:
    return stocked(house, fennel, "CUP", ("A-01-1", 5))


def hold(brand_id: UUID, order_id: UUID, handle: str = "one", owner: str = "brand", **members: Any) -> bool:
    """Places a hold and says whether it is new."""
    wanted = HoldIn(**{"kind": HoldKind.FRAUD_REVIEW, "handle": handle, **members})

    def work(session: Any) -> bool:
        return place(session, session.get_one(Order, (brand_id, order_id)), wanted, owner, f"{owner}:test")[1]

    return in_transaction(WAREHOUSE, work)


def lifted(brand_id: UUID, order_id: UUID, handle: str = "one", owner: str = "brand") -> Hold:
    def work(session: Any) -> Hold:
        return lift(session, session.get_one(Order, (brand_id, order_id)), handle, owner, f"{owner}:test")

    return in_transaction(WAREHOUSE, work)


def refused(database: Any, kind: type[WmsError], work: Callable[[], Any]) -> WmsError:
    """Expects the refusal, and that nothing happened; returns it."""
    before = snapshot(database)
    with pytest.raises(kind) as caught:
        work()
    assert snapshot(database) == before
    return caught.value


def test_a_hold_is_kept_with_all_it_says(database: Any, fennel: Any, cup: UUID, frozen_clock: Any) -> None:
    order_id = placed(fennel, ("CUP", 2))
    until = frozen_clock.at + timedelta(hours=3)
    assert hold(fennel, order_id, until=until, note="card check")
    assert database.rows(
        "SELECT kind, owner, handle, note, until, release_stock, placed_at, lifted_at, shipment_id FROM hold"
    ) == [("fraud_review", "brand", "one", "card check", until, False, frozen_clock.at, None, None)]
    assert database.rows("SELECT actor, data FROM order_event WHERE kind = 'held'") == [
        (
            "brand:test",
            {"kind": "fraud_review", "owner": "brand", "handle": "one", "until": "2026-03-02T12:00:00+00:00"},
        )
    ]
    assert counter(database, cup) == (5, 2)


def test_the_same_hold_again_is_the_same_and_another_of_its_handle_is_refused(
    database: Any, fennel: Any, cup: UUID
) -> None:
    order_id = placed(fennel, ("CUP", 2))
    assert hold(fennel, order_id)
    before = snapshot(database)
    assert not hold(fennel, order_id)
    assert snapshot(database) == before
    refused(database, HandleTaken, lambda: hold(fennel, order_id, note="another"))
    assert hold(fennel, order_id, owner="warehouse")  # Owners do not share their handles.


def test_a_hold_of_another_owner_is_not_lifted(database: Any, fennel: Any, cup: UUID) -> None:
    order_id = placed(fennel, ("CUP", 2))
    hold(fennel, order_id, "desk", "warehouse")
    refused(database, NotYourHold, lambda: lifted(fennel, order_id, "desk"))
    refused(database, NotFound, lambda: lifted(fennel, order_id, "nothing"))
    assert lifted(fennel, order_id, "desk", "warehouse").lifted_at is not None


def test_holds_are_lifted_one_by_one_and_twice_is_once(
    database: Any, fennel: Any, cup: UUID, frozen_clock: Any
) -> None:
    order_id = placed(fennel, ("CUP", 2))
    hold(fennel, order_id, "one")
    hold(fennel, order_id, "two")
    lifted(fennel, order_id, "one")
    assert release(frozen_clock) == 0
    at = lifted(fennel, order_id, "two").lifted_at
    frozen_clock.advance(hours=1)
    before = snapshot(database)
    assert lifted(fennel, order_id, "two").lifted_at == at
    assert snapshot(database) == before
    assert in_transaction(WAREHOUSE, release_due) == 1


def test_an_order_carries_at_most_twenty_holds_and_stock_holds_do_not_count(
    database: Any, house: Any, fennel: Any, cup: UUID
) -> None:
    set_policy(database, fennel, on_shortage="backorder")
    order_id = placed(fennel, ("CUP", 7))
    for number in range(20):
        hold(fennel, order_id, f"h{number}")
    refused(database, TooManyHolds, lambda: hold(fennel, order_id, "h20"))
    assert database.rows("SELECT count(*) FROM hold WHERE lifted_at IS NULL") == [(21,)]


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_a_hold_ends_ahead_and_within_a_year(
    database: Any, fennel: Any, cup: UUID, frozen_clock: Any, days: int
) -> None:
    order_id = placed(fennel, ("CUP", 2))
    refused(database, Invalid, lambda: hold(fennel, order_id, until=frozen_clock.at + timedelta(days=days)))


@pytest.mark.parametrize(
    ("owner", "kind"),
    [("brand", "out_of_stock"), ("brand", "warehouse_request"), ("warehouse", "out_of_stock")],
)
def test_each_owner_has_its_own_reasons(database: Any, fennel: Any, cup: UUID, owner: str, kind: str) -> None:
    order_id = placed(fennel, ("CUP", 2))
    refused(database, Invalid, lambda: hold(fennel, order_id, owner=owner, kind=HoldKind(kind)))


def test_a_hold_lifts_itself_when_its_time_has_come(database: Any, fennel: Any, cup: UUID, frozen_clock: Any) -> None:
    first, second = placed(fennel, ("CUP", 2)), placed(fennel, ("CUP", 2))
    hold(fennel, first, until=frozen_clock.at + timedelta(hours=1))
    hold(fennel, second, until=frozen_clock.at + timedelta(hours=2))
    frozen_clock.advance(minutes=59)
    assert in_transaction(WAREHOUSE, lift_expired) == 0
    assert in_transaction(WAREHOUSE, release_due) == 0
    frozen_clock.advance(minutes=1)
    assert in_transaction(WAREHOUSE, lift_expired) == 1
    assert in_transaction(WAREHOUSE, release_due) == 1
    assert [kind for kind, _ in story(database, first)] == ["accepted", "held", "hold_lifted", "released"]
    assert database.rows("SELECT actor FROM order_event WHERE kind = 'hold_lifted'") == [("system",)]
    assert [kind for kind, _ in story(database, second)] == ["accepted", "held"]


def test_four_sweepers_lift_each_hold_once(database: Any, fennel: Any, cup: UUID, frozen_clock: Any) -> None:
    for _ in range(5):
        hold(fennel, placed(fennel, ("CUP", 1)), until=frozen_clock.at + timedelta(hours=1))
    frozen_clock.advance(hours=1)
    at_once(4, lambda _: in_transaction(WAREHOUSE, lambda session: lift_expired(session, 3)))
    in_transaction(WAREHOUSE, lift_expired)
    assert database.rows("SELECT count(*), count(DISTINCT order_id) FROM order_event WHERE kind = 'hold_lifted'") == [
        (5, 5)
    ]


def test_stock_that_a_hold_gives_back_goes_to_whoever_waits(
    database: Any, house: Any, fennel: Any, cup: UUID, run_jobs: Any
) -> None:
    set_policy(database, fennel, on_shortage="backorder")
    patient, waiting = placed(fennel, ("CUP", 4)), placed(fennel, ("CUP", 3))
    assert counter(database, cup) == (5, 5)
    hold(fennel, patient, release_stock=True)
    assert counter(database, cup) == (5, 1)
    run_jobs()
    assert [kind for kind, _ in story(database, waiting)] == ["accepted", "held", "hold_lifted"]
    assert counter(database, cup) == (5, 3)
    assert offences(*BOOKS) == {}


def test_lifting_promises_anew_and_what_is_gone_is_waited_for(
    database: Any, house: Any, fennel: Any, cup: UUID, frozen_clock: Any, run_jobs: Any
) -> None:
    first = placed(fennel, ("CUP", 4))
    hold(fennel, first, release_stock=True)
    second = placed(fennel, ("CUP", 3))
    lifted(fennel, first)
    assert counter(database, cup) == (5, 5)
    ((shipment_id,),) = database.rows("SELECT shipment_id FROM shipment_line WHERE order_id = %s", first)
    assert database.rows("SELECT kind, owner, handle FROM hold WHERE lifted_at IS NULL") == [
        ("out_of_stock", "system", f"stock-{shipment_id}")
    ]
    with transaction(WAREHOUSE) as session:
        ref = session.get_one(Order, (fennel, second)).ref
        ask(session, session.get_one(Brand, fennel), ref, Cancel(ref="C-1"), "brand:test")
    run_jobs()
    assert counter(database, cup) == (5, 4)
    assert release(frozen_clock) == 1
    assert story(database, first)[-1] == ("released", "released")
    assert offences(*BOOKS) == {}


def test_stock_comes_back_with_the_last_of_the_holds_that_gave_it_away(
    database: Any, fennel: Any, cup: UUID, frozen_clock: Any
) -> None:
    order_id = placed(fennel, ("CUP", 4))
    hold(fennel, order_id, "one", release_stock=True)
    hold(fennel, order_id, "two", release_stock=True, until=frozen_clock.at + timedelta(hours=1))
    lifted(fennel, order_id, "one")
    assert counter(database, cup) == (5, 0)
    frozen_clock.advance(hours=1)
    assert in_transaction(WAREHOUSE, lift_expired) == 1
    assert counter(database, cup) == (5, 4)
    assert database.rows("SELECT count(*) FROM hold WHERE lifted_at IS NULL") == [(0,)]
    assert release(frozen_clock) == 1
    assert offences(*BOOKS) == {}


def test_an_order_that_gave_its_stock_back_takes_none_of_what_arrives(
    database: Any, house: Any, fennel: Any, cup: UUID, run_jobs: Any
) -> None:
    set_policy(database, fennel, on_shortage="backorder")
    order_id = placed(fennel, ("CUP", 7))
    hold(fennel, order_id, release_stock=True)
    run_jobs()
    assert counter(database, cup) == (5, 0)
    lifted(fennel, order_id)
    run_jobs()
    assert counter(database, cup) == (5, 5)
    assert database.rows("SELECT kind FROM hold WHERE lifted_at IS NULL") == [("out_of_stock",)]


def test_goods_that_are_set_aside_are_held_but_not_given_back(
    database: Any, fennel: Any, cup: UUID, frozen_clock: Any
) -> None:
    order_id = placed(fennel, ("CUP", 2))
    release(frozen_clock)
    refusal = refused(database, TooLateToHold, lambda: hold(fennel, order_id, release_stock=True))
    assert refusal.extra == {"alternatives": ["hold_with_stock"]}
    assert hold(fennel, order_id)


def test_an_order_can_be_held_until_all_of_it_has_left(
    database: Any, fennel: Any, cup: UUID, frozen_clock: Any
) -> None:
    order_id = placed(fennel, ("CUP", 2))
    release(frozen_clock)
    (shipment,) = shipments(order_id, fennel)
    boxes = packed(shipment)
    assert hold(fennel, order_id)
    lifted(fennel, order_id)
    give_to_carrier(boxes[0])
    refusal = refused(database, TooLateToHold, lambda: hold(fennel, order_id, "two"))
    assert refusal.extra == {"state": "shipped"}


def test_a_cancelled_order_is_not_held(database: Any, fennel: Any, cup: UUID) -> None:
    order_id = placed(fennel, ("CUP", 2), ref="A-1")
    with transaction(WAREHOUSE) as session:
        ask(session, session.get_one(Brand, fennel), "A-1", Cancel(ref="C-1"), "brand:test")
    refused(database, TooLateToHold, lambda: hold(fennel, order_id))


def test_of_a_hold_and_a_release_at_once_the_floor_sees_one_result(
    database: Any, fennel: Any, cup: UUID, frozen_clock: Any
) -> None:
    stories = []
    for _ in range(5):
        order_id = placed(fennel, ("CUP", 1))
        frozen_clock.advance(days=1)

        def run(worker: int, order_id: UUID = order_id) -> Any:
            return in_transaction(WAREHOUSE, release_due) if worker else hold(fennel, order_id)

        at_once(2, run)
        stories.append([kind for kind, _ in story(database, order_id)])
        lifted(fennel, order_id)
        in_transaction(WAREHOUSE, release_due)
    assert all(told in (["accepted", "held"], ["accepted", "released", "held"]) for told in stories)
    assert database.rows("SELECT state, count(*) FROM shipment GROUP BY 1") == [("released", 5)]
    assert offences(*BOOKS, "O3") == {}
