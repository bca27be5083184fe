# SPDX-License-Identifier: Apache-2.0
"""Members of a shared shipment: joined and parted by asking, and changed one by one without the others noticing."""

from typing import Any

import pytest
from sqlmodel import select

from tests.factories import (
    BOOKS,
    RecipientFactory,
    bins,
    counter,
    offences,
    pick_all,
    placed,
    release,
    snapshot,
    start_picking,
    stocked,
    story,
)
from wms.platform.db import WAREHOUSE, transaction
from wms.shipments.consolidation import live_members
from wms.shipments.models import Shipment, ShipmentLine

YORK = {"name": "Asha Rao", "street": "4 Mill Lane", "city": "York", "postcode": "YO1 7HH", "country": "GB"}
CHECKS = (*BOOKS, "O4", "L1")


@pytest.fixture
def pair(house: Any, fennel: Any, frozen_clock: Any, change: Any) -> Any:
    """Two orders of one door, A-1 with 2 cups and A-2 with 3, in one held shipment. Returns the cup's id."""
    cup = stocked(house, fennel, "CUP", ("A-01-1", 50))
    placed(fennel, ("CUP", 2), ref="A-1")
    placed(fennel, ("CUP", 3), ref="A-2")
    assert change("A-2", "merge", into="A-1").answer == "applied"
    return cup


def groups() -> list[tuple[str, list[str]]]:
    """Returns (state, order references) of each shipment that carries something."""
    with transaction(WAREHOUSE) as session:
        found = [
            (shipment.state.value, [order.ref for order in live_members(session, shipment)])
            for shipment in session.exec(select(Shipment).order_by(Shipment.id)).all()
        ]
    return [(state, refs) for state, refs in found if refs]


def test_a_merge_that_is_asked_for_joins_and_says_where(database: Any, pair: Any) -> None:
    assert groups() == [("held", ["A-1", "A-2"])]
    ((outcome,),) = database.rows("SELECT outcome FROM change")
    assert outcome["into"] == "A-1"
    assert offences(*CHECKS) == {}


def test_merging_what_travels_together_already_is_refused(database: Any, pair: Any, change: Any) -> None:
    assert change("A-2", "merge", into="A-1").reason_code == "nothing_to_change"
    assert groups() == [("held", ["A-1", "A-2"])]


def test_a_merge_across_doors_is_refused_with_every_blocker(database: Any, fennel: Any, pair: Any, change: Any) -> None:
    placed(fennel, ("CUP", 1), ref="A-3", service="express", recipient=RecipientFactory.build(**YORK))
    answered = change("A-3", "merge", into="A-1")
    assert (answered.answer, answered.reason_code) == ("refused", "cannot_combine")
    assert [one["code"] for one in answered.outcome["blockers"]] == ["recipient", "service"]
    assert groups() == [("held", ["A-1", "A-2"]), ("held", ["A-3"])]


def test_a_merge_with_another_phone_asks_first(database: Any, house: Any, fennel: Any, pair: Any, change: Any) -> None:
    placed(fennel, ("CUP", 1), ref="A-3", recipient=RecipientFactory.build(phone="+44 113 496 0999"))
    answered = change("A-3", "merge", into="A-1")
    assert (answered.answer, answered.reason_code, len(answered.outcome["warnings"])) == ("refused", "warnings", 1)
    assert change("A-3", "merge", into="A-1", acknowledge_warnings=True).answer == "applied"
    assert groups() == [("held", ["A-1", "A-2", "A-3"])]


@pytest.mark.parametrize("is_released", [False, True])
def test_a_member_parts_from_the_others(
    database: Any, fennel: Any, frozen_clock: Any, pair: Any, change: Any, is_released: bool
) -> None:
    if is_released:
        assert release(frozen_clock) == 1
    state = "released" if is_released else "held"
    answered = change("A-2", "split_off")
    assert (answered.answer, answered.stage) == ("applied", state)
    assert groups() == [(state, ["A-1"]), (state, ["A-2"])]
    assert change("A-2", "split_off").reason_code == "not_combined"
    assert offences(*CHECKS) == {}


def test_a_member_parts_while_nothing_of_it_is_picked(
    database: Any, fennel: Any, frozen_clock: Any, pair: Any, change: Any
) -> None:
    release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        start_picking(session, session.exec(select(Shipment).where(Shipment.state == "released")).one())
    assert change("A-2", "split_off").answer == "applied_with_rework"
    assert groups() == [("picking", ["A-1"]), ("held", ["A-2"])]
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize("kind", ["split_off", "address", "cancel"])
def test_a_member_whose_goods_are_in_the_tote_leaves_and_they_are_put_back(
    database: Any, fennel: Any, frozen_clock: Any, pair: Any, change: Any, kind: str
) -> None:
    release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        released = session.exec(select(Shipment).where(Shipment.state == "released")).one()
        pick_all(session, start_picking(session, released))
    answered = change("A-2", kind, **({"recipient": YORK} if kind == "address" else {}))
    assert answered.answer == "applied_with_rework"
    assert groups() == [("picked", ["A-1"])] + ([] if kind == "cancel" else [("held", ["A-2"])])
    assert database.rows("SELECT quantity FROM put_back") == [(3,)]
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize("is_released", [False, True])
def test_a_cancelled_member_leaves_the_others_as_they_are(
    database: Any, fennel: Any, frozen_clock: Any, pair: Any, change: Any, is_released: bool
) -> None:
    if is_released:
        release(frozen_clock)
    assert change("A-2", "cancel").answer == "applied"
    assert groups() == [("released" if is_released else "held", ["A-1"])]
    assert counter(database, pair) == (50, 2)
    assert bins(database, pair) == {"A-01-1": (50, 2 if is_released else 0)}
    # The others' story goes on without it, to the end.
    if not is_released:
        release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        start_picking(session, session.exec(select(Shipment).where(Shipment.state == "released")).one())
    ((order_id,),) = database.rows("SELECT id FROM orders WHERE ref = 'A-2'")
    assert story(database, order_id)[-1][0] == "cancelled"
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize("kind", ["address", "service"])
def test_a_member_that_goes_another_way_leaves_the_group(
    database: Any, fennel: Any, pair: Any, change: Any, kind: str
) -> None:
    members = {"address": {"recipient": YORK}, "service": {"service": "express"}}[kind]
    assert change("A-1", kind, **members).answer == "applied"
    assert sorted(groups()) == [("held", ["A-1"]), ("held", ["A-2"])]
    shown = database.rows(
        "SELECT DISTINCT o.ref, r.city, s.service FROM shipment s JOIN recipient r ON r.id = s.recipient_id"
        " JOIN shipment_line l ON l.shipment_id = s.id JOIN orders o ON o.id = l.order_id ORDER BY 1"
    )
    assert (
        shown
        == {
            "address": [("A-1", "York", "standard"), ("A-2", "Leeds", "standard")],
            "service": [("A-1", "Leeds", "express"), ("A-2", "Leeds", "standard")],
        }[kind]
    )
    assert offences(*CHECKS) == {}


def test_pieces_come_off_one_members_lines_only(database: Any, fennel: Any, pair: Any, change: Any) -> None:
    assert change("A-2", "reduce", lines=[{"line": 1, "quantity": 2}]).answer == "applied"
    with transaction(WAREHOUSE) as session:
        assert sorted(line.quantity for line in session.exec(select(ShipmentLine)).all()) == [1, 2]
    assert counter(database, pair) == (50, 3)
    assert groups() == [("held", ["A-1", "A-2"])]
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([{"line": 9}], "no_such_line"),
        ([{"line": 1, "quantity": 4}], "too_many_pieces"),
        ([{"line": 1, "quantity": 2}, {"line": 1, "quantity": 2}], "too_many_pieces"),
    ],
)
def test_what_is_not_there_cannot_be_taken_off(database: Any, pair: Any, change: Any, lines: Any, code: str) -> None:
    before = snapshot(database)["shipment_line"]
    answered = change("A-2", "reduce", lines=lines)
    assert (answered.answer, answered.reason_code) == ("refused", code)
    assert snapshot(database)["shipment_line"] == before


def test_taking_everything_off_is_a_cancellation(database: Any, pair: Any, change: Any) -> None:
    assert change("A-2", "reduce", lines=[{"line": 1}]).answer == "applied"
    assert database.rows("SELECT ref, state FROM orders ORDER BY 1") == [("A-1", "accepted"), ("A-2", "cancelled")]
    assert groups() == [("held", ["A-1"])]
    assert offences(*CHECKS) == {}
