# SPDX-License-Identifier: Apache-2.0
"""The ledger is append-only and balanced, a cause moves goods once, and the counters follow the ledger."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from psycopg import DatabaseError
from sqlmodel import Session

from tests.factories import BOOKS, as_role, at_once, bins, counter, offences, placed, snapshot, stocked
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.platform.errors import Invalid, WmsError
from wms.platform.ids import new_id
from wms.stock.ledger import Cause, Leg, NotEnoughStock, post
from wms.stock.models import Account, Location
from wms.stock.service import Goods, found, lost, move, receive


@pytest.fixture
def fennel(house: Any) -> Any:
    return house.brands["fennel"].id


def cause(group_id: UUID | None = None) -> Cause:
    return Cause(group_id or new_id(), "test", "staff:W-1003")


Verb = Callable[[Session, Callable[[str], Location]], Any]


def run(house: Any, verb: Verb) -> Any:
    """Runs a stock verb; the second argument finds a location."""
    return in_transaction(WAREHOUSE, lambda s: verb(s, lambda code: s.get_one(Location, house.locations[code])))


def refused(database: Any, house: Any, error: type[WmsError], verb: Verb) -> None:
    before = snapshot(database)
    with pytest.raises(error):
        run(house, verb)
    assert snapshot(database) == before


def test_a_receipt_is_two_legs_that_sum_to_zero(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 10))
    legs = "SELECT account, quantity FROM stock_move WHERE sku_id = %s ORDER BY quantity"
    assert database.rows(legs, sku) == [("supplier", -10), ("bin", 10)]
    assert (counter(database, sku), bins(database, sku)) == ((10, 0), {"A-01-1": (10, 0)})


@pytest.mark.parametrize("place", ["A-01-1", "RESERVE-01", "RECV-01"])
def test_goods_can_be_sold_wherever_they_lie(database: Any, house: Any, fennel: Any, place: str) -> None:
    assert counter(database, stocked(house, fennel, "CUP", (place, 10))) == (10, 0)


def test_goods_in_quarantine_cannot_be_sold(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("QUAR-01", 10))
    assert database.rows("SELECT count(*) FROM stock_counter WHERE sku_id = %s", sku) == [(0,)]
    run(house, lambda s, at: move(s, fennel, at("QUAR-01"), at("A-01-1"), Goods(sku, 4), cause()))
    assert counter(database, sku) == (4, 0)
    run(house, lambda s, at: move(s, fennel, at("A-01-1"), at("QUAR-01"), Goods(sku, 1), cause()))
    assert (counter(database, sku), bins(database, sku)) == ((3, 0), {"A-01-1": (3, 0), "QUAR-01": (7, 0)})
    assert offences(*BOOKS) == {}


def test_what_is_promised_cannot_go_into_quarantine(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 10))
    placed(fennel, ("CUP", 8))
    refused(
        database,
        house,
        NotEnoughStock,
        lambda s, at: move(s, fennel, at("A-01-1"), at("QUAR-01"), Goods(sku, 3), cause()),
    )


@pytest.mark.parametrize(
    ("verb", "in_bins"),
    [
        (lambda s, b, k, at, why: receive(s, b, at("A-01-1"), [Goods(k, 2), Goods(k, 3)], why), {"A-01-1": (15, 0)}),
        (
            lambda s, b, k, at, why: move(s, b, at("A-01-1"), at("A-01-2"), Goods(k, 4), why),
            {"A-01-1": (6, 0), "A-01-2": (4, 0)},
        ),
        (lambda s, b, k, at, why: found(s, b, at("A-01-1"), Goods(k, 1), why), {"A-01-1": (11, 0)}),
        (lambda s, b, k, at, why: lost(s, b, at("A-01-1"), Goods(k, 6), why), {"A-01-1": (4, 0)}),
    ],
    ids=["receive", "move", "found", "lost"],
)
def test_every_verb_moves_once_for_its_cause(
    database: Any, house: Any, fennel: Any, verb: Callable[..., bool], in_bins: dict[str, tuple[int, int]]
) -> None:
    sku, why = stocked(house, fennel, "CUP", ("A-01-1", 10)), cause()
    assert run(house, lambda s, at: verb(s, fennel, sku, at, why)) is True
    before = snapshot(database)
    assert run(house, lambda s, at: verb(s, fennel, sku, at, why)) is False
    assert snapshot(database) == before
    assert bins(database, sku) == in_bins
    assert counter(database, sku) == (sum(on_hand for on_hand, _ in in_bins.values()), 0)
    assert offences(*BOOKS) == {}


def test_one_cause_at_eight_doors_moves_once(database: Any, house: Any, fennel: Any) -> None:
    sku, why = stocked(house, fennel, "CUP", ("A-01-1", 10)), cause()
    answers = at_once(8, lambda _: run(house, lambda s, at: receive(s, fennel, at("A-01-1"), [Goods(sku, 5)], why)))
    assert sorted(answers) == [False] * 7 + [True]
    assert counter(database, sku) == (15, 0)


def test_lots_are_kept_apart(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "TEA", ("A-01-1", 3, "L1"), ("A-01-1", 4, "L2"))
    assert bins(database, sku) == {"A-01-1/L1": (3, 0), "A-01-1/L2": (4, 0)}
    refused(database, house, NotEnoughStock, lambda s, at: lost(s, fennel, at("A-01-1"), Goods(sku, 4, "L1"), cause()))
    refused(database, house, NotEnoughStock, lambda s, at: lost(s, fennel, at("A-01-1"), Goods(sku, 1), cause()))
    assert counter(database, sku) == (7, 0)


@pytest.mark.parametrize(("code", "quantity"), [("A-01-1", 11), ("A-01-2", 1)])
def test_nothing_moves_that_is_not_there(database: Any, house: Any, fennel: Any, code: str, quantity: int) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 10))
    goods = Goods(sku, quantity)
    refused(database, house, NotEnoughStock, lambda s, at: move(s, fennel, at(code), at("A-01-3"), goods, cause()))


@pytest.mark.parametrize("quantity", [0, -1])
def test_no_verb_takes_less_than_one_piece(database: Any, house: Any, fennel: Any, quantity: int) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 10))
    goods = Goods(sku, quantity)
    refused(database, house, Invalid, lambda s, at: receive(s, fennel, at("A-01-1"), [Goods(sku, 1), goods], cause()))
    refused(database, house, Invalid, lambda s, at: receive(s, fennel, at("A-01-1"), [], cause()))
    refused(database, house, Invalid, lambda s, at: move(s, fennel, at("A-01-1"), at("A-01-2"), goods, cause()))
    refused(database, house, Invalid, lambda s, at: found(s, fennel, at("A-01-1"), goods, cause()))
    refused(database, house, Invalid, lambda s, at: lost(s, fennel, at("A-01-1"), goods, cause()))


def test_goods_are_not_moved_to_where_they_are(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 10))
    refused(database, house, Invalid, lambda s, at: move(s, fennel, at("A-01-1"), at("A-01-1"), Goods(sku, 1), cause()))


def test_a_movement_that_does_not_sum_to_zero_is_a_defect(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 10))
    before = snapshot(database)
    with pytest.raises(AssertionError, match="sum to zero"), transaction(WAREHOUSE) as session:
        post(session, fennel, house.warehouse_id, cause(), [Leg(Account.BIN, sku, 1, house.locations["A-01-1"])])
    assert snapshot(database) == before


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("postgres", "UPDATE stock_move SET quantity = 0"),
        ("postgres", "DELETE FROM stock_move"),
        ("wms_app", "UPDATE stock_move SET quantity = 0"),
        ("wms_app", "DELETE FROM stock_move"),
        ("wms_app", "TRUNCATE stock_move"),
    ],
)
def test_nobody_rewrites_the_ledger(database: Any, house: Any, role: str, statement: str) -> None:
    before = snapshot(database)
    with pytest.raises(DatabaseError, match="stock_move"):
        as_role(database, role, statement)
    assert snapshot(database) == before


def test_the_database_itself_refuses_impossible_counters(database: Any, house: Any) -> None:
    for statement in (
        "UPDATE stock_counter SET promised = sellable + 1",
        "UPDATE stock_counter SET promised = -1",
        "UPDATE bin_stock SET allocated = on_hand + 1",
        "UPDATE bin_stock SET allocated = -1",
    ):
        with pytest.raises(DatabaseError, match="violates check constraint"):
            database.owner.execute(statement)
