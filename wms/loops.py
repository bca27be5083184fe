# SPDX-License-Identifier: Apache-2.0
"""What goes on by itself: the loops that the sweeper turns, and a worker's look into the job table.

Any number of sweepers may run: each loop takes its rows with SKIP LOCKED or under a lock of its own.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlmodel import Session

from wms.brands.service import forget_old_sessions
from wms.changes.payments import lapse_addons
from wms.delivery.service import forget_unmatched
from wms.dispatch.service import flag_unresolved
from wms.floor.actions import forget_old_actions
from wms.notices.service import sequence
from wms.platform.bell import redis_answers
from wms.platform.db import WAREHOUSE, after_commit, in_transaction, transaction
from wms.platform.errors import Unavailable
from wms.platform.idempotency import forget_old_keys
from wms.platform.jobs import due_jobs, forget_done_jobs, ring, run_job
from wms.platform.settings import settings
from wms.shipments.holds import lift_expired
from wms.shipments.lateness import flag_late
from wms.shipments.release import release_due

log = structlog.get_logger()

_BATCH: Final = 500


@dataclass(frozen=True)
class Loop:
    """``turn`` does a bounded batch in one transaction and returns how many it did.

    A turn that did a full batch is followed by another at once; otherwise the loop rests for ``every_seconds``,
    or for the sweep interval of the settings where that is 0.
    """

    name: str
    turn: Callable[[Session], int]
    every_seconds: float = 0


def ring_due_jobs(session: Session) -> int:
    """Rings the jobs that are due and were not rung lately; returns how many."""
    if not redis_answers():
        # Workers look into the table themselves then, and each ring would wait for a time-out.
        return 0
    due = due_jobs(session, _BATCH, not_rung_for=timedelta(milliseconds=settings().ring_again_after_ms))
    # A bell that hangs costs its time-out once and not for each job; the next turn rings for the others.
    after_commit(session, lambda: all(ring(job_id) for job_id in due))
    return len(due)


LOOPS: Final[tuple[Loop, ...]] = (
    Loop("ring due jobs", ring_due_jobs),
    # First the holds that end by themselves, so that what waited for nothing else is released in the same second.
    Loop("lift expired holds", lambda session: lift_expired(session, _BATCH)),
    Loop("release shipments", lambda session: release_due(session, _BATCH)),
    Loop("lapse add-ons", lambda session: lapse_addons(session, _BATCH), every_seconds=1),
    Loop("sequence notices", lambda session: sequence(session, _BATCH)),
    Loop("flag late orders", lambda session: flag_late(session, _BATCH), every_seconds=5),
    Loop("forget idempotency keys", forget_old_keys, every_seconds=60),
    Loop("forget sessions", forget_old_sessions, every_seconds=60),
    Loop("flag labels in doubt", flag_unresolved, every_seconds=30),
    Loop("forget done jobs", forget_done_jobs, every_seconds=3600),
    Loop("forget scans", forget_old_actions, every_seconds=3600),
    Loop("forget callbacks of nobody's parcels", forget_unmatched, every_seconds=3600),
)


def sweep(stopping: threading.Event, loops: Sequence[Loop] = LOOPS) -> None:
    """Turns the loops until ``stopping`` is set. A loop that fails is logged and tried again; the others go on."""
    due_at = dict.fromkeys((loop.name for loop in loops), 0.0)
    while not stopping.is_set():
        interval = settings().sweep_interval_ms / 1000
        for loop in loops:
            if stopping.is_set() or time.monotonic() < due_at[loop.name]:
                continue
            is_full = _turn(loop)
            due_at[loop.name] = 0.0 if is_full else time.monotonic() + (loop.every_seconds or interval)
        next_at = min(due_at.values())
        stopping.wait(max(0.0, next_at - time.monotonic()))


def _turn(loop: Loop) -> bool:
    try:
        return in_transaction(WAREHOUSE, loop.turn) >= _BATCH
    except Unavailable as error:
        log.warning("loop_waits", loop=loop.name, reason=error.detail)
    except Exception:  # One loop must never stop the others.
        log.exception("loop_failed", loop=loop.name)
    return False


def run_due_jobs(pool: ThreadPoolExecutor, limit: int) -> int:
    """Runs due jobs straight from the table, without a bell; returns how many ran to their end."""
    with transaction(WAREHOUSE) as session:
        due = due_jobs(session, limit)
    return sum(pool.map(run_job, due))


def poll_jobs(stopping: threading.Event, threads: int, is_needed: Callable[[], bool] = lambda: True) -> None:
    """Runs due jobs from the table until ``stopping`` is set, whenever ``is_needed`` says so."""
    with ThreadPoolExecutor(threads, thread_name_prefix="job") as pool:
        while not stopping.is_set():
            done = 0
            try:
                if is_needed():
                    done = run_due_jobs(pool, limit=threads * 4)
            except Unavailable as error:
                log.warning("worker_waits", reason=error.detail)
            except Exception:  # A worker goes on, whatever one look into the table meets.
                log.exception("worker_look_failed")
            if not done:
                stopping.wait(settings().sweep_interval_ms / 1000)
