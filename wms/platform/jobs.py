# SPDX-License-Identifier: Apache-2.0
"""A job is a row before it is a message.

The row is the truth: kind, arguments, when it is due, who holds it and how often it was tried. It is inserted in the
business transaction. A Dramatiq message only rings: it carries the job's id, and losing it costs a second, because the
sweeper rings again whatever is due. Every job can run twice, so every job is written to be run twice.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import sqlalchemy as sa
import structlog
from sqlalchemy import text
from sqlmodel import Field, Session, SQLModel

from wms.platform import metrics
from wms.platform.clock import now, real_now
from wms.platform.db import WAREHOUSE, after_commit, json_text, narrow, transaction
from wms.platform.ids import new_id
from wms.platform.settings import settings
from wms.platform.tables import enum_type, json_column

log = structlog.get_logger()
# Long enough to find out what became of something that somebody asks about.
DONE_KEPT: Final = timedelta(days=7)


class JobState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"  # Tried as often as allowed; a person must look (`wms jobs`).


class Job(SQLModel, table=True):
    """``run_at`` is business time; ``retry_at``, the lease and the rings are real time."""

    __tablename__ = "job"
    __table_args__ = (
        sa.Index("ix_job_due", "run_at", postgresql_where=sa.text("state IN ('ready', 'running')")),
        sa.Index(
            "uq_job_dedupe",
            "kind",
            "dedupe_key",
            unique=True,
            postgresql_where=sa.text("dedupe_key IS NOT NULL AND state = 'ready'"),
        ),
    )
    id: UUID = Field(default_factory=new_id, primary_key=True)
    brand_id: UUID | None = Field(default=None, foreign_key="brand.id")
    kind: str = Field(max_length=60)
    args: dict[str, Any] = json_column(default_factory=dict)
    dedupe_key: str | None = Field(default=None, max_length=120)
    state: JobState = Field(default=JobState.READY, sa_type=enum_type(JobState))
    run_at: datetime
    retry_at: datetime
    rung_at: datetime | None = None
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    attempts: int = 0
    last_error: str | None = Field(default=None, max_length=500)
    created_at: datetime
    done_at: datetime | None = None


class Retry(Exception):
    """Raised by a job that could not finish yet and knows why; it is tried again with backoff."""

    def __init__(self, reason: str, after_seconds: float | None = None) -> None:
        self.after_seconds = after_seconds
        super().__init__(reason)


class LeaseLost(Exception):
    """Another worker took the job over while this one slept; what this one did must not be recorded."""


@dataclass(frozen=True)
class Lease:
    """The right to run one job until the lease ends. :meth:`finish` records the end in the caller's transaction."""

    job_id: UUID
    brand_id: UUID | None
    kind: str
    args: dict[str, Any]
    token: UUID
    attempt: int

    def hold(self, session: Session) -> None:
        """Makes sure that the lease is still ours and stays so until the transaction ends, or raises
        :class:`LeaseLost`. An external job records a step under it that is not its end."""
        held = session.execute(
            text("SELECT 1 FROM job WHERE id = :id AND lease_token = :token AND state = 'running' FOR UPDATE"),
            {"id": self.job_id, "token": self.token},
        ).first()
        if held is None:
            raise LeaseLost(self.kind)

    def finish(self, session: Session) -> None:
        """Marks the job done, or raises :class:`LeaseLost`, which rolls the caller's work back."""
        won = session.execute(
            text(
                "UPDATE job SET state = 'done', done_at = :at, lease_token = NULL, lease_until = NULL,"
                " last_error = NULL"
                " WHERE id = :id AND lease_token = :token AND state = 'running' RETURNING id"
            ),
            {"id": self.job_id, "token": self.token, "at": real_now()},
        ).first()
        if won is None:
            raise LeaseLost(self.kind)


@dataclass(frozen=True)
class Kind:
    """How one kind of job is run. An external kind talks to the outside and opens its own transactions."""

    name: str
    run: Callable[..., None]
    external: bool


@dataclass
class _Registry:
    kinds: dict[str, Kind] = field(default_factory=dict)
    ring: Callable[[UUID], None] | None = None


_registry = _Registry()


def job(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Registers ``work(session, **args)``: its effect and its end are one transaction, in the job's brand's scope."""

    def register(work: Callable[..., None]) -> Callable[..., None]:
        _registry.kinds[kind] = Kind(kind, work, external=False)
        return work

    return register


def external_job(kind: str) -> Callable[[Callable[[Lease], None]], Callable[[Lease], None]]:
    """Registers ``work(lease)``: it commits its intent, calls out, and records the answer with ``lease.finish``."""

    def register(work: Callable[[Lease], None]) -> Callable[[Lease], None]:
        _registry.kinds[kind] = Kind(kind, work, external=True)
        return work

    return register


def use_bell(ring: Callable[[UUID], None] | None) -> None:
    """Sets what rings a worker after a commit; ``None`` leaves it to whoever polls the table."""
    _registry.ring = ring


def enqueue(
    session: Session,
    kind: str,
    args: dict[str, Any],
    *,
    brand_id: UUID | None,
    run_at: datetime | None = None,
    dedupe_key: str | None = None,
) -> None:
    """Inserts a job in the caller's transaction. With a ``dedupe_key`` a waiting job of that key stays the only one;
    it does not start before this transaction has ended, because what it was asked for again it must see."""
    due_at = run_at or now(session)
    job_id = session.execute(
        text(
            "INSERT INTO job (id, brand_id, kind, args, dedupe_key, state, run_at, retry_at, attempts, created_at)"
            " VALUES (:id, :brand_id, :kind, CAST(:args AS jsonb), :dedupe_key, 'ready', :run_at, :at, 0, :at)"
            " ON CONFLICT (kind, dedupe_key) WHERE dedupe_key IS NOT NULL AND state = 'ready'"
            " DO UPDATE SET run_at = least(job.run_at, excluded.run_at) RETURNING id"
        ),
        {
            "id": new_id(),
            "brand_id": brand_id,
            "kind": kind,
            "args": json_text(args),
            "dedupe_key": dedupe_key,
            "run_at": due_at,
            "at": real_now(),
        },
    ).scalar_one()
    if due_at <= now(session):
        after_commit(session, partial(ring, job_id))


def ring(job_id: UUID) -> bool:
    """Tells a worker that a job is due. A bell that fails is logged and counted: the sweeper rings again.

    Returns whether it is worth ringing for the next job.
    """
    if _registry.ring is None:
        return False
    try:
        _registry.ring(job_id)
    except Exception as error:
        metrics.RINGS_FAILED.inc()
        log.warning("ring_failed", job_id=str(job_id), error=type(error).__name__)
        return False
    return True


_DUE = (
    "(state = 'ready' AND run_at <= :business_now AND retry_at <= :now) OR (state = 'running' AND lease_until < :now)"
)
# Its row stays locked while a database-only job runs, so a short lease cannot be taken over before its worker is dead.
_SHORT_LEASE_SECONDS = 5


def due_jobs(session: Session, limit: int, not_rung_for: timedelta | None = None) -> list[UUID]:
    """Returns the jobs to run now, oldest first. With ``not_rung_for`` they are marked as rung in the same breath."""
    values: dict[str, Any] = {"business_now": now(session), "now": real_now(), "limit": limit}
    if not_rung_for is None:
        rows = session.execute(text(f"SELECT id FROM job WHERE {_DUE} ORDER BY run_at LIMIT :limit"), values)
    else:
        values["before"] = real_now() - not_rung_for
        rows = session.execute(
            text(
                "UPDATE job SET rung_at = :now WHERE id IN (SELECT id FROM job"
                f" WHERE ({_DUE}) AND (rung_at IS NULL OR rung_at < :before)"
                " ORDER BY run_at LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING id"
            ),
            values,
        )
    return [row.id for row in rows]


def _take_lease(job_id: UUID) -> Lease | None:
    with transaction(WAREHOUSE) as session:
        row = session.execute(
            text(
                f"SELECT id, brand_id, kind, args, attempts FROM job WHERE id = :id AND ({_DUE}) FOR UPDATE SKIP LOCKED"
            ),
            {"id": job_id, "business_now": now(session), "now": real_now()},
        ).first()
        if row is None:
            return None
        kind = _registry.kinds.get(row.kind)
        if kind is None:
            # A newer program enqueued it; it stays due until a worker that knows it is deployed.
            log.error("job_kind_unknown", job_id=str(job_id), kind=row.kind)
            return None
        # Counted before the work, so that a job that kills its worker is counted too.
        if row.attempts >= settings().job_attempts_max:
            session.execute(
                text("UPDATE job SET state = 'dead', lease_token = NULL, lease_until = NULL WHERE id = :id"),
                {"id": job_id},
            )
            metrics.JOBS.labels(row.kind, "dead").inc()
            log.error("job_dead", job_id=str(job_id), kind=row.kind)
            return None
        lease = Lease(row.id, row.brand_id, row.kind, row.args, uuid4(), row.attempts + 1)
        seconds = settings().job_lease_seconds if kind.external else _SHORT_LEASE_SECONDS
        session.execute(
            text(
                "UPDATE job SET state = 'running', dedupe_key = NULL, lease_token = :token, lease_until = :until,"
                " attempts = attempts + 1 WHERE id = :id"
            ),
            {"id": job_id, "token": lease.token, "until": real_now() + timedelta(seconds=seconds)},
        )
        return lease


def backoff_seconds(attempt: int) -> float:
    """Returns the wait before the next try: 1 s, doubled each time up to 5 minutes, with up to half of it as jitter."""
    base: float = min(2.0 ** (attempt - 1), 300.0)
    return base * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret.


def _give_back(lease: Lease, error: Exception) -> None:
    wait = error.after_seconds if isinstance(error, Retry) and error.after_seconds else backoff_seconds(lease.attempt)
    with transaction(WAREHOUSE) as session:
        session.execute(
            text(
                "UPDATE job SET state = 'ready', retry_at = :at, lease_token = NULL, lease_until = NULL,"
                " rung_at = NULL, last_error = :error WHERE id = :id AND lease_token = :token"
            ),
            {
                "id": lease.job_id,
                "token": lease.token,
                "at": real_now() + timedelta(seconds=wait),
                "error": f"{type(error).__name__}: {error}"[:500],
            },
        )


def run_job(job_id: UUID) -> bool:
    """Runs one job if it is due and nobody else has it. Returns whether it ran to its end."""
    lease = _take_lease(job_id)
    if lease is None:
        return False
    kind = _registry.kinds[lease.kind]
    with structlog.contextvars.bound_contextvars(job_id=str(job_id), job_kind=lease.kind):
        try:
            with metrics.JOB_SECONDS.labels(lease.kind).time():
                if kind.external:
                    kind.run(lease)
                else:
                    _run_inside(kind, lease)
        except LeaseLost:
            log.warning("job_lease_lost")
            return False
        except Exception as error:
            metrics.JOBS.labels(lease.kind, "failed").inc()
            if isinstance(error, Retry):
                log.info("job_retried", reason=str(error), attempt=lease.attempt)
            else:
                log.exception("job_failed", attempt=lease.attempt)
            _give_back(lease, error)
            return False
    metrics.JOBS.labels(lease.kind, "done").inc()
    return True


def _run_inside(kind: Kind, lease: Lease) -> None:
    with transaction(WAREHOUSE) as session:
        locked = session.execute(
            text("SELECT 1 FROM job WHERE id = :id AND lease_token = :token FOR UPDATE"),
            {"id": lease.job_id, "token": lease.token},
        ).first()
        if locked is None:
            raise LeaseLost(lease.kind)
        if lease.brand_id is not None:
            narrow(session, lease.brand_id)
        kind.run(session, **lease.args)
        lease.finish(session)


def is_running(session: Session, kind: str, args: dict[str, Any]) -> bool:
    """Says whether a worker has such a job in its hands, or died with it and it was not given to another yet."""
    found = session.execute(
        text("SELECT 1 FROM job WHERE state = 'running' AND kind = :kind AND args = CAST(:args AS jsonb) LIMIT 1"),
        {"kind": kind, "args": json_text(args)},
    )
    return found.first() is not None


def revive(session: Session, job_id: UUID) -> bool:
    """Makes a dead job due again with its tries counted anew. Returns whether it was dead."""
    return (
        session.execute(
            text(
                "UPDATE job SET state = 'ready', attempts = 0, retry_at = :now, rung_at = NULL"
                " WHERE id = :id AND state = 'dead' RETURNING id"
            ),
            {"id": job_id, "now": real_now()},
        ).first()
        is not None
    )


def forget_done_jobs(session: Session) -> int:
    """Deletes jobs that were done 7 days ago, up to 5,000 at a time; returns how many. Dead ones wait for a person."""
    gone = session.execute(
        text(
            "DELETE FROM job WHERE ctid IN (SELECT ctid FROM job WHERE state = 'done' AND done_at < :before LIMIT 5000)"
            " RETURNING 1"
        ),
        {"before": real_now() - DONE_KEPT},
    )
    return len(gone.all())
