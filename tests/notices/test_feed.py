# SPDX-License-Identifier: Apache-2.0
"""Positions are given after the commit, so a reader's cursor never passes over a slow transaction."""

import threading
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from wms.notices.service import feed, sequence
from wms.orders.models import EventKind
from wms.orders.story import NewEvent, record
from wms.platform.db import WAREHOUSE, brand_scope, transaction


def turn(limit: int = 5_000) -> int:
    with transaction(WAREHOUSE) as session:
        return sequence(session, limit)


def read(brand_id: UUID, after: int = 0, limit: int = 100) -> list[tuple[int, str, int, str]]:
    with transaction(brand_scope(brand_id)) as session:
        return [(i.position, i.order_ref, i.seq, i.kind) for i in feed(session, brand_id, after, limit)]


def order_id(database: Any, ref: str) -> UUID:
    ((found,),) = database.rows("SELECT id FROM orders WHERE ref = %s", ref)
    return UUID(str(found))


def note(session: Any, brand_id: UUID, order: UUID, kind: EventKind = EventKind.LABEL_UNKNOWN) -> None:
    record(session, [NewEvent(brand_id, order, kind)])


def test_each_brand_reads_its_own_events_from_1_without_a_gap(database: Any, house: Any, bench: Any) -> None:
    fennel, juniper = bench.pack().brand_id, bench.pack(brand="juniper").brand_id
    assert read(fennel) == []
    assert turn() == 10
    assert turn() == 0
    kinds = ["accepted", "released", "picking_started", "picked", "packed"]
    assert read(fennel) == [(n, "R-1", n, kind) for n, kind in enumerate(kinds, start=1)]
    assert read(juniper) == [(n, "R-2", n, kind) for n, kind in enumerate(kinds, start=1)]
    assert read(fennel, after=3, limit=1) == [(4, "R-1", 4, "picked")]


def test_a_slow_transaction_is_never_skipped(database: Any, house: Any, bench: Any, frozen_clock: Any) -> None:
    brand_id = bench.pack().brand_id
    bench.pack()
    turn()
    slow, fast = order_id(database, "R-1"), order_id(database, "R-2")
    cursor = read(brand_id)[-1][0]
    has_written, may_commit = threading.Event(), threading.Event()

    def be_slow() -> None:
        with transaction(WAREHOUSE) as session:
            note(session, brand_id, slow)
            has_written.set()
            assert may_commit.wait(10)

    thread = threading.Thread(target=be_slow)
    thread.start()
    assert has_written.wait(10)
    frozen_clock.advance(minutes=5)
    with transaction(WAREHOUSE) as session:
        note(session, brand_id, fast)
    assert turn() == 1
    ((cursor, ref, _, _),) = read(brand_id, after=cursor)
    assert ref == "R-2"
    may_commit.set()
    thread.join()
    assert turn() == 1
    # It happened five minutes earlier and is read later, by the same cursor.
    ((position, ref, _, kind),) = read(brand_id, after=cursor)
    assert (position, ref, kind) == (cursor + 1, "R-1", "label_unknown")


def test_inside_an_order_the_storys_sequence_rules_even_where_clocks_disagree(
    database: Any, house: Any, bench: Any, frozen_clock: Any
) -> None:
    brand_id = bench.pack().brand_id
    turn()
    order = order_id(database, "R-1")
    for at in (datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 2, 11, tzinfo=UTC)):
        frozen_clock.at = at
        with transaction(WAREHOUSE) as session:
            note(session, brand_id, order)
    # One at a time: the later sentence has the earlier time, and waits for the sentence before it all the same.
    while turn(limit=1):
        pass
    assert [seq for _, _, seq, _ in read(brand_id)] == [1, 2, 3, 4, 5, 6, 7]
    assert [position for position, *_ in read(brand_id)] == [1, 2, 3, 4, 5, 6, 7]


def test_many_sequencers_and_writers_leave_no_gap_and_no_double(database: Any, house: Any, bench: Any) -> None:
    brand_id = bench.pack().brand_id
    for _ in range(3):
        bench.pack()
    orders = [order_id(database, f"R-{n}") for n in range(1, 5)]
    stop = threading.Event()
    seen: list[tuple[int, str, int, str]] = []

    def write(order: UUID) -> None:
        for _ in range(25):
            with transaction(WAREHOUSE) as session:
                note(session, brand_id, order)

    def number() -> None:
        while not stop.is_set():
            turn(limit=7)

    def follow() -> None:
        while not stop.is_set():
            seen.extend(read(brand_id, after=seen[-1][0] if seen else 0))

    writers = [threading.Thread(target=write, args=(order,)) for order in orders]
    others = [threading.Thread(target=work) for work in (number, number, number, follow)]
    for thread in (*writers, *others):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in others:
        thread.join()
    while turn():
        pass
    seen.extend(read(brand_id, after=seen[-1][0] if seen else 0, limit=500))
    assert [position for position, *_ in seen] == list(range(1, 121))
    assert len({(ref, seq) for _, ref, seq, _ in seen}) == 120
    for ref in ("R-1", "R-2", "R-3", "R-4"):
        assert [seq for _, own, seq, _ in seen if own == ref] == list(range(1, 31))
