# SPDX-License-Identifier: Apache-2.0
"""A warehouse to measure: engines with production settings, a migrated database of its own, a brand with stock."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from uuid import UUID

import psutil  # type: ignore[import-untyped]
import psycopg
from cryptography.fernet import Fernet
from psycopg import sql
from sqlalchemy.engine import make_url

from wms.brands.models import Policy

SKUS = 400
STOCK_EACH = 1_000_000_000 // SKUS
STAFF = 20
PIN = "246810"
TOTES = 2_000


@dataclass
class World:
    """The database is its owner's: floors work past every policy, in the same tables with the same constraints."""

    database_url: str
    folder: Path
    brand_id: UUID = field(default_factory=lambda: UUID(int=0))
    warehouse_id: UUID = field(default_factory=lambda: UUID(int=0))
    api_key: str = ""
    skus: list[str] = field(default_factory=list)
    badges: list[str] = field(default_factory=list)

    def owner(self, **options: Any) -> "psycopg.Connection[Any]":
        """Opens a connection of the owner."""
        return psycopg.connect(self.database_url, **options)

    def tidy(self) -> None:
        """Leaves every round the same tables: no dead rows, fresh statistics, an empty log of changes to flush."""
        with self.owner(autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")


@contextmanager
def world(policy: Policy | None = None) -> Iterator[World]:
    """Sets up everything, names it in this process's settings, and takes it all away afterwards.

    ``WMS_BENCH_DATABASE_URL`` names another server, on which a database of our own is made and dropped.
    """
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="wms-bench-", dir=_parent()))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = os.environ.get("WMS_BENCH_DATABASE_URL") or _embedded(stack, folder / "engines")
        name = f"wms_bench_{os.getpid()}"
        _server_does(server, "CREATE DATABASE {} TEMPLATE template0", name)
        stack.callback(_server_does, server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        url = make_url(server).set(database=name, drivername="postgresql").render_as_string(hide_password=False)
        _use(url)
        from wms.platform.db import dispose_engine

        stack.callback(dispose_engine)
        made = World(url, folder)
        _furnish(made, policy or Policy(edit_window_seconds=0))
        made.tidy()
        yield made


def _parent() -> str | None:
    # The wheel opens the parents of its folder for traversal when it runs as root; `/var/lib` is open already.
    return "/var/lib" if os.geteuid() == 0 else None


def _embedded(stack: ExitStack, folder: Path) -> str:
    from wms.platform.embedded import EmbeddedEngines

    return stack.enter_context(EmbeddedEngines(folder)).database_url


def _server_does(server: str, command: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(command).format(sql.Identifier(name)))  # type: ignore[arg-type, unused-ignore]


def _use(url: str) -> None:
    from wms.platform.db import dispose_engine
    from wms.platform.settings import settings

    os.environ["WMS_DATABASE_URL"] = url
    os.environ["WMS_REDIS_URL"] = ""
    os.environ.setdefault("WMS_SECRET_KEY", Fernet.generate_key().decode())
    settings.cache_clear()
    dispose_engine()


def _furnish(made: World, policy: Policy) -> None:
    """One building, one brand, its articles in one bin each, and people with badges."""
    from wms.brands.service import create_brand, create_warehouse, hire, issue_key
    from wms.catalog.schemas import SkuIn
    from wms.catalog.service import upsert_skus
    from wms.floor.models import Tote
    from wms.migrations import migrate
    from wms.platform.db import WAREHOUSE, transaction
    from wms.platform.ids import new_id
    from wms.seed.goods import ADDRESS
    from wms.stock.ledger import Cause
    from wms.stock.models import Location
    from wms.stock.service import Goods, receive

    migrate(made.database_url)
    with transaction(WAREHOUSE) as session:
        warehouse = create_warehouse(session, "BENCH", "Bench", "Europe/London", ADDRESS, "5060987")
        made.badges = [f"B-{number:03d}" for number in range(STAFF)]
        for badge in made.badges:
            hire(session, warehouse, badge, badge, PIN, ("picker",))
        session.add_all(Tote(warehouse_id=warehouse.id, code=f"T-{number:04d}") for number in range(TOTES))
        brand = create_brand(session, warehouse, "bench", "Bench", policy)
        made.skus = [f"SKU-{number:04d}" for number in range(SKUS)]
        drafts = [SkuIn.model_validate({"code": code, "name": code, "weight_g": 200}) for code in made.skus]
        ids = [result.sku_id for result in upsert_skus(session, brand.id, drafts)]
        shelves = [
            Location(warehouse_id=warehouse.id, code=f"A-{number:04d}", route_order=number)
            for number, _ in enumerate(made.skus)
        ]
        session.add_all(shelves)
        # Stock is booked by SQL, which must see the locations.
        session.flush()
        for shelf, sku_id in zip(shelves, ids, strict=True):
            assert sku_id is not None
            receive(session, brand.id, shelf, [Goods(sku_id, STOCK_EACH)], Cause(new_id(), "opening stock", "system"))
        made.api_key = issue_key(session, brand, "bench")
        made.brand_id, made.warehouse_id = brand.id, warehouse.id


@dataclass(frozen=True)
class Server:
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Returns the processor time that the server's processes have used so far."""
        parent = psutil.Process(self.pid)
        times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))


@contextmanager
def server(made: World, workers: int = 1) -> Iterator[Server]:
    """Runs ``wms serve`` in a process of its own, as in production."""
    port = _free_port()
    command = [sys.executable, "-m", "wms.cli", "serve", "--port", str(port), "--workers", str(workers)]
    log = made.folder / "serve.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        _wait(port, process, log)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up_at = time.monotonic() + 60
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
                answer.read()
                return
        except (URLError, OSError) as error:
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"The server did not start:\n{log.read_text()[-2000:]}") from error
            time.sleep(0.05)
