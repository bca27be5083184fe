# SPDX-License-Identifier: Apache-2.0
"""Two shipments for one door become one, and one is taken apart again: lines, holds, goods, money and stories."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session

from tests.factories import (
    BOOKS,
    RecipientFactory,
    at_once,
    bins,
    give_to_carrier,
    offences,
    pack,
    pick_all,
    placed,
    release,
    set_policy,
    shipments,
    snapshot,
    start_picking,
    stocked,
    story,
)
from wms.brands.models import ConsolidateUntil
from wms.orders.models import HoldKind
from wms.orders.service import place_hold, place_stock_hold
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.platform.errors import Invalid
from wms.shipments.consolidation import (
    CannotCombine,
    CannotSeparate,
    blockers_between,
    host_first,
    live_members,
    merge,
    split_off,
    warnings_between,
)
from wms.shipments.doors import suggestions
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.packages import packages_of
from wms.shipments.release import release_due
from wms.shipments.service import lines_of

PACKED = ConsolidateUntil.PACKED


@pytest.fixture
def fennel(database: Any, house: Any, frozen_clock: Any) -> UUID:
    brand: UUID = house.brands["fennel"].id
    set_policy(database, brand, edit_window_seconds=900, processing_seconds=7_200)
    stocked(house, brand, "CUP", ("A-01-1", 30))
    return brand


@pytest.fixture
def cup(database: Any, fennel: UUID) -> UUID:
    ((sku_id,),) = database.rows("SELECT id FROM sku WHERE code = 'CUP'")
    return UUID(str(sku_id))


def sold(brand: UUID, ref: str, quantity: int = 1, **members: Any) -> Shipment:
    return shipments(placed(brand, ("CUP", quantity), ref=ref, **members), brand)[0]


def again(session: Session, shipment: Shipment) -> Shipment:
    return session.get_one(Shipment, (shipment.brand_id, shipment.id))


def joined(host: Shipment, guest: Shipment, until: ConsolidateUntil | None = None) -> Shipment:
    with transaction(WAREHOUSE) as session:
        return merge(session, again(session, host), again(session, guest), "brand:test", until)


def refs(shipment: Shipment) -> list[str]:
    with transaction(WAREHOUSE) as session:
        return [order.ref for order in live_members(session, again(session, shipment))]


def refunds(database: Any) -> list[tuple[str, int, str]]:
    rows: list[tuple[str, int, str]] = database.rows(
        "SELECT o.ref, a.amount_minor, a.state FROM adjustment a JOIN orders o ON o.id = a.order_id ORDER BY a.id"
    )
    return rows


def test_two_held_shipments_become_one_with_the_clock_of_both(database: Any, fennel: UUID, frozen_clock: Any) -> None:
    first = sold(fennel, "A", shipping_charge_minor=500)
    frozen_clock.advance(minutes=5)
    second = sold(fennel, "B", 2, shipping_charge_minor=400)
    host = joined(first, second)
    assert host.id == first.id
    assert host.release_at == frozen_clock.at + timedelta(minutes=15)
    assert refs(host) == ["A", "B"]
    assert database.rows("SELECT state, count(*) FROM shipment GROUP BY 1 ORDER BY 1") == [
        ("cancelled", 1),
        ("held", 1),
    ]
    assert refunds(database) == [("B", 400, "due")]
    assert database.rows("SELECT DISTINCT data FROM order_event WHERE kind = 'combined'") == [
        ({"shipment_id": str(host.id), "refs": ["A", "B"], "release_at": host.release_at.isoformat()},)
    ]
    assert release(frozen_clock) == 1
    assert offences(*BOOKS) == {}


@pytest.mark.parametrize(
    ("members", "blocker"),
    [
        ({"recipient": RecipientFactory.build(name="Asha Roy")}, "recipient"),
        ({"service": "express"}, "service"),
        ({"currency": "EUR"}, "currency"),
        ({"payment": "cod", "cod_amount_minor": 5}, "payment_terms"),
        ({"ship_by": "2026-03-02T11:05:00Z"}, "earlier_release"),
    ],
)
def test_what_does_not_belong_together_stays_apart(
    database: Any, fennel: UUID, members: dict[str, Any], blocker: str
) -> None:
    first, second = sold(fennel, "A"), sold(fennel, "B", **members)
    before = snapshot(database)
    with pytest.raises(CannotCombine) as refusal:
        joined(first, second)
    assert [one["code"] for one in refusal.value.extra["blockers"]] == [blocker]
    assert snapshot(database) == before


def test_another_contact_or_a_hold_is_a_warning(database: Any, fennel: UUID) -> None:
    first = sold(fennel, "A")
    second = sold(fennel, "B", recipient=RecipientFactory.build(phone="0113 496 0001"))
    with transaction(WAREHOUSE) as session:
        order = live_members(session, again(session, second))[0]
        place_hold(session, order, HoldKind.FRAUD_REVIEW, owner="brand", handle="x", actor="brand:test")
        session.flush()
        assert blockers_between(session, first, second) == []
        assert warnings_between(session, first, second) == [
            "The phone numbers are not the same; the courier gets the first order's.",
            "One of them is on hold; if it still is at the release, it is left behind.",
        ]


def test_the_furthest_shipment_takes_the_others_in(database: Any, fennel: UUID, frozen_clock: Any, cup: UUID) -> None:
    first = sold(fennel, "A")
    release(frozen_clock)
    second = sold(fennel, "B", 3)
    with transaction(WAREHOUSE) as session:
        pair = [again(session, second), again(session, first)]
        assert [one.id for one in host_first(session, pair)] == [first.id, second.id]
        assert [blocker.value for blocker in blockers_between(session, pair[1], pair[0])] == ["stage"]
    host = joined(first, second, PACKED)
    assert host.state is ShipmentState.RELEASED
    assert bins(database, cup) == {"A-01-1": (30, 4)}
    ((order_id,),) = database.rows("SELECT id FROM orders WHERE ref = 'B'")
    assert [kind for kind, _ in story(database, order_id)] == ["accepted", "released", "combined"]
    assert offences(*BOOKS) == {}


def test_a_released_shipment_takes_nobody_in_whose_goods_are_not_in_the_bins(
    database: Any, fennel: UUID, frozen_clock: Any, cup: UUID
) -> None:
    first = sold(fennel, "A")
    release(frozen_clock)
    second = sold(fennel, "B", 3)
    database.rows("UPDATE bin_stock SET allocated = on_hand - 2 WHERE sku_id = %s", cup)
    before = snapshot(database)
    with pytest.raises(CannotCombine) as refusal:
        joined(first, second, PACKED)
    assert refusal.value.extra["blockers"][0]["code"] == "stock"
    assert snapshot(database) == before


def test_two_packed_shipments_become_one_of_all_their_boxes(database: Any, fennel: UUID, frozen_clock: Any) -> None:
    first, second = sold(fennel, "A"), sold(fennel, "B")
    release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        for one in (first, second):
            shipment = start_picking(session, one)
            pick_all(session, shipment)
            pack(session, shipment, [{line.id: line.quantity for line in lines_of(session, shipment)}])
    database.rows("UPDATE shipment SET state = 'packed'")
    host = joined(first, second, PACKED)
    database.rows("UPDATE shipment SET state = 'labelled' WHERE state = 'packed'")
    with transaction(WAREHOUSE) as session:
        boxes = packages_of(session, again(session, host))
    assert [box.number for box in boxes] == [1, 2]
    for box in boxes:
        give_to_carrier(box)
    assert database.rows("SELECT ref, state FROM orders ORDER BY 1") == [("A", "shipped"), ("B", "shipped")]
    assert offences(*BOOKS) == {}


def test_a_member_that_leaves_takes_its_lines_its_holds_and_its_shipping_charge_along(
    database: Any, fennel: UUID, frozen_clock: Any
) -> None:
    first = sold(fennel, "A", shipping_charge_minor=500)
    frozen_clock.advance(minutes=5)
    second = sold(fennel, "B", shipping_charge_minor=400)
    host = joined(first, second)
    with transaction(WAREHOUSE) as session:
        guest = live_members(session, again(session, host))[1]
        place_stock_hold(session, fennel, guest.id, host.id)
    with transaction(WAREHOUSE) as session:
        own = split_off(session, again(session, host), [guest.id], "brand:test")
    assert (refs(host), refs(own)) == (["A"], ["B"])
    assert own.recipient_id == guest.recipient_id
    assert own.release_at == frozen_clock.at + timedelta(minutes=15)
    with transaction(WAREHOUSE) as session:
        assert again(session, host).release_at == frozen_clock.at + timedelta(minutes=10)
    assert database.rows("SELECT shipment_id, handle FROM hold") == [(own.id, f"stock-{own.id}")]
    assert refunds(database) == [("B", 400, "waived")]
    joined(host, own)
    assert refunds(database) == [("B", 400, "waived"), ("B", 400, "due")]
    assert offences(*BOOKS) == {}


def test_the_host_goes_to_those_who_stay(database: Any, fennel: UUID, frozen_clock: Any) -> None:
    host = joined(sold(fennel, "A", shipping_charge_minor=500), sold(fennel, "B", shipping_charge_minor=400))
    with transaction(WAREHOUSE) as session:
        oldest, other = live_members(session, again(session, host))
        split_off(session, again(session, host), [oldest.id])
        assert again(session, host).recipient_id == other.recipient_id
    assert refunds(database) == [("B", 400, "waived")]


def test_a_released_member_leaves_with_what_was_set_aside_for_it(
    database: Any, fennel: UUID, frozen_clock: Any, cup: UUID
) -> None:
    host = joined(sold(fennel, "A"), sold(fennel, "B", 2))
    release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        guest = live_members(session, again(session, host))[1]
        own = split_off(session, again(session, host), [guest.id])
    assert own.state is ShipmentState.RELEASED
    assert bins(database, cup) == {"A-01-1": (30, 3)}
    assert offences(*BOOKS) == {}


def test_a_member_leaves_a_walk_before_its_goods_are_picked_and_is_released_anew(
    database: Any, fennel: UUID, frozen_clock: Any, cup: UUID
) -> None:
    host = joined(sold(fennel, "A"), sold(fennel, "B", 2))
    release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        start_picking(session, host)
        guest = live_members(session, again(session, host))[1]
        own = split_off(session, again(session, host), [guest.id])
        assert own.state is ShipmentState.HELD
    assert bins(database, cup) == {"A-01-1": (30, 1)}
    assert in_transaction(WAREHOUSE, release_due) == 1
    assert bins(database, cup) == {"A-01-1": (30, 3)}
    assert offences(*BOOKS) == {}


def test_what_is_in_the_tote_must_be_taken_out_first(database: Any, fennel: UUID, frozen_clock: Any) -> None:
    host = joined(sold(fennel, "A"), sold(fennel, "B"))
    release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        pick_all(session, start_picking(session, host))
        guest = live_members(session, again(session, host))[1]
    before = snapshot(database)
    with pytest.raises(CannotSeparate), transaction(WAREHOUSE) as session:
        split_off(session, again(session, host), [guest.id])
    assert snapshot(database) == before


@pytest.mark.parametrize("whom", [list, lambda _: [UUID(int=1)]])
def test_nobody_leaves_an_empty_shipment_behind_and_no_stranger_leaves(
    database: Any, fennel: UUID, whom: Callable[[list[UUID]], list[UUID]]
) -> None:
    host = joined(sold(fennel, "A"), sold(fennel, "B"))
    with transaction(WAREHOUSE) as session:
        members = [order.id for order in live_members(session, again(session, host))]
    with pytest.raises(Invalid), transaction(WAREHOUSE) as session:
        split_off(session, again(session, host), whom(members))


def test_two_parts_of_one_line_become_one_line_again(database: Any, fennel: UUID, frozen_clock: Any) -> None:
    host = joined(sold(fennel, "A", 4), sold(fennel, "B"))
    # As a short pick does it: two of the four pieces were sent later.
    ((order_id,),) = database.rows("SELECT id FROM orders WHERE ref = 'A'")
    with transaction(WAREHOUSE) as session:
        own = split_off(session, again(session, host), [order_id])
        line = lines_of(session, own)[0]
        line.quantity = 2
        part = type(line)(**{**line.model_dump(), "id": UUID(int=7), "shipment_id": host.id})
        session.add_all([line, part])
    joined(host, own)
    assert database.rows("SELECT quantity FROM shipment_line WHERE order_id = %s", order_id) == [(4,)]
    assert offences(*BOOKS) == {}


def test_doors_with_several_held_shipments_are_suggested(database: Any, fennel: UUID, frozen_clock: Any) -> None:
    for ref in "AB":
        sold(fennel, ref)
    sold(fennel, "C", service="express")
    with transaction(WAREHOUSE) as session:
        assert suggestions(session, fennel) == [["A", "B"]]
    frozen_clock.advance(minutes=15)
    with transaction(WAREHOUSE) as session:
        assert suggestions(session, fennel) == []


def test_overlapping_merges_at_once_have_one_winner_each_round(database: Any, fennel: UUID, frozen_clock: Any) -> None:
    for number in range(5):
        trio = [sold(fennel, f"{ref}-{number}") for ref in "ABC"]

        def work(turn: int, trio: list[Shipment] = trio) -> bool:
            try:
                in_transaction(
                    WAREHOUSE,
                    lambda session: merge(session, again(session, trio[turn]), again(session, trio[2]), "brand:test"),
                )
            except CannotCombine:
                return False
            return True

        assert sorted(at_once(2, work)) == [False, True]
    assert database.rows("SELECT count(*) FROM shipment WHERE state = 'held'") == [(10,)]
    assert offences(*BOOKS) == {}
