# SPDX-License-Identifier: Apache-2.0
"""Orders for one door that arrive while another is held: they travel together, each with its own story."""

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import (
    BOOKS,
    RecipientFactory,
    at_once,
    bins,
    offences,
    order,
    place,
    release,
    set_policy,
    snapshot,
    stocked,
    story,
)

AUTO = {"consolidation": "auto", "edit_window_seconds": 900}


@pytest.fixture
def fennel(database: Any, house: Any) -> Any:
    brand = house.brands["fennel"].id
    set_policy(database, brand, **AUTO)
    stocked(house, brand, "CUP", ("A-01-1", 50))
    return brand


def one(brand: Any, ref: str, **members: Any) -> Any:
    (answer,) = place(brand, order(("CUP", 1), ref=ref, **members))
    assert answer.refusal is None, answer.refusal
    return answer


def groups(database: Any) -> Any:
    """Returns the orders of each shipment that is not cancelled, and its clock."""
    return database.rows(
        "SELECT array_agg(DISTINCT o.ref ORDER BY o.ref), s.release_at FROM shipment s JOIN shipment_line l"
        " ON l.shipment_id = s.id AND l.quantity > 0 JOIN orders o ON o.id = l.order_id"
        " WHERE s.state <> 'cancelled' GROUP BY s.brand_id, s.id ORDER BY min(o.accepted_at), min(o.ref)"
    )


def test_three_orders_in_ten_minutes_become_one_shipment_and_two_shipping_refunds(
    database: Any, fennel: Any, frozen_clock: Any
) -> None:
    first = one(fennel, "A", shipping_charge_minor=500)
    frozen_clock.advance(minutes=5)
    second = one(
        fennel,
        "B",
        shipping_charge_minor=400,
        recipient=RecipientFactory.build(name="Ms ASHA RAO", street="Flat 3, 12 Market Row.", postcode="ls14ap"),
    )
    frozen_clock.advance(minutes=5)
    third = one(fennel, "C", shipping_charge_minor=300)
    until = frozen_clock.at + timedelta(minutes=15)
    assert third.release_at == until
    assert groups(database) == [(["A", "B", "C"], until)]
    assert [story(database, answer.order_id) for answer in (first, second, third)] == [
        [("accepted", "accepted"), ("combined", "accepted"), ("combined", "accepted")],
        [("accepted", "accepted"), ("combined", "accepted"), ("combined", "accepted")],
        [("accepted", "accepted"), ("combined", "accepted")],
    ]
    assert database.rows(
        "SELECT o.ref, a.kind, a.amount_minor, a.currency, a.state FROM adjustment a JOIN orders o ON o.id = a.order_id"
        " ORDER BY 1"
    ) == [("B", "shipping_refund_due", 400, "GBP", "due"), ("C", "shipping_refund_due", 300, "GBP", "due")]
    assert release(frozen_clock) == 1
    assert [kind for kind, _ in story(database, third.order_id)] == ["accepted", "combined", "released"]
    assert bins(database, database.rows("SELECT id FROM sku WHERE code = 'CUP'")[0][0]) == {"A-01-1": (50, 3)}
    assert offences(*BOOKS) == {}


def test_the_combined_event_names_all_members_and_the_clock(database: Any, fennel: Any, frozen_clock: Any) -> None:
    one(fennel, "A")
    answer = one(fennel, "B")
    ((shipment_id,),) = database.rows("SELECT id FROM shipment")
    assert database.rows("SELECT DISTINCT data FROM order_event WHERE kind = 'combined'") == [
        ({"shipment_id": str(shipment_id), "refs": ["A", "B"], "release_at": answer.release_at.isoformat()},)
    ]


def test_orders_of_one_call_find_each_other_and_are_told_the_final_clock(
    database: Any, fennel: Any, frozen_clock: Any
) -> None:
    elsewhere = RecipientFactory.build(street="14 Market Row\nFlat 3")
    answers = place(
        fennel, *(order(("CUP", 1), ref=ref) for ref in "AB"), order(("CUP", 1), ref="C", recipient=elsewhere)
    )
    until = frozen_clock.at + timedelta(minutes=15)
    assert [answer.release_at for answer in answers] == [until] * 3
    assert groups(database) == [(["A", "B"], until), (["C"], until)]


def test_an_order_that_comes_as_the_clock_runs_out_starts_a_new_parcel(
    database: Any, fennel: Any, frozen_clock: Any
) -> None:
    one(fennel, "A")
    frozen_clock.advance(seconds=900)
    one(fennel, "B")
    frozen_clock.advance(seconds=899.999)
    one(fennel, "C")
    assert [refs for refs, _ in groups(database)] == [["A"], ["B", "C"]]


def test_nothing_joins_where_the_policy_does_not_say_auto(database: Any, fennel: Any, frozen_clock: Any) -> None:
    set_policy(database, fennel, consolidation="suggest")
    for ref in "AB":
        one(fennel, ref)
    set_policy(database, fennel, consolidation="off")
    one(fennel, "C")
    assert [refs for refs, _ in groups(database)] == [["A"], ["B"], ["C"]]
    assert database.rows("SELECT count(*) FROM adjustment") == [(0,)]


@pytest.mark.parametrize(
    "members",
    [
        {"service": "express"},
        {"currency": "EUR"},
        {"payment": "cod", "cod_amount_minor": 900},
        {"recipient": RecipientFactory.build(name="Asha Roy")},
    ],
)
def test_other_terms_or_another_person_travel_apart(
    database: Any, fennel: Any, frozen_clock: Any, members: dict[str, Any]
) -> None:
    one(fennel, "A")
    one(fennel, "B", **members)
    assert [refs for refs, _ in groups(database)] == [["A"], ["B"]]


def test_two_brands_never_share_a_parcel(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    juniper = house.brands["juniper"].id
    set_policy(database, juniper, **AUTO)
    stocked(house, juniper, "CUP", ("A-01-1", 5))
    one(fennel, "A")
    one(juniper, "B")
    assert [refs for refs, _ in groups(database)] == [["A"], ["B"]]


def test_a_joiner_that_would_hurry_the_others_travels_alone(database: Any, fennel: Any, frozen_clock: Any) -> None:
    set_policy(database, fennel, processing_seconds=0)
    one(fennel, "A")
    one(fennel, "B", ship_by=frozen_clock.at + timedelta(minutes=10))
    assert [refs for refs, _ in groups(database)] == [["A"], ["B"]]


def test_the_longest_hold_bounds_what_joiners_may_do(database: Any, fennel: Any, frozen_clock: Any) -> None:
    set_policy(database, fennel, max_hold_seconds=1_200)
    start = one(fennel, "A").release_at - timedelta(minutes=15)
    frozen_clock.advance(minutes=10)
    one(fennel, "B")
    assert groups(database) == [(["A", "B"], start + timedelta(minutes=20))]


def test_a_combine_code_joins_its_order_whatever_the_policy(database: Any, fennel: Any, frozen_clock: Any) -> None:
    set_policy(database, fennel, consolidation="off")
    one(fennel, "A")
    database.rows("UPDATE orders SET combine_code = 'WITH-A'")
    assert one(fennel, "B", combine_code="WITH-A").warnings == []
    elsewhere = RecipientFactory.build(street="14 Market Row")
    assert one(fennel, "C", combine_code="WITH-A", recipient=elsewhere).warnings == [
        "The combine code is another recipient's or another address's."
    ]
    assert one(fennel, "D", combine_code="NOBODY").warnings == ["Nobody gave this combine code out."]
    release(frozen_clock)
    assert one(fennel, "E", combine_code="WITH-A").warnings == [
        "The order with this combine code cannot be joined any more."
    ]
    assert [refs for refs, _ in groups(database)] == [["A", "B"], ["C"], ["D"], ["E"]]


def test_the_same_order_again_joins_nothing_twice(database: Any, fennel: Any, frozen_clock: Any) -> None:
    drafts = [order(("CUP", 1), ref=ref) for ref in "AB"]
    place(fennel, *drafts)
    before = snapshot(database)
    answers = place(fennel, *drafts)
    assert [answer.existed for answer in answers] == [True, True]
    assert snapshot(database) == before
    drafts = [order(("CUP", 1), ref="C")] * 2
    again = place(fennel, *drafts)
    assert [(answer.existed, answer.order_id == again[0].order_id) for answer in again] == [(False, True), (True, True)]


def test_a_refused_order_joins_nothing(database: Any, fennel: Any, frozen_clock: Any) -> None:
    one(fennel, "A")
    before = snapshot(database)
    (answer,) = place(fennel, order(("CUP", 51), ref="B"))
    assert answer.refusal is not None
    assert snapshot(database) == before


def test_eight_orders_for_one_door_that_arrive_at_once_become_one_parcel(
    database: Any, fennel: Any, frozen_clock: Any
) -> None:
    at_once(8, lambda number: one(fennel, f"A-{number}"))
    ((refs, _),) = groups(database)
    assert refs == [f"A-{number}" for number in range(8)]
    assert offences(*BOOKS) == {}
