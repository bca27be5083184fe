# SPDX-License-Identifier: Apache-2.0
"""Many brands' servers at once, on real connections: nothing is sold twice and nothing is accepted twice."""

import random
from typing import Any

from tests.factories import BOOKS, at_once, counter, offences, order, place, stocked
from wms.platform.errors import Unavailable

WRITERS = 32


def _until_it_answers(brand_id: Any, *orders: Any) -> Any:
    """Sends again when the warehouse says that it is busy, as every client does."""
    for _ in range(20):
        try:
            return place(brand_id, *orders)
        except Unavailable:
            continue
    raise AssertionError("The warehouse stayed busy.")


def test_32_writers_sell_one_article_out_exactly(database: Any, house: Any) -> None:
    brand = house.brands["fennel"].id
    sku = stocked(house, brand, "LAST", ("A-01-1", 50))
    answers = at_once(WRITERS, lambda _: [_until_it_answers(brand, order(("LAST", 1)))[0] for _ in range(4)])
    refusals = [a.refusal.code if a.refusal else None for own in answers for a in own]
    assert (refusals.count(None), refusals.count("out_of_stock")) == (50, WRITERS * 4 - 50)
    assert counter(database, sku) == (50, 50)
    assert database.rows("SELECT count(*) FROM orders") == [(50,)]
    assert database.rows("SELECT sum(quantity) FROM promise WHERE state = 'live'") == [(50,)]
    assert offences(*BOOKS) == {}


def test_16_times_the_same_order_is_one_order(database: Any, house: Any) -> None:
    brand = house.brands["fennel"].id
    sku = stocked(house, brand, "CUP", ("A-01-1", 50))
    sent = order(("CUP", 2), ref="A-1")
    answers = at_once(16, lambda _: _until_it_answers(brand, sent)[0])
    assert sorted(a.existed for a in answers) == [False] + [True] * 15
    assert len({a.order_id for a in answers}) == 1
    assert database.rows("SELECT ref FROM orders") == [("A-1",)]
    assert counter(database, sku) == (50, 2)
    assert offences(*BOOKS) == {}


def test_16_orders_of_one_ref_with_different_contents_are_one_order(database: Any, house: Any) -> None:
    brand = house.brands["fennel"].id
    stocked(house, brand, "CUP", ("A-01-1", 50))
    answers = at_once(16, lambda n: _until_it_answers(brand, order(("CUP", n + 1), ref="A-1"))[0])
    codes = [a.refusal.code if a.refusal else None for a in answers]
    assert (codes.count(None), codes.count("order_ref_taken")) == (1, 15)
    assert database.rows("SELECT count(*) FROM orders") == [(1,)]
    assert offences(*BOOKS) == {}


def test_hot_articles_in_any_sequence_never_deadlock(database: Any, house: Any) -> None:
    brand = house.brands["fennel"].id
    skus = [f"HOT-{n}" for n in range(8)]
    ids = [stocked(house, brand, sku, ("A-01-1", 1000)) for sku in skus]

    def send(number: int) -> int:
        chance = random.Random(number)
        accepted = 0
        for _ in range(5):
            batch = [order(*[(sku, 1) for sku in chance.sample(skus, 5)]) for _ in range(3)]
            accepted += sum(answer.refusal is None for answer in place(brand, *batch))
        return accepted

    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    database.rows("SELECT pg_stat_clear_snapshot()")
    before = database.rows(deadlocks)
    assert at_once(12, send) == [15] * 12
    database.rows("SELECT pg_stat_clear_snapshot()")
    assert database.rows(deadlocks) == before
    assert sum(counter(database, sku)[1] for sku in ids) == 12 * 15 * 5
    assert offences(*BOOKS) == {}
