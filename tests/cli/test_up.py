# SPDX-License-Identifier: Apache-2.0
"""``wms up`` and the processes, as a person at a terminal meets them."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that PostgreSQL's user can reach, whoever runs the tests."""
    made = Path(tempfile.mkdtemp(prefix="wms-up-", dir="/var/lib" if os.geteuid() == 0 else None))
    yield made / "data"
    shutil.rmtree(made)


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """Nothing configured but a data folder and free ports."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WMS_")}
    return kept | {
        "WMS_DATA_DIR": str(folder),
        "WMS_PORT": str(_free_port()),
        "WMS_SANDBOX_PORT": str(_free_port()),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wms(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "wms.cli", *arguments]
    return subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)


def _start(environment: dict[str, str]) -> tuple["subprocess.Popen[str]", str]:
    """Runs ``wms up`` and returns it with what it printed until it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wms.cli", "up"], env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if line.startswith("Ctrl-C stops everything"):
            return process, printed
    raise AssertionError(printed)


def _end(process: "subprocess.Popen[str]", how: signal.Signals) -> str:
    process.send_signal(how)
    assert process.stdout is not None
    printed = process.stdout.read()
    process.wait()
    process.stdout.close()
    return printed


def _eventually(check: Callable[[], bool], within_seconds: float = 30.0) -> None:
    give_up_at = time.monotonic() + within_seconds
    while not check():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def _first_words(printed: str, heading: str) -> list[str]:
    return re.findall(rf"^  {heading} +(\S+)", printed, flags=re.MULTILINE)


def _place(base: str, key: str, curl: str) -> httpx.Response:
    """Sends the order of the printed curl line."""
    order: dict[str, Any] = json.loads(re.search(r"-d '(.*)'", curl).group(1))  # type: ignore[union-attr]
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "hello-1"}
    return httpx.post(f"{base}/v1/orders", json=order, headers=headers, trust_env=False)


def test_up_prints_what_works_and_starts_again_with_its_data(environment: dict[str, str], folder: Path) -> None:
    base = f"http://127.0.0.1:{environment['WMS_PORT']}"
    process, printed = _start(environment)
    try:
        keys = _first_words(printed, "API key")
        assert len(keys) == 2
        assert _first_words(printed, "Badge") == ["W-1001", "W-1002", "W-1003", "W-1004"]
        addresses = [_first_words(printed, name)[0] for name in ("Floor", "API docs", "Sandbox", "Portal")]
        for address in addresses:
            answer = httpx.get(address, follow_redirects=True, trust_env=False)
            assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html"), address
        assert _place(base, keys[0], printed).status_code == 201

        # Another program may look, a second copy may not start, and either leaves the first alone.
        listed = _wms(environment, "brand", "list")
        assert listed.returncode == 0
        assert "Juniper Trail" in listed.stdout
        second = _wms(environment, "up")
        assert second.returncode == 1
        assert second.stderr == (
            f"Error: Another copy already runs on the data folder {folder}. Stop it first, or set WMS_DATA_DIR.\n"
        )
        # The demonstration's secrets are for the owner of the folder only.
        assert {(folder / name).stat().st_mode & 0o777 for name in ("demo.json", "secret.key")} == {0o600}
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        began = time.monotonic()
        said = _end(process, signal.SIGINT)
    assert time.monotonic() - began < 10
    assert said.endswith("Stopped. The data is kept; `wms up` goes on where this ended.\n")
    assert process.returncode == 0
    assert psutil.wait_procs(children, timeout=0.1)[1] == []

    process, printed = _start(environment)
    try:
        assert _first_words(printed, "API key") == keys
        # The same reference: known already, so nothing is sold twice.
        assert _place(base, keys[0], printed).status_code == 201
        orders = httpx.get(f"{base}/v1/orders", headers={"authorization": f"Bearer {keys[0]}"}, trust_env=False)
        assert sorted(order["ref"] for order in orders.json()["items"]) == ["FIRST-1", "HELLO-1"]

        worker = next(
            child for child in psutil.Process(process.pid).children() if child.cmdline()[-2:] == ["wms.cli", "work"]
        )
        worker.kill()
        log = folder / "logs" / "worker-1.log"
        _eventually(lambda: _workers(process.pid) == 2)
        assert log.exists()
    finally:
        _end(process, signal.SIGTERM)


def _workers(pid: int) -> int:
    return sum(
        child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-2:] == ["wms.cli", "work"]
        for child in psutil.Process(pid).children()
    )


def test_a_busy_port_is_one_sentence_and_nothing_is_started(environment: dict[str, str], folder: Path) -> None:
    with socket.create_server(("127.0.0.1", int(environment["WMS_PORT"]))):
        refused = _wms(environment, "up")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"Error: Cannot listen on 127.0.0.1:{environment['WMS_PORT']}: Address already in use."
        " Stop what uses the port, or set WMS_PORT.\n"
    )
    assert [path.name for path in folder.iterdir()] == ["lock"]


def test_serve_refuses_a_busy_port_in_one_sentence(database: Any, environment: dict[str, str]) -> None:
    configured = environment | {"WMS_DATABASE_URL": database.url}
    with socket.create_server(("127.0.0.1", int(environment["WMS_PORT"]))):
        refused = _wms(configured, "serve")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: Cannot listen on 127.0.0.1:")
    assert refused.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_one_sentence(environment: dict[str, str], folder: Path) -> None:
    folder.write_text("not a folder")
    refused = _wms(environment | {"WMS_DATA_DIR": str(folder / "data")}, "up")
    assert refused.returncode == 1
    assert refused.stderr == f"Error: The data folder {folder}/data cannot be written: Not a directory.\n"


@pytest.mark.parametrize("command", [("brand", "list"), ("jobs", "list"), ("migrate",)])
def test_a_database_that_is_away_is_one_sentence(environment: dict[str, str], command: tuple[str, ...]) -> None:
    away = environment | {"WMS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    refused = _wms(away, *command)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: The database ")
    assert refused.stderr.count("\n") == 1


def test_serve_answers_with_several_processes_and_stops_on_sigterm(
    database: Any, environment: dict[str, str], redis_url: str
) -> None:
    configured = environment | {"WMS_DATABASE_URL": database.url, "WMS_REDIS_URL": redis_url}
    command = [sys.executable, "-m", "wms.cli", "serve", "--workers", "2"]
    with subprocess.Popen(command, env=configured, cwd=REPOSITORY) as process:
        url = f"http://127.0.0.1:{environment['WMS_PORT']}/health/ready"

        def answers() -> bool:
            try:
                return httpx.get(url, trust_env=False, timeout=5).is_success
            except httpx.TransportError:
                return False

        _eventually(answers)
        process.send_signal(signal.SIGTERM)
    assert process.returncode in (0, -signal.SIGTERM)


@pytest.mark.parametrize("redis_is", ["there", "away", "not configured"])
def test_a_worker_runs_jobs_whatever_becomes_of_redis(
    database: Any, house: Any, environment: dict[str, str], redis_url: str, redis_is: str
) -> None:
    urls = {"there": redis_url, "away": "redis://127.0.0.1:1/0", "not configured": ""}
    configured = environment | {"WMS_DATABASE_URL": database.url, "WMS_REDIS_URL": urls[redis_is]}
    database.rows(
        "INSERT INTO job (id, brand_id, kind, args, state, run_at, retry_at, attempts, created_at)"
        " SELECT gen_random_uuid(), brand_id, 'stock.arrived', json_build_object('brand_id', brand_id,"
        " 'warehouse_id', warehouse_id, 'sku_id', sku_id), 'ready', now(), now(), 0, now() FROM stock_counter"
    )
    programs = [[sys.executable, "-m", "wms.cli", name] for name in ("work", "sweep")]
    running = [subprocess.Popen(command, env=configured, cwd=REPOSITORY) for command in programs]
    try:
        _eventually(lambda: database.rows("SELECT DISTINCT state FROM job") == [("done",)], within_seconds=30)
    finally:
        for process in running:
            process.terminate()
        ended = [process.wait(10) for process in running]
    # A program that was still being loaded ends by the signal itself.
    assert ended[0] == 0
    assert ended[1] in (0, -signal.SIGTERM)
