# SPDX-License-Identifier: Apache-2.0
"""Real engines for every test: PostgreSQL with the migrated schema, Redis, a seeded warehouse, a carrier.

Without settings the embedded engines are started; ``WMS_TEST_DATABASE_URL`` and ``WMS_TEST_REDIS_URL`` use
given ones. Each process of a parallel run works in a database of its own, copied from one migrated template.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.fernet import Fernet
from psycopg import sql
from sqlalchemy.engine import make_url

REPOSITORY = Path(__file__).parents[1]
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
_engines = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Fixes the environment of this run. The controller of a parallel run starts what its workers share."""
    for name in list(os.environ):
        if name.startswith("WMS_") and not name.startswith(("WMS_TEST_", "WMS_RACE_")):
            del os.environ[name]
    os.environ["WMS_SECRET_KEY"] = os.environ.setdefault("WMS_TEST_SECRET_KEY", Fernet.generate_key().decode())
    os.environ["WMS_LOG_LEVEL"] = "ERROR"
    config.stash[_engines] = ExitStack()
    if not hasattr(config, "workerinput") and config.getoption("numprocesses", None):
        _start_engines(config.stash[_engines])


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_engines].close()


def _start_engines(stack: ExitStack) -> None:
    """Sets the ``WMS_TEST_`` variables that are not set yet to servers that end with the stack."""
    if "WMS_TEST_TEMPLATE" in os.environ:
        return
    if "WMS_TEST_DATABASE_URL" not in os.environ:
        from wms.platform.embedded import EmbeddedEngines

        if os.geteuid() == 0:
            folder = Path(f"/var/lib/wms-test-{os.getpid()}")
        else:
            folder = Path(tempfile.mkdtemp(prefix="wms-test-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        engines = stack.enter_context(EmbeddedEngines(folder))
        os.environ["WMS_TEST_DATABASE_URL"] = engines.database_url
        os.environ["WMS_TEST_REDIS_URL"] = engines.redis_url
        with psycopg.connect(engines.database_url, autocommit=True) as connection:
            # This cluster is deleted at the end of the run: nothing of it must survive a power cut.
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {name} = off")
            connection.execute("SELECT pg_reload_conf()")
    from wms.migrations import migrate

    template = f"wms_test_{os.getpid()}"
    _create_database(template)
    stack.callback(_drop_database, template)
    migrate(_url_of(template))
    os.environ["WMS_TEST_TEMPLATE"] = template


def _url_of(database: str) -> str:
    url = make_url(os.environ["WMS_TEST_DATABASE_URL"]).set(database=database)
    return url.render_as_string(hide_password=False)


def _create_database(name: str, template: str = "template0") -> None:
    with psycopg.connect(os.environ["WMS_TEST_DATABASE_URL"], autocommit=True) as connection:
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(command.format(sql.Identifier(name), sql.Identifier(template)))


def _drop_database(name: str) -> None:
    with psycopg.connect(os.environ["WMS_TEST_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass
class Database:
    """This process's database. ``owner`` is a superuser's connection, past every policy."""

    url: str
    owner: psycopg.Connection[Any]
    tables: list[str]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Runs any SQL past the policies and returns its rows."""
        cursor = self.owner.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        """Deletes all rows in one round trip, without triggers. TRUNCATE takes ten times as long here."""
        deletes = "".join(f'DELETE FROM "{table}";' for table in self.tables)
        self.owner.execute(
            f"BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL lock_timeout = '5s'; {deletes}"
            " SELECT setval(c.oid::regclass, 1, false) FROM pg_class c WHERE c.relkind = 'S'; COMMIT"
        )


@pytest.fixture(scope="session")
def engines(request: pytest.FixtureRequest) -> None:
    """Sees to it that servers and the template database are there."""
    _start_engines(request.config.stash[_engines])


@pytest.fixture(scope="session")
def redis_url(engines: None) -> str:
    """A Redis; each process of a parallel run has a database number of its own."""
    number = int(WORKER.removeprefix("gw")) + 1 if WORKER.startswith("gw") else 0
    given = os.environ["WMS_TEST_REDIS_URL"]
    return f"{given}?db={number}" if given.startswith("unix:") else f"{given.rstrip('/')}/{number}"


@pytest.fixture(scope="session")
def database(engines: None, redis_url: str) -> Iterator[Database]:
    """The migrated database, named in the settings of this process and of the processes that it starts."""
    from wms.platform.db import dispose_engine
    from wms.platform.settings import settings

    name = f"{os.environ['WMS_TEST_TEMPLATE']}_{WORKER}"
    _create_database(name, os.environ["WMS_TEST_TEMPLATE"])
    os.environ["WMS_DATABASE_URL"] = _url_of(name)
    os.environ["WMS_REDIS_URL"] = redis_url
    settings.cache_clear()
    dispose_engine()
    with psycopg.connect(_url_of(name), autocommit=True) as owner:
        found = owner.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
        yield Database(_url_of(name), owner, sorted(row[0] for row in found))
    dispose_engine()
    _drop_database(name)


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leaves an empty database and the real clock behind; costs nothing where a test uses no database."""
    if "database" not in request.fixturenames:
        yield
        return
    database: Database = request.getfixturevalue("database")
    yield
    from wms.platform import clock, ids, jobs
    from wms.platform.settings import settings

    clock.use_clock(None)
    ids.use_ids(ids.uuid7)
    jobs.use_bell(None)
    settings.cache_clear()
    database.empty()


@dataclass
class FrozenClock:
    """Business time of this process, standing still until it is moved."""

    at: datetime

    def advance(self, **timedelta_arguments: float) -> datetime:
        """Moves on, for example ``advance(minutes=15)``."""
        self.at += timedelta(**timedelta_arguments)
        return self.at


@pytest.fixture
def frozen_clock(database: Database) -> FrozenClock:
    """Business time stands at Monday 2 March 2026, 09:00 UTC."""
    from wms.platform.clock import use_clock

    frozen = FrozenClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    use_clock(lambda: frozen.at)
    return frozen


@pytest.fixture
def run_jobs(database: Database) -> Callable[..., int]:
    """Runs every due job in this thread, and what they enqueue, through the same door as a worker."""
    from wms.kinds import load_jobs
    from wms.platform.db import WAREHOUSE, transaction
    from wms.platform.jobs import due_jobs, run_job

    load_jobs()

    def run(*, retries: bool = False, may_fail: bool = False) -> int:
        """Returns how many ran to their end. ``retries`` makes waiting retries due first.

        A job that failed for another reason than a wanted retry fails the test, unless it ``may_fail``.
        """
        if retries:
            database.rows("UPDATE job SET retry_at = now() WHERE state = 'ready'")
        done, tried = 0, set[Any]()
        while True:
            with transaction(WAREHOUSE) as session:
                due = [job_id for job_id in due_jobs(session, 100) if job_id not in tried]
            if not due:
                break
            tried.update(due)
            done += sum(run_job(job_id) for job_id in due)
        failed = database.rows(
            "SELECT kind, last_error FROM job WHERE last_error IS NOT NULL AND last_error NOT LIKE 'Retry:%%'"
        )
        assert may_fail or not failed, failed
        return done

    return run


@pytest.fixture(scope="session")
def _house_snapshot(database: Database) -> tuple[Any, dict[str, str]]:
    """The seeded world and its rows as JSON: hashing PINs is slow, so it is done once and copied after."""
    from wms.platform.db import WAREHOUSE, transaction
    from wms.seed import seed_demo

    with transaction(WAREHOUSE) as session:
        world = seed_demo(session)
    rows = {}
    for table in database.tables:
        found = database.rows(f'SELECT json_agg(t)::text FROM "{table}" t')[0][0]
        # The house is at rest: that its opening stock arrived is no news to anybody.
        if found is not None and table != "job":
            rows[table] = found
    database.empty()
    return world, rows


@pytest.fixture
def house(database: Database, _house_snapshot: tuple[Any, dict[str, str]]) -> Any:
    """The demonstration warehouse (:class:`wms.seed.DemoWorld`), as a fresh installation has it."""
    world, rows = _house_snapshot
    with database.owner.transaction():
        database.owner.execute("SET LOCAL session_replication_role = replica")
        for table, text in rows.items():
            insert = f'INSERT INTO "{table}" SELECT * FROM json_populate_recordset(NULL::"{table}", %s)'
            database.owner.execute(insert, (text,))
    return world


@dataclass
class Sandbox:
    """The sandbox carrier's process and its back door; the house's account points at it."""

    url: str
    api_key: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Calls its API or its ``/sandbox`` controls; any answer but 200 fails the test."""
        headers = {"x-api-key": self.api_key}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, operation: str, kind: str, **details: Any) -> None:
        """Lets the next call of an operation go wrong."""
        self.call("PUT", "/sandbox/faults", {operation: [{"kind": kind, "times": 1, **details}]})

    def advance(self, tracking_number: str, status: str, **details: Any) -> Any:
        """Lets something happen to a parcel and returns the event."""
        body = {"status": status, **details}
        return self.call("POST", f"/sandbox/parcels/{tracking_number}/advance", body)


@pytest.fixture(scope="session")
def _sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from wms.seed import SANDBOX_API_KEY

    command = [sys.executable, "-m", "carriers.sandbox.server", "--port", "0", "--api-key", SANDBOX_API_KEY]
    command += ["--data-dir", str(tmp_path_factory.mktemp("sandbox"))]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("sandbox carrier ready on "), line
        yield line.split()[-1]
        process.terminate()


@pytest.fixture
def sandbox(database: Database, house: Any, _sandbox_server: str) -> Iterator[Sandbox]:
    """A real sandbox carrier that works properly before and after the test."""
    from wms.seed import SANDBOX_API_KEY

    database.rows("UPDATE carrier_account SET base_url = %s", _sandbox_server)
    carrier = Sandbox(_sandbox_server, SANDBOX_API_KEY)
    yield carrier
    carrier.call("DELETE", "/sandbox/faults")
    carrier.call("DELETE", "/sandbox/clock")


@dataclass
class Bench:
    """A packing bench at the end of the floor's work: orders come off it in closed boxes, ready for a label."""

    database: Database
    house: Any
    made: int = 0

    def pack(self, boxes: int = 1, brand: str = "fennel", **order: Any) -> Any:
        """Accepts an order of one piece of the brand's first article per box, picks and packs it with the rooms' own
        verbs, and returns its shipment in the state ``packed``. ``order`` replaces members of the order."""
        from wms.brands.models import Brand
        from wms.intake.schemas import OrderIn
        from wms.intake.service import accept
        from wms.platform.db import WAREHOUSE, transaction
        from wms.shipments.release import release_due
        from wms.shipments.service import shipments_of_order

        self.made += 1
        seeded = self.house.brands[brand]
        draft = {
            "ref": f"R-{self.made}",
            "recipient": {
                "name": "Asha Rao",
                "street": "12 Market Row\nFlat 3",
                "city": "Leeds",
                "postcode": "LS1 4AP",
                "country": "GB",
                "phone": "+44 113 496 0000",
            },
            "lines": [{"sku": min(seeded.skus), "quantity": boxes, "unit_price_minor": 1250}],
            "service": "standard",
            **order,
        }
        with transaction(WAREHOUSE) as session:
            (answer,) = accept(
                session, session.get_one(Brand, seeded.id), [OrderIn.model_validate(draft)], f"brand:{brand}"
            )
        assert answer.refusal is None, answer.refusal
        self.database.rows("UPDATE shipment SET release_at = release_at - interval '30 days' WHERE state = 'held'")
        with transaction(WAREHOUSE) as session:
            assert release_due(session) == 1
            (shipment,) = shipments_of_order(session, seeded.id, answer.order_id)
            self._pick(session, shipment)
            self._box(session, shipment, boxes)
        return shipment

    def _pick(self, session: Any, shipment: Any) -> None:
        from wms.orders.models import EventKind
        from wms.platform.ids import new_id
        from wms.shipments.models import ShipmentState
        from wms.shipments.service import lines_of, move_to, record_for
        from wms.stock.allocations import open_allocations, pick
        from wms.stock.ledger import Cause

        move_to(session, shipment, ShipmentState.PICKING)
        record_for(session, shipment, EventKind.PICKING_STARTED, actor="staff:W-1001")
        lines = {line.id: line for line in lines_of(session, shipment)}
        for allocation in open_allocations(session, shipment.brand_id, lines):
            cause = Cause(new_id(), "pick", "staff:W-1001")
            lines[allocation.shipment_line_id].picked += allocation.quantity
            pick(session, allocation, shipment.warehouse_id, allocation.quantity, cause)
        move_to(session, shipment, ShipmentState.PICKED)
        record_for(session, shipment, EventKind.PICKED, actor="staff:W-1001")

    def _box(self, session: Any, shipment: Any, boxes: int) -> None:
        from wms.orders.models import EventKind
        from wms.shipments.models import PackageLine, PackageState, ShipmentState
        from wms.shipments.packages import open_package
        from wms.shipments.service import lines_of, move_to, record_for

        (line,) = lines_of(session, shipment)
        for _ in range(boxes):
            package = open_package(session, shipment)
            package.weight_g, package.state = 900, PackageState.PACKED
            package.length_mm, package.width_mm, package.height_mm = 350, 260, 180
            session.add(
                PackageLine(brand_id=shipment.brand_id, package_id=package.id, shipment_line_id=line.id, quantity=1)
            )
        move_to(session, shipment, ShipmentState.PACKED)
        record_for(session, shipment, EventKind.PACKED, actor="staff:W-1002")


@pytest.fixture
def bench(database: Database, house: Any) -> Bench:
    """Packs orders of the house."""
    return Bench(database, house)


@pytest.fixture(scope="session")
def server(database: Database) -> Iterator[str]:
    """The whole application behind a real HTTP server in a thread of this process; returns its address."""
    import uvicorn

    from api.app import create_app

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(create_app(), loop="uvloop", http="httptools", ws="none", log_level="critical")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        while not running.started:
            assert thread.is_alive(), "The server did not start."
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        running.should_exit = True
        thread.join(timeout=10)
