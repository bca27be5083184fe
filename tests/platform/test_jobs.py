# SPDX-License-Identifier: Apache-2.0
"""Jobs: the table is the truth, a message only rings."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from dramatiq import Worker
from sqlalchemy import text
from sqlmodel import Session

from wms.kinds import load_jobs
from wms.loops import LOOPS, Loop, poll_jobs, ring_due_jobs, sweep
from wms.platform import bell, jobs
from wms.platform.clock import real_now
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import Unavailable
from wms.platform.jobs import (
    Lease,
    LeaseLost,
    Retry,
    backoff_seconds,
    enqueue,
    external_job,
    forget_done_jobs,
    job,
    run_job,
)
from wms.platform.settings import settings

Kinds = dict[str, jobs.Kind]


@pytest.fixture(autouse=True)
def kinds(database: Any) -> Iterator[Kinds]:
    """The kinds that a test registers are forgotten with it."""
    load_jobs()  # Else those of the house, if they were first loaded by a test of this file, would be forgotten too.
    before = dict(jobs._registry.kinds)
    yield jobs._registry.kinds
    jobs._registry.kinds.clear()
    jobs._registry.kinds.update(before)


def _enqueue(kind: str, dedupe_key: str | None = None, **args: Any) -> None:
    with transaction(WAREHOUSE) as session:
        enqueue(session, kind, args, brand_id=None, dedupe_key=dedupe_key)


def _only_id(database: Any) -> UUID:
    ((job_id,),) = database.rows("SELECT id FROM job")
    return UUID(str(job_id))


def test_a_job_and_its_effect_are_one_transaction(database: Any, run_jobs: Callable[..., int]) -> None:
    @job("test.work")
    def work(session: Session, at: str) -> None:
        session.execute(text("INSERT INTO business_clock (now_at) VALUES (:at)"), {"at": at})

    _enqueue("test.work", at="2026-03-02T09:00:00Z")
    assert run_jobs() == 1
    assert database.rows("SELECT count(*) FROM business_clock") == [(1,)]
    assert database.rows("SELECT state, attempts, lease_token, last_error FROM job") == [("done", 1, None, None)]


def test_a_rolled_back_transaction_leaves_no_job(database: Any) -> None:
    def work() -> None:
        with transaction(WAREHOUSE) as session:
            enqueue(session, "test.work", {}, brand_id=None)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert database.rows("SELECT count(*) FROM job") == [(0,)]


def test_a_job_that_fails_leaves_no_effect_and_waits_for_its_next_try(
    database: Any, run_jobs: Callable[..., int]
) -> None:
    @job("test.fails")
    def work(session: Session) -> None:
        session.execute(text("INSERT INTO business_clock (now_at) VALUES (now())"))
        raise ValueError("the roof leaks")

    _enqueue("test.fails")
    before = real_now()
    assert run_jobs(may_fail=True) == 0
    assert database.rows("SELECT count(*) FROM business_clock") == [(0,)]
    ((state, attempts, error, retry_at),) = database.rows("SELECT state, attempts, last_error, retry_at FROM job")
    assert (state, attempts, error) == ("ready", 1, "ValueError: the roof leaks")
    assert timedelta(seconds=0.5) <= retry_at - before < timedelta(seconds=3)


def test_a_wanted_retry_may_name_its_own_wait(database: Any, run_jobs: Callable[..., int]) -> None:
    @job("test.later")
    def work(session: Session) -> None:
        raise Retry("the carrier sleeps", after_seconds=120)

    _enqueue("test.later")
    before = real_now()
    assert run_jobs() == 0
    ((error, retry_at),) = database.rows("SELECT last_error, retry_at FROM job")
    assert error == "Retry: the carrier sleeps"
    assert timedelta(seconds=119) < retry_at - before < timedelta(seconds=125)


@pytest.mark.parametrize(("attempt", "longest"), [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (60, 300)])
def test_the_wait_doubles_up_to_five_minutes_with_jitter(attempt: int, longest: float) -> None:
    waits = [backoff_seconds(attempt) for _ in range(200)]
    assert longest / 2 <= min(waits) < max(waits) <= longest


def test_a_job_tried_twelve_times_is_dead_until_it_is_revived(database: Any, run_jobs: Callable[..., int]) -> None:
    @job("test.fails")
    def work(session: Session) -> None:
        raise Retry("never")

    _enqueue("test.fails")
    for _ in range(14):
        run_jobs(retries=True)
    assert database.rows("SELECT state, attempts FROM job") == [("dead", 12)]
    with transaction(WAREHOUSE) as session:
        assert jobs.revive(session, _only_id(database))
    run_jobs()
    assert database.rows("SELECT state, attempts FROM job") == [("ready", 1)]


def test_a_worker_that_died_is_counted_and_its_job_is_taken_over(database: Any) -> None:
    tokens: list[UUID] = []

    @external_job("test.outside")
    def work(lease: Lease) -> None:
        tokens.append(lease.token)
        if len(tokens) == 1:
            # Whoever stops here neither records an end nor a failure.
            raise KeyboardInterrupt
        with transaction(WAREHOUSE) as session:
            lease.finish(session)

    _enqueue("test.outside")
    job_id = _only_id(database)
    with pytest.raises(KeyboardInterrupt):
        run_job(job_id)
    assert run_job(job_id) is False
    database.rows("UPDATE job SET lease_until = now() - interval '1 second'")
    assert run_job(job_id) is True
    assert len(set(tokens)) == 2
    assert database.rows("SELECT state, attempts FROM job") == [("done", 2)]


def test_a_zombie_with_a_lost_lease_writes_nothing(database: Any) -> None:
    awake, seen = threading.Event(), []

    @external_job("test.outside")
    def work(lease: Lease) -> None:
        if lease.attempt == 1:
            assert awake.wait(10)
        with transaction(WAREHOUSE) as session:
            session.execute(text("INSERT INTO business_clock (now_at) VALUES (now())"))
            try:
                lease.finish(session)
            except LeaseLost:
                seen.append("lost")
                raise

    _enqueue("test.outside")
    job_id = _only_id(database)
    results: list[bool] = []
    zombie = threading.Thread(target=lambda: results.append(run_job(job_id)))
    zombie.start()
    while database.rows("SELECT state FROM job") != [("running",)]:
        time.sleep(0.01)
    database.rows("UPDATE job SET lease_until = now() - interval '1 second'")
    assert run_job(job_id) is True
    awake.set()
    zombie.join()
    assert (results, seen) == ([False], ["lost"])
    assert database.rows("SELECT count(*) FROM business_clock") == [(1,)]
    assert database.rows("SELECT state, attempts FROM job") == [("done", 2)]


def test_two_workers_on_one_job_run_it_once(database: Any) -> None:
    ran: list[int] = []

    @job("test.once")
    def work(session: Session) -> None:
        ran.append(1)
        time.sleep(0.1)

    _enqueue("test.once")
    job_id = _only_id(database)
    barrier = threading.Barrier(8)
    results: list[bool] = []

    def compete() -> None:
        barrier.wait()
        results.append(run_job(job_id))

    threads = [threading.Thread(target=compete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]
    assert ran == [1]


def test_a_waiting_job_of_the_same_key_stays_the_only_one(database: Any, run_jobs: Callable[..., int]) -> None:
    @job("test.keyed")
    def work(session: Session, number: int) -> None:
        if number == 1:
            # While one runs, another may be asked for: it will see what happened meanwhile.
            enqueue(session, "test.keyed", {"number": 3}, brand_id=None, dedupe_key="sku-1")

    _enqueue("test.keyed", dedupe_key="sku-1", number=1)
    _enqueue("test.keyed", dedupe_key="sku-1", number=2)
    _enqueue("test.keyed", dedupe_key="sku-2", number=2)
    assert database.rows("SELECT count(*) FROM job") == [(2,)]
    assert run_jobs() == 3
    assert database.rows("SELECT state, count(*) FROM job GROUP BY state") == [("done", 3)]


def test_a_kind_that_this_worker_does_not_know_stays_due(database: Any, run_jobs: Callable[..., int]) -> None:
    _enqueue("test.from_a_newer_program")
    assert run_jobs() == 0
    assert database.rows("SELECT state, attempts FROM job") == [("ready", 0)]


@pytest.fixture
def bell_hung(redis_url: str) -> Iterator[redis.Redis]:
    """Commits ring through a real Redis; the client of this test reads what lies there."""
    bell.hang_bell()
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client
        client.flushdb()


def test_a_lost_ring_is_repeated_by_the_sweeper_and_the_job_runs(
    database: Any, bell_hung: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    @job("test.rung")
    def work(session: Session) -> None:
        session.execute(text("INSERT INTO business_clock (now_at) VALUES (now())"))

    _enqueue("test.rung")
    assert bell_hung.llen("wms:jobs") == 1
    bell_hung.flushall()
    with transaction(WAREHOUSE) as session:
        assert ring_due_jobs(session) == 1
    assert bell_hung.llen("wms:jobs") == 1
    with transaction(WAREHOUSE) as session:
        assert ring_due_jobs(session) == 0, "rung a moment ago"
    worker = Worker(bell.broker(), queues={"jobs"}, worker_threads=2)
    worker.start()
    try:
        _eventually(lambda: database.rows("SELECT state FROM job") == [("done",)])
    finally:
        worker.stop()
    assert database.rows("SELECT count(*) FROM business_clock") == [(1,)]


def test_a_worker_without_redis_takes_due_jobs_from_the_table(database: Any) -> None:
    @job("test.polled")
    def work(session: Session) -> None:
        return

    for _ in range(20):
        _enqueue("test.polled")
    stopping = threading.Event()
    poller = threading.Thread(target=poll_jobs, args=(stopping, 3))
    poller.start()
    _eventually(lambda: database.rows("SELECT count(*) FROM job WHERE state = 'done'") == [(20,)])
    stopping.set()
    poller.join()


def test_a_redis_that_does_not_answer_fails_no_commit(database: Any) -> None:
    def broken(job_id: UUID) -> None:
        raise redis.ConnectionError("gone")

    jobs.use_bell(broken)
    _enqueue("test.rung")
    assert database.rows("SELECT state, rung_at FROM job") == [("ready", None)]


def test_a_loop_that_fails_never_stops_the_others(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []
    stopping = threading.Event()

    def broken(session: Session) -> int:
        turns.append("broken")
        raise ValueError

    def away(session: Session) -> int:
        turns.append("away")
        raise Unavailable("The database does not answer.")

    def good(session: Session) -> int:
        turns.append("good")
        if turns.count("good") == 2:
            stopping.set()
        return 0

    monkeypatch.setenv("WMS_SWEEP_INTERVAL_MS", "10")
    settings.cache_clear()
    sweep(stopping, [Loop("broken", broken), Loop("away", away), Loop("good", good)])
    assert turns == ["broken", "away", "good"] * 2


def test_every_loop_turns_on_an_empty_warehouse(database: Any) -> None:
    for loop in LOOPS:
        with transaction(WAREHOUSE) as session:
            assert loop.turn(session) == 0, loop.name


def _eventually(check: Callable[[], bool], within_seconds: float = 10.0) -> None:
    give_up_at = time.monotonic() + within_seconds
    while not check():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_a_waiting_job_that_is_asked_for_again_does_not_start_before_the_asker_has_committed(database: Any) -> None:
    seen = []

    @job("test.look")
    def look(session: Session) -> None:
        seen.append(session.execute(text("SELECT count(*) FROM business_clock")).scalar_one())

    _enqueue("test.look", dedupe_key="the same")
    with transaction(WAREHOUSE) as session:
        session.execute(text("INSERT INTO business_clock (now_at) VALUES (now())"))
        enqueue(session, "test.look", {}, brand_id=None, dedupe_key="the same")
        assert run_job(_only_id(database)) is False
    assert run_job(_only_id(database)) is True
    assert seen == [1]


def test_a_waiting_job_that_is_asked_for_again_runs_at_the_earlier_time(database: Any) -> None:
    times = [real_now() + timedelta(hours=hours) for hours in (2, 1, 3)]
    for at in times:
        with transaction(WAREHOUSE) as session:
            enqueue(session, "test.work", {}, brand_id=None, run_at=at, dedupe_key="the same")
    assert database.rows("SELECT run_at FROM job") == [(times[1],)]


def test_done_jobs_are_forgotten_after_a_week_and_dead_ones_are_not(database: Any) -> None:
    for number in range(4):
        _enqueue("test.work", number=number)
    state = "UPDATE job SET state = %s, done_at = now() - %s::interval WHERE args = %s::jsonb"
    for number, (end, age) in enumerate([("done", "8 days"), ("done", "6 days"), ("dead", "8 days"), ("ready", "0")]):
        database.rows(state, end, age, f'{{"number": {number}}}')
    with transaction(WAREHOUSE) as session:
        assert forget_done_jobs(session) == 1
    left = database.rows("SELECT args ->> 'number', state FROM job ORDER BY 1")
    assert left == [("1", "done"), ("2", "dead"), ("3", "ready")]


def test_a_loop_that_the_database_asks_to_turn_again_turns_again_at_once(database: Any) -> None:
    stopping, turns = threading.Event(), []

    def turn(session: Session) -> int:
        turns.append(session)
        if len(turns) == 1:
            session.execute(text("DO $$ BEGIN RAISE deadlock_detected; END $$"))
        stopping.set()
        return 0

    sweep(stopping, [Loop("test", turn, every_seconds=3600)])
    assert len(turns) == 2


def test_a_redis_that_hangs_costs_one_time_out_and_no_more(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("WMS_REDIS_URL", f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")
        for cached in (settings, bell.redis_client, bell.broker):
            cached.cache_clear()
        started = time.monotonic()
        assert bell.redis_answers() is False
        bell.hang_bell()
        for _ in range(3):
            _enqueue("test.work")
    assert time.monotonic() - started < 5 * 1.5
    for cached in (settings, bell.redis_client, bell.broker):
        cached.cache_clear()


def test_a_bell_that_fails_is_not_rung_for_every_due_job(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        _enqueue("test.work")
    rung = []

    def broken(job_id: UUID) -> None:
        rung.append(job_id)
        raise ConnectionError

    jobs.use_bell(broken)
    with transaction(WAREHOUSE) as session:
        assert ring_due_jobs(session) == 5
    assert len(rung) == 1
