# SPDX-License-Identifier: Apache-2.0
"""The floor of intake, in a process of its own: ``python -m bench.loader`` reads pickled work from its standard input
and writes rows that are ready, with psycopg and nothing else, as fast as it can."""

import json
import pickle
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import psycopg

from bench.rows import TableRows, Written


def insert_one(connection: "psycopg.Connection[Any]", order: Written) -> None:
    """One order, one transaction, one round trip: prepared statements in a pipeline."""
    with connection.pipeline(), connection.transaction():
        for table in order.tables:
            connection.execute(_insert(table), [value for row in table.rows for value in row], prepare=True)
        for sku_id, quantity in order.promised.items():
            connection.execute(_PROMISE, (quantity, order.brand_id, order.warehouse_id, sku_id), prepare=True)


_PROMISE = (
    "UPDATE stock_counter SET promised = promised + %s WHERE brand_id = %s::uuid AND warehouse_id = %s::uuid"
    " AND sku_id = %s::uuid"
)
_inserts: dict[tuple[str, int], str] = {}


def _insert(table: TableRows) -> str:
    shape = (table.table, len(table.rows))
    if shape not in _inserts:
        row = "(" + ", ".join(["%s"] * len(table.columns)) + ")"
        _inserts[shape] = (
            f"INSERT INTO {table.table} ({', '.join(table.columns)}) VALUES {', '.join(repeat(row, len(table.rows)))}"
        )
    return _inserts[shape]


def insert_all(url: str, orders: list[Written], connections: int) -> float:
    """Writes the orders over so many connections, a thread each; returns the seconds it took."""
    ready = threading.Barrier(connections + 1)
    pile = iter(orders)
    lock = threading.Lock()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            ready.wait()
            while True:
                with lock:
                    order = next(pile, None)
                if order is None:
                    return
                insert_one(connection, order)

    with ThreadPoolExecutor(connections) as pool:
        workers = [pool.submit(work) for _ in range(connections)]
        ready.wait()
        started = time.perf_counter()
        for worker in workers:
            worker.result()
        return time.perf_counter() - started


def copy_all(url: str, order: Written) -> float:
    """Writes all rows with COPY, and the counters, in one transaction; the text was made before the clock starts."""
    texts = [(table, _copy_text(table)) for table in order.tables]
    with psycopg.connect(url, autocommit=True) as connection:
        started = time.perf_counter()
        with connection.transaction():
            for table, rows in texts:
                with connection.cursor().copy(f"COPY {table.table} ({', '.join(table.columns)}) FROM STDIN") as copy:
                    copy.write(rows)
            connection.execute(
                "UPDATE stock_counter c SET promised = promised + n.quantity"
                " FROM unnest(%s::uuid[], %s::int[]) AS n(sku_id, quantity)"
                " WHERE c.brand_id = %s::uuid AND c.warehouse_id = %s::uuid AND c.sku_id = n.sku_id",
                (list(order.promised), list(order.promised.values()), order.brand_id, order.warehouse_id),
            )
        return time.perf_counter() - started


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copy_text(table: TableRows) -> bytes:
    lines = ("\t".join("\\N" if one is None else one.translate(_ESCAPES) for one in row) for row in table.rows)
    return ("\n".join(lines) + "\n").encode()


if __name__ == "__main__":
    task = pickle.load(sys.stdin.buffer)
    if task["connections"]:
        taken = insert_all(task["url"], task["orders"], task["connections"])
    else:
        taken = copy_all(task["url"], task["orders"][0])
    print(json.dumps({"seconds": taken, "cpu_seconds": time.process_time()}))
