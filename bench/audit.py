# SPDX-License-Identifier: Apache-2.0
"""The proof of the invariants over a loaded database, against reading every row of it once."""

import time

from bench.figures import Figure
from bench.release import fill, release_all
from bench.world import World


def measure(made: World, orders: int = 20_000, rounds: int = 3) -> list[Figure]:
    """Audits so many orders, half of them released."""
    from wms.audit.service import run_audit
    from wms.platform.db import WAREHOUSE, transaction

    fill(made, orders // 2, "a")
    release_all()
    fill(made, orders - orders // 2, "b")
    made.tidy()
    ours, floor, rows = [], [], 0
    for _ in range(rounds):
        started = time.perf_counter()
        rows = _read_all(made)
        floor.append(rows / (time.perf_counter() - started))
        started = time.perf_counter()
        with transaction(WAREHOUSE) as session:
            found = sum(finding.count for finding in run_audit(session))
        ours.append(rows / (time.perf_counter() - started))
        assert found == 0, "What the house wrote itself keeps every invariant."
    notes = {"orders": orders, "rows": rows}
    return [Figure("audit", "rows/s", ours, floor, "every row of every table read once", notes)]


def _read_all(made: World) -> int:
    from wms.tables import metadata

    total = 0
    with made.owner() as connection:
        for table in metadata().sorted_tables:
            # The hash makes the server read the rows' columns and not only count the rows.
            query = f'SELECT count(*), bit_xor(hashtext(t::text)) FROM "{table.name}" t'
            found = connection.execute(query).fetchone()
            total += int(found[0]) if found else 0
    return total
