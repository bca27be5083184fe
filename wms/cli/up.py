# SPDX-License-Identifier: Apache-2.0
"""``wms up``: the whole warehouse on one machine, with nothing installed beforehand."""

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click

from wms.cli.context import data_dir, fail, secret_key, use, use_urls
from wms.cli.run import listen
from wms.platform.settings import settings

_HEALTHY_SECONDS: Final = 60


@click.command()
@click.option("--workers", type=click.IntRange(1, 16), default=2, show_default=True, help="Worker processes.")
def up(workers: int) -> None:
    """Start everything on this machine and print where to look. Ctrl-C stops everything; the data stays.

    Starts an embedded PostgreSQL and Redis (or uses WMS_DATABASE_URL and WMS_REDIS_URL), migrates, fills an empty
    database with two brands, and runs the API, workers, the sweeper and a sandbox carrier.

    \b
    Example:
      wms up
      WMS_PORT=9000 WMS_DATA_DIR=/srv/wms wms up
    """
    from wms.platform.embedded import hold_folder
    from wms.platform.supervisor import Supervisor

    folder = data_dir()
    stopping = threading.Event()
    with _interrupts(stopping), ExitStack() as stack:
        with hold_folder(folder):
            # Everything that could be refused is asked for before anything is started.
            for port in (settings().port, settings().sandbox_port):
                listen(settings().host, port).close()
        _start_engines(stack, folder)
        demo = _prepare_database(folder)
        supervisor = Supervisor(folder / "logs", note=lambda sentence: click.echo(f"  ! {sentence}", err=True))
        stack.callback(supervisor.stop)
        stack.callback(click.echo, "Stopping.")
        stack.callback(stopping.set)
        _start_doors(supervisor, folder)
        _wait_until_healthy(supervisor)
        _register_callbacks()
        _start_workers(supervisor, workers)
        _print_welcome(demo, _place_first_order(demo))
        supervisor.watch(stopping)


@contextmanager
def _interrupts(stopping: threading.Event) -> Iterator[None]:
    """Lets SIGTERM and SIGINT interrupt the start, end the watching, and never disturb the stopping."""

    def interrupt(*_: Any) -> None:
        if not stopping.is_set():
            stopping.set()
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Stopped. The data is kept; `wms up` goes on where this ended.")


def _start_engines(stack: ExitStack, folder: Path) -> None:
    from wms.platform.db import dispose_engine
    from wms.platform.embedded import EmbeddedEngines, hold_folder

    if settings().database_url:
        stack.enter_context(hold_folder(folder))
        use({"WMS_SECRET_KEY": secret_key(folder)})
        return
    click.echo(f"Starting PostgreSQL and Redis in {folder}")
    engines = stack.enter_context(EmbeddedEngines(folder))
    use_urls({"database_url": engines.database_url, "redis_url": engines.redis_url}, folder)
    stack.callback(dispose_engine)


def _prepare_database(folder: Path) -> dict[str, Any]:
    """Migrates, and seeds an empty database. Returns what may be shown: keys, and badges with their PINs."""
    from sqlmodel import select

    from wms.brands.models import Warehouse
    from wms.migrations import migrate
    from wms.platform.db import WAREHOUSE, transaction

    migrate()
    note = folder / "demo.json"
    with transaction(WAREHOUSE) as session:
        is_empty = session.exec(select(Warehouse.id).limit(1)).first() is None
    if is_empty:
        _seed(note)
    shown: dict[str, Any] = json.loads(note.read_text()) if note.exists() else {"brands": [], "people": []}
    return shown


def _seed(note: Path) -> None:
    from wms.platform.db import WAREHOUSE, transaction
    from wms.platform.embedded import write_private
    from wms.seed import seed_demo

    with transaction(WAREHOUSE) as session:
        world = seed_demo(session)
        brands = [
            {"id": str(brand.id), "name": brand.name, "key": brand.api_key, "sku": min(brand.skus)}
            for brand in world.brands.values()
        ]
        people = [{"badge": one.badge, "name": one.name, "pin": one.pin} for one in world.staff.values()]
        # Keys are stored as hashes; the demonstration's own are kept here, for its owner only, to be shown again.
        # They are written before the commit, because afterwards there would be no way to get them back.
        write_private(note, json.dumps({"brands": brands, "people": people}, indent=2))
    click.echo("Filled the empty database with two brands, their stock and four people")


def _start_doors(supervisor: Any, folder: Path) -> None:
    from wms.platform.supervisor import Program

    carrier = [sys.executable, "-m", "carriers.sandbox.server", "--host", settings().host]
    carrier += ["--port", str(settings().sandbox_port), "--data-dir", str(folder / "sandbox")]
    # A parcel that was collected moves on by itself, so that a newcomer sees it delivered.
    carrier += ["--autopilot-seconds", "20"]
    # The API is the first to stop, and the carrier stays until nobody calls it any more.
    supervisor.start(Program("api", [sys.executable, "-m", "wms.cli", "serve"], stage=2))
    supervisor.start(Program("sandbox", carrier))


def _start_workers(supervisor: Any, workers: int) -> None:
    from wms.platform.supervisor import Program

    wms = [sys.executable, "-m", "wms.cli"]
    supervisor.start(Program("sweeper", [*wms, "sweep"], stage=1))
    for number in range(1, workers + 1):
        supervisor.start(Program(f"worker-{number}", [*wms, "work"], stage=1))


def _base_url() -> str:
    return settings().public_url or f"http://{settings().host}:{settings().port}"


def _sandbox_url() -> str:
    return f"http://{settings().host}:{settings().sandbox_port}"


def _wait_until_healthy(supervisor: Any) -> None:
    import httpx

    give_up_at = time.monotonic() + _HEALTHY_SECONDS
    wanted = {"api": f"http://{settings().host}:{settings().port}/health/ready", "sandbox": f"{_sandbox_url()}/sandbox"}
    with httpx.Client(timeout=2, trust_env=False) as client:
        while wanted:
            name, url = next(iter(wanted.items()))
            try:
                if client.get(url).is_success:
                    del wanted[name]
                    continue
            except httpx.HTTPError:
                pass
            if (ended := supervisor.ended()) or time.monotonic() > give_up_at:
                late = ended[0] if ended else name
                log = supervisor.log_of(late)
                tail = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-15:]) if log.exists() else ""
                raise fail(f"{late} did not start. The end of {log}:\n{tail}")
            time.sleep(0.1)


def _register_callbacks() -> None:
    """Tells the sandbox carrier where this warehouse listens; a carrier's office would do it once, by hand."""
    import httpx
    from sqlmodel import select

    from wms.dispatch.models import CarrierAccount
    from wms.platform.db import WAREHOUSE, transaction
    from wms.platform.secrets import decrypt

    with transaction(WAREHOUSE) as session, httpx.Client(trust_env=False) as client:
        for account in session.exec(select(CarrierAccount).where(CarrierAccount.carrier == "sandbox")):
            account.base_url = _sandbox_url()
            session.add(account)
            key = json.loads(decrypt(account.credentials))["api_key"]
            url = f"http://{settings().host}:{settings().port}/carriers/sandbox/{account.id}"
            body = {"url": url, "secret": decrypt(account.callback_secret).decode()}
            client.put(f"{_sandbox_url()}/v1/webhook", json=body, headers={"x-api-key": key}).raise_for_status()


def _first_order(sku: str) -> dict[str, Any]:
    recipient = {"name": "Asha Rao", "street": "12 Market Row\nFlat 3", "city": "London"}
    recipient |= {"postcode": "SW9 8LB", "country": "GB", "phone": "+44 20 7946 0321"}
    return {"ref": "FIRST-1", "recipient": recipient, "lines": [{"sku": sku, "quantity": 2}]}


def _place_first_order(demo: dict[str, Any]) -> str:
    """Places one order through the API, once for ever, and returns the address of its shopper's page."""
    if not demo["brands"]:
        return ""
    import httpx

    from api.portal.links import portal_link

    brand = demo["brands"][0]
    headers = {"authorization": f"Bearer {brand['key']}"}
    with httpx.Client(base_url=f"http://{settings().host}:{settings().port}", trust_env=False) as client:
        answer = client.post("/v1/orders", json=_first_order(brand["sku"]), headers=headers)
    # Somebody may have revoked the demonstration's key; then there is one line less to print.
    return _base_url() + portal_link(UUID(brand["id"]), UUID(answer.json()["id"])) if answer.is_success else ""


def _print_welcome(demo: dict[str, Any], portal: str) -> None:
    base = _base_url()
    click.echo(f"""
The warehouse is running.

  Floor         {base}/floor
  API docs      {base}/docs
  Sandbox       {_sandbox_url()}/sandbox    the carrier's own page: push parcels on""")
    if portal:
        click.echo(f"  Portal        {portal}    what a shopper sees")
    for person in demo["people"]:
        click.echo(f"  Badge         {person['badge']}  PIN {person['pin']}    {person['name']}")
    for brand in demo["brands"]:
        click.echo(f"  API key       {brand['key']}    {brand['name']}")
    if demo["brands"]:
        click.echo(f"\nPlace an order:\n\n{_curl(base, demo['brands'][0])}")
    click.echo("\nCtrl-C stops everything.")


def _curl(base: str, brand: dict[str, str]) -> str:
    order = _first_order(brand["sku"]) | {"ref": "HELLO-1"}
    return (
        f"  curl -X POST {base}/v1/orders -H 'Authorization: Bearer {brand['key']}'"
        f" -H 'Idempotency-Key: hello-1' -H 'Content-Type: application/json' -d '{json.dumps(order)}'"
    )


COMMANDS = (up,)
