# SPDX-License-Identifier: Apache-2.0
"""Shipments whose clock ran out go to the floor, bins allocated and stories told; against one bare UPDATE."""

import time

from bench.figures import Figure
from bench.orders import orders
from bench.world import World

_TURN = 500
_UPDATE = (
    "UPDATE shipment SET state = 'released', released_at = now(), version = version + 1"
    " WHERE state = 'held' AND release_at <= now()"
)
_BACK = "UPDATE shipment SET state = 'held', released_at = NULL, version = version - 1 WHERE released_at IS NOT NULL"


def fill(made: World, count: int, prefix: str, batch: int = 2_500) -> None:
    """Accepts so many orders; with a brand without an edit window their shipments are due at once."""
    from wms.brands.models import Brand
    from wms.intake.schemas import OrderIn
    from wms.intake.service import accept
    from wms.platform.db import brand_scope, transaction

    drafts = [OrderIn.model_validate(draft) for draft in orders(count, f"{prefix}-{time.time_ns():x}", made.skus)]
    for start in range(0, count, batch):
        with transaction(brand_scope(made.brand_id)) as session:
            accept(session, session.get_one(Brand, made.brand_id), drafts[start : start + batch], "brand:bench")


def release_all() -> int:
    """Releases what is due as the sweeper does, a transaction a turn; returns how many shipments."""
    from wms.platform.db import WAREHOUSE, transaction
    from wms.shipments.release import release_due

    released = 0
    while True:
        with transaction(WAREHOUSE) as session:
            turn = release_due(session, _TURN)
        released += turn
        if turn < _TURN:
            return released


def measure(made: World, shipments: int = 10_000, rounds: int = 3) -> list[Figure]:
    """Releases ``shipments`` a round."""
    ours, floor = [], []
    for number in range(rounds):
        fill(made, shipments, f"r{number}")
        made.tidy()
        with made.owner() as connection:
            started = time.perf_counter()
            connection.execute(_UPDATE)
            connection.commit()
            floor.append(shipments / (time.perf_counter() - started))
            # The very same shipments are due again.
            connection.execute(f"{_BACK} AND state = 'released'")
        made.tidy()
        started = time.perf_counter()
        released = release_all()
        ours.append(shipments / (time.perf_counter() - started))
        assert released == shipments, "Every shipment is due, and the bins hold all of it."
        with made.owner() as connection:
            connection.execute("UPDATE shipment SET state = 'cancelled', released_at = NULL")
    notes = {"shipments": shipments, "lines_each": 3, "a_turn": _TURN}
    return [Figure("release", "shipments/s", ours, floor, "one bare UPDATE of the same shipments, committed", notes)]
