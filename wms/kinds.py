# SPDX-License-Identifier: Apache-2.0
"""Every kind of job in one place. A room's jobs live in its ``jobs.py``."""

from importlib import import_module
from typing import Final

_JOBS: Final = ("wms.shipments.jobs", "wms.dispatch.jobs", "wms.delivery.jobs", "wms.floor.jobs", "wms.changes.jobs")


def load_jobs() -> None:
    """Registers every kind of job in this process: a worker that does not know a kind leaves its jobs waiting."""
    # Foreign keys cross rooms, so no row of one room can be written before the tables of all are known.
    import_module("wms.tables")
    for module in _JOBS:
        import_module(module)
