# SPDX-License-Identifier: Apache-2.0
"""The stage: a database made for one replay, the processes of a whole installation, and the clock that they share."""

import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx
import psycopg
from cryptography.fernet import Fernet
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import make_url

from wms.migrations import migrate
from wms.platform.clock import set_database_clock
from wms.platform.db import WAREHOUSE, dispose_engine, transaction
from wms.platform.embedded import redis_command
from wms.platform.settings import settings
from wms.platform.supervisor import Program, Supervisor
from wms.replay.sales import ReplayError
from wms.replay.wire import ask
from wms.replay.world import CARRIER_KEY, World

WORKERS: Final = 2
# Longer than any backoff that one killed process can cause; then something is stuck and waiting does not help.
_QUIET_SECONDS: Final = 120
_LOOK_AGAIN_SECONDS: Final = 0.02

# What is still under way at this instant of business time. A job that waits for its next try counts as well.
_UNDER_WAY: Final = text(
    "SELECT (SELECT count(*) FROM job WHERE state IN ('ready', 'running') AND run_at <= c.now_at) AS jobs,"
    " (SELECT count(*) FROM job WHERE state = 'dead') AS dead,"
    " (SELECT count(*) FROM inbox_event WHERE state = 'pending') AS callbacks,"
    " (SELECT count(*) FROM shipment WHERE state = 'held' AND release_at <= c.now_at) AS releases,"
    " (SELECT count(*) FROM order_event WHERE feed_position IS NULL) AS events"
    " FROM business_clock c"
)


@dataclass
class House:
    """A running installation. ``api_url`` and ``carrier_url`` are its two doors; ``supervisor`` keeps it alive."""

    name: str
    api_url: str
    carrier_url: str
    supervisor: Supervisor
    carrier: httpx.Client

    def set_clock(self, at: datetime) -> None:
        """Moves business time, for every process of ours and for the carrier."""
        with transaction(WAREHOUSE) as session:
            set_database_clock(session, at)
        ask(self.carrier, "PUT", "/sandbox/clock", {"now": at.isoformat()})

    def wait_until_quiet(self) -> None:
        """Returns once all that follows from what has happened has happened, and business time may move on.

        Raises :class:`ReplayError` for a job or a callback that was given up, and when it takes too long.
        """
        give_up_at = time.monotonic() + _QUIET_SECONDS
        while True:
            # The carrier is asked first: what it has pushed by now is seen below as a callback or as a job.
            pushes = ask(self.carrier, "GET", "/sandbox/outbox")
            with transaction(WAREHOUSE) as session:
                found = session.execute(_UNDER_WAY).mappings().one()
            if found["dead"] or pushes["dead"]:
                raise ReplayError(f"Something was given up: {found['dead']} jobs, {pushes['dead']} callbacks.")
            waiting = {**found, "pushes": pushes["pending"]}
            if not any(waiting.values()):
                return
            if time.monotonic() > give_up_at:
                left = ", ".join(f"{count} {what}" for what, count in waiting.items() if count)
                raise ReplayError(f"The house does not come to rest: {left}. Logs: {self.supervisor.log_dir}.")
            time.sleep(_LOOK_AGAIN_SECONDS)

    def register_callbacks(self, world: World) -> None:
        """Tells the carrier where this warehouse listens, as its office would be told once, by hand."""
        url = f"{self.api_url}/carriers/sandbox/{world.account_id}"
        ask(self.carrier, "PUT", "/v1/webhook", {"url": url, "secret": world.callback_secret})

    def requests(self) -> int:
        """Returns how many HTTP requests the API says it has answered since it was started."""
        lines = httpx.get(f"{self.api_url}/metrics", trust_env=False).text.splitlines()
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith("wms_http_requests_total{"))


@contextmanager
def open_house(note: Callable[[str], None], *, keep: bool = False) -> Iterator[House]:
    """Makes a migrated, empty database beside the configured one and runs everything on it but the players.

    ``note`` is told of every process that had to be started again. With ``keep`` the database and the folder with the
    logs stay behind.
    """
    name = f"wms_replay_{os.getpid()}_{secrets.token_hex(3)}"
    with ExitStack() as stack:
        # A short path, because the folder holds a socket.
        folder = Path(tempfile.mkdtemp(prefix="wms-replay-"))
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(_scratch_database(name, keep=keep))
        host, api_port, carrier_port = "127.0.0.1", _free_port(), _free_port()
        stack.enter_context(
            _settings(
                WMS_CLOCK="database",
                WMS_HOST=host,
                WMS_PORT=str(api_port),
                WMS_SANDBOX_PORT=str(carrier_port),
                WMS_PUBLIC_URL="",
                WMS_SECURE_COOKIES="false",
                # Its own Redis: on a shared one, workers of another installation would be rung for jobs of ours.
                WMS_REDIS_URL=f"unix://{folder / 'redis.sock'}",
                WMS_SECRET_KEY=Fernet.generate_key().decode(),
                # Real time is only waited for, so everything that waits in it looks again soon.
                WMS_SWEEP_INTERVAL_MS="80",
                WMS_RING_AGAIN_AFTER_MS="1000",
                WMS_JOB_LEASE_SECONDS="10",
                WMS_CARRIER_TIMEOUT_MS="5000",
                WMS_LOG_LEVEL="WARNING",
            )
        )
        supervisor = Supervisor(folder / "logs", note)
        stack.callback(supervisor.stop)
        for program in _programs(folder, host, carrier_port):
            supervisor.start(program)
        stack.enter_context(_watched(supervisor))
        carrier = stack.enter_context(
            httpx.Client(
                base_url=f"http://{host}:{carrier_port}",
                headers={"x-api-key": CARRIER_KEY},
                timeout=30,
                trust_env=False,
            )
        )
        house = House(name, f"http://{host}:{api_port}", f"http://{host}:{carrier_port}", supervisor, carrier)
        _wait_until_healthy(house)
        yield house


@contextmanager
def _scratch_database(name: str, *, keep: bool) -> Iterator[None]:
    app_url = settings().database_url
    owner_url = settings().database_owner_url or app_url
    plain_url = make_url(owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        # A database that is dropped at the end need not outlive a power cut; processes may be killed all the same.
        server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
        try:
            with _settings(WMS_DATABASE_URL=_beside(app_url, name), WMS_DATABASE_OWNER_URL=_beside(owner_url, name)):
                migrate()
                yield
        finally:
            if not keep:
                server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _beside(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def _settings(**values: str) -> Iterator[None]:
    """Works with these settings inside, in this process and in those that it starts."""
    before = {name: os.environ.get(name) for name in values}
    _put(dict(values))
    try:
        yield
    finally:
        _put(before)


def _put(values: Mapping[str, str | None]) -> None:
    dispose_engine()
    for name, value in values.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    settings.cache_clear()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _programs(folder: Path, host: str, carrier_port: int) -> Iterator[Program]:
    wms = [sys.executable, "-m", "wms.cli"]
    yield Program("redis", redis_command(folder / "redis.sock", folder / "redis.log"))
    yield Program(
        "sandbox",
        [
            *(sys.executable, "-m", "carriers.sandbox.server", "--host", host, "--port", str(carrier_port)),
            *("--data-dir", str(folder / "sandbox"), "--api-key", CARRIER_KEY),
        ],
    )
    yield Program("api", [*wms, "serve"])
    for number in range(1, WORKERS + 1):
        yield Program(f"worker-{number}", [*wms, "work"])
    yield Program("sweeper", [*wms, "sweep"])


@contextmanager
def _watched(supervisor: Supervisor) -> Iterator[None]:
    """Starts again whatever dies inside, from a thread of its own."""
    stopping = threading.Event()
    thread = threading.Thread(target=supervisor.watch, args=(stopping, 0.05), name="supervisor")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _wait_until_healthy(house: House) -> None:
    ask(house.carrier, "GET", "/sandbox/outbox")
    with httpx.Client(base_url=house.api_url, trust_env=False) as api:
        ask(api, "GET", "/health/ready")
