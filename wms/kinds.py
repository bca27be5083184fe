# SPDX-License-Identifier: Apache-2.0
"""Every kind of job in one place. A room's jobs live in its ``jobs.py``."""

from importlib import import_module
from importlib.util import find_spec
from typing import Final

_ROOMS: Final = ("stock", "orders", "shipments", "intake", "dispatch", "delivery", "floor", "changes", "notices")


def load_jobs() -> None:
    """Registers every kind of job in this process: a worker that does not know a kind leaves its jobs waiting."""
    # Foreign keys cross rooms, so no row of one room can be written before the tables of all are known.
    import_module("wms.tables")
    for room in _ROOMS:
        if find_spec(f"wms.{room}") and find_spec(f"wms.{room}.jobs"):
            import_module(f"wms.{room}.jobs")
