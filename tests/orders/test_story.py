# SPDX-License-Identifier: Apache-2.0
"""An order's story is gapless and legal, whoever writes it, and its state follows from it."""

from typing import Any
from uuid import UUID

import pytest
from psycopg import DatabaseError

from tests.factories import as_role, at_once, offences, placed, snapshot, stocked, story
from wms.orders.models import EventKind, HoldKind, Order, OrderState
from wms.orders.service import TooManyHolds, lift_hold, place_hold
from wms.orders.story import STEPS, EventNotAllowed, NewEvent, legal_triples, record, state_after
from wms.platform.db import WAREHOUSE, in_transaction, transaction

S, E = OrderState, EventKind


@pytest.fixture
def fennel(house: Any) -> Any:
    return house.brands["fennel"].id


@pytest.fixture
def order_id(house: Any, fennel: Any) -> UUID:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    return placed(fennel, ("CUP", 1))


TOLD_AFTER_CANCELLING = [E.CHANGE_APPLIED, E.CHANGE_REFUSED, E.PAYMENT_REPORTED]


def tell(brand_id: Any, order_id: UUID, *kinds: EventKind) -> None:
    with transaction(WAREHOUSE) as session:
        record(session, [NewEvent(brand_id, order_id, kind) for kind in kinds])


def test_every_state_can_be_reached_and_two_are_ends() -> None:
    reached, frontier = set(), {S.ACCEPTED}
    while frontier:
        reached |= frontier
        frontier = {after for before, _, after in legal_triples() if before in reached} - reached
    assert reached == set(S)
    onward = {state: {after for before, _, after in legal_triples() if before is state} - {state} for state in S}
    assert [state for state, after in onward.items() if not after] == [S.DELIVERED, S.CANCELLED]
    # What was asked too late, and what became of the money, is still told.
    assert [kind for kind in E if state_after(S.CANCELLED, kind)] == TOLD_AFTER_CANCELLING
    assert [kind for kind in E if state_after(S.DELIVERED, kind)] == [
        E.IN_TRANSIT,
        E.OUT_FOR_DELIVERY,
        E.DELIVERY_EXCEPTION,
        E.CHANGE_APPLIED,
        E.CHANGE_REFUSED,
        E.ADDON_LAPSED,
        E.PAYMENT_REPORTED,
        E.RETURNING,
        E.RETURNED,
    ]


def test_no_event_takes_an_order_back() -> None:
    way = [S.ACCEPTED, S.RELEASED, S.PICKING, S.PACKED, S.SHIPPED, S.DELIVERED]
    for before, kind, after in legal_triples():
        if before is not None and after is not S.CANCELLED:
            assert way.index(after) >= way.index(before), (before, kind)


def test_only_cancelling_cancels_and_never_what_has_left() -> None:
    cancelling = {(before, kind) for before, kind, after in legal_triples() if S.CANCELLED is after is not before}
    assert cancelling == {(state, E.CANCELLED) for state in (S.ACCEPTED, S.RELEASED, S.PICKING, S.PACKED)}


def test_every_kind_of_event_can_happen_and_the_first_only_once() -> None:
    triples = list(legal_triples())
    assert {kind for _, kind, _ in triples} == set(E)
    assert [(before, after) for before, kind, after in triples if kind is E.ACCEPTED] == [(None, S.ACCEPTED)]
    assert len(triples) == len(set(triples)) == 112
    assert set(STEPS) == set(E) - {E.ACCEPTED}


def test_the_whole_way_by_hand(database: Any, fennel: Any, order_id: UUID) -> None:
    tell(fennel, order_id, E.RELEASED, E.PICKING_STARTED, E.PICKED, E.PACKED, E.LABEL_BOUGHT)
    tell(fennel, order_id, E.HANDED_OVER, E.IN_TRANSIT, E.OUT_FOR_DELIVERY, E.DELIVERED, E.IN_TRANSIT)
    assert [state for _, state in story(database, order_id)] == [
        *("accepted", "released", "picking", "picking", "packed", "packed", "shipped", "shipped", "shipped"),
        *("delivered", "delivered"),
    ]
    assert database.rows("SELECT state, version FROM orders") == [("delivered", 11)]
    assert offences("O1") == {}


@pytest.mark.parametrize("kind", [E.PICKED, E.PACKED, E.HANDED_OVER, E.DELIVERED, E.IN_TRANSIT, E.ACCEPTED])
def test_an_illegal_event_writes_nothing(database: Any, fennel: Any, order_id: UUID, kind: EventKind) -> None:
    before = snapshot(database)
    with pytest.raises(EventNotAllowed) as refusal:
        tell(fennel, order_id, kind)
    assert (refusal.value.status, refusal.value.extra) == (409, {"state": "accepted"})
    assert snapshot(database) == before


def test_one_illegal_event_among_legal_ones_writes_none_of_them(database: Any, fennel: Any, order_id: UUID) -> None:
    other = placed(fennel, ("CUP", 1))
    before = snapshot(database)
    with transaction(WAREHOUSE) as session:
        events = [NewEvent(fennel, other, E.RELEASED), NewEvent(fennel, order_id, E.DELIVERED)]
        with pytest.raises(EventNotAllowed):
            record(session, events)
    # The transaction was committed all the same: the refusal itself had written nothing.
    assert snapshot(database) == before


def test_nothing_happens_to_a_cancelled_order_any_more(database: Any, fennel: Any, order_id: UUID) -> None:
    tell(fennel, order_id, E.CANCELLED)
    before = snapshot(database)
    for kind in set(E) - set(TOLD_AFTER_CANCELLING):
        with pytest.raises(EventNotAllowed):
            tell(fennel, order_id, kind)
    assert snapshot(database) == before


def test_16_writers_leave_no_gap(database: Any, fennel: Any, order_id: UUID) -> None:
    tell(fennel, order_id, E.RELEASED)
    at_once(16, lambda _: [tell(fennel, order_id, E.LINE_CANCELLED, E.HELD) for _ in range(5)])
    assert database.rows("SELECT seq FROM order_event ORDER BY seq") == [(n,) for n in range(1, 163)]
    assert database.rows("SELECT version, state FROM orders") == [(162, "released")]
    assert offences("O1") == {}


@pytest.mark.parametrize("role", ["postgres", "wms_app"])
@pytest.mark.parametrize("statement", ["UPDATE order_event SET actor = 'x'", "DELETE FROM order_event"])
def test_the_story_cannot_be_rewritten_by_anybody(database: Any, order_id: UUID, role: str, statement: str) -> None:
    before = snapshot(database)
    with pytest.raises(DatabaseError, match="order_event"):
        as_role(database, role, statement)
    assert snapshot(database) == before


def _hold(brand_id: Any, order_id: UUID, handle: str) -> UUID:
    def work(session: Any) -> UUID:
        order = session.get_one(Order, (brand_id, order_id))
        kind = HoldKind.FRAUD_REVIEW
        return place_hold(session, order, kind, owner="brand", handle=handle, actor="brand:test").id

    return in_transaction(WAREHOUSE, work)


def test_the_same_hold_placed_by_eight_at_once_is_one(database: Any, fennel: Any, order_id: UUID) -> None:
    assert len(set(at_once(8, lambda _: _hold(fennel, order_id, "check")))) == 1
    assert database.rows("SELECT owner, handle FROM hold") == [("brand", "check")]
    assert [kind for kind, _ in story(database, order_id)] == ["accepted", "held"]


def test_eight_holds_placed_at_once_are_eight(database: Any, fennel: Any, order_id: UUID) -> None:
    assert len(set(at_once(8, lambda n: _hold(fennel, order_id, f"check {n}")))) == 8
    assert offences("O1") == {}
    assert database.rows("SELECT version FROM orders") == [(9,)]


def test_the_21st_hold_is_refused(database: Any, fennel: Any, order_id: UUID) -> None:
    for number in range(20):
        _hold(fennel, order_id, f"check {number}")
    before = snapshot(database)
    with pytest.raises(TooManyHolds):
        _hold(fennel, order_id, "one more")
    assert snapshot(database) == before


def test_a_hold_is_lifted_once_and_may_be_placed_again(database: Any, fennel: Any, order_id: UUID) -> None:
    from wms.orders.models import Hold

    first = _hold(fennel, order_id, "check")
    for _ in range(2):
        with transaction(WAREHOUSE) as session:
            lift_hold(session, session.get_one(Hold, (fennel, first)), "brand:test")
    assert _hold(fennel, order_id, "check") != first
    assert [kind for kind, _ in story(database, order_id)] == ["accepted", "held", "hold_lifted", "held"]
