# SPDX-License-Identifier: Apache-2.0
"""The replay as a person runs it: real processes, some of which are killed, and always the same result."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from sqlalchemy.engine import make_url

from wms.planning.past import read_uci
from wms.planning.windows import try_window

REPOSITORY = Path(__file__).parents[2]
REAL_FILE = REPOSITORY.parent / "shared" / "data" / "online-retail-2010-12-01_02.csv"
ORDERS = 12
MORNING = 7
BIG = "536011"

# The parcels of a manifest are spread over these stops of the next day, UTC in winter.
STOPS = ("09:30", "11:00", "12:30", "14:00", "15:30")


def _write_sales(path: Path) -> Path:
    """Seven orders in the morning and five in the afternoon; the last one fills more than one carton."""
    rows = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for number in range(ORDERS):
        ref, at = f"5360{number:02d}", f"2010-12-01 {'09:0' if number < MORNING else '14:1'}{number % 4}"
        customer = "" if number == 3 else f"{17850 + number % 3}"
        rows.append(f"{ref},{22000 + number % 5},MUG {number % 5},{1 + number % 3},{at},2.55,{customer},United Kingdom")
        if number % 4 == 0:
            # One SKU on two lines of one order.
            rows.append(f"{ref},{22000 + number % 5},MUG {number % 5},2,{at},2.55,{customer},United Kingdom")
    rows.append(f"{BIG},84879,BIRD ORNAMENT,2000,2010-12-01 14:10,1.69,17850,United Kingdom")
    rows.append("C536030,22001,MUG 1,-1,2010-12-01 10:00,2.55,17850,United Kingdom")
    rows.append("536031,POST,POSTAGE,1,2010-12-01 10:00,18.00,12583,France")
    path.write_text("\n".join(rows) + "\n")
    return path


def _expected() -> dict[str, str]:
    """When each order arrives."""
    morning = [f"5360{number:02d}" for number in range(MORNING)]
    afternoon = [f"5360{number:02d}" for number in range(MORNING, ORDERS)]
    return {
        ref: f"2010-12-02T{STOPS[place % len(STOPS)]}:00+00:00"
        for refs in (morning, afternoon)
        for place, ref in enumerate(refs)
    }


def _replay(
    file: Path, disturb: Callable[[psutil.Process], None] | None = None, *options: str
) -> tuple[dict[str, Any], str]:
    """Returns what the command prints, and what it says on the side, while ``disturb`` is let loose on it."""
    command = [sys.executable, "-m", "wms.cli", "replay", str(file), "--json", *options]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        try:
            if disturb is not None:
                disturb(psutil.Process(process.pid))
            out, said = process.communicate(timeout=1_700)
        except BaseException:
            process.terminate()
            raise
    assert process.returncode == 0, said
    return json.loads(out), said


def _is_worker(child: psutil.Process) -> bool:
    return child.cmdline()[-2:] == ["wms.cli", "work"]


def _is_redis(child: psutil.Process) -> bool:
    return child.name() == "redis-server"


# A third of the morning's labels, most of them, and some of the afternoon's are bought when something dies.
MOMENTS = (2, 5, 8)


def _kill_among_purchases(
    server_url: str, is_victim: Callable[[psutil.Process], bool], victims: int
) -> Callable[[psutil.Process], None]:
    """Kills all such children while a label is being bought, at each of ``MOMENTS`` (counted in bought labels)."""

    def disturb(process: psutil.Process) -> None:
        url = _scratch_url(server_url, process)
        with psycopg.connect(url, autocommit=True) as scratch:
            for labels in MOMENTS:
                _wait_for(process, lambda: len(_alive(process, is_victim)) == victims)
                _wait_for(process, lambda labels=labels: _is_buying(scratch, labels))
                victims_now = _alive(process, is_victim)
                for child in victims_now:
                    child.kill()
                # Until the supervisor has buried it, a killed process may still look alive.
                psutil.wait_procs(victims_now, timeout=30)

    return disturb


def _wait_for(process: psutil.Process, is_there: Callable[[], Any]) -> Any:
    give_up_at = time.monotonic() + 200
    while not (found := is_there()):
        assert process.status() != psutil.STATUS_ZOMBIE, "The replay ended before its disturbance was over."
        assert time.monotonic() < give_up_at, "The moment for the disturbance did not come."
        time.sleep(0.002)
    return found


def _scratch_url(server_url: str, process: psutil.Process) -> str:
    """Returns the address of the replay's own database, once its tables are there."""

    def look() -> str | None:
        with psycopg.connect(server_url, autocommit=True) as server:
            found = server.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"wms_replay_{process.pid}_%"]
            ).fetchone()
        if found is None:
            return None
        url = make_url(server_url).set(database=found[0]).render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as scratch:
            row = scratch.execute("SELECT to_regclass('label')").fetchone()
        return url if row is not None and row[0] is not None else None

    return str(_wait_for(process, look))


def _is_buying(scratch: "psycopg.Connection[Any]", labels: int) -> bool:
    """Says whether so many labels are bought and a worker is at the next one."""
    row = scratch.execute(
        "SELECT (SELECT count(*) FROM label WHERE state = 'bought') >= %s AND EXISTS"
        " (SELECT 1 FROM job WHERE kind = 'dispatch.buy_labels' AND state = 'running')",
        [labels],
    ).fetchone()
    return row is not None and bool(row[0])


def _alive(process: psutil.Process, is_victim: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    return [child for child in process.children() if _is(child, is_victim)]


def _is(child: psutil.Process, is_victim: Callable[[psutil.Process], bool]) -> bool:
    try:
        return child.status() != psutil.STATUS_ZOMBIE and is_victim(child)
    except psutil.Error:
        # It ended in this moment.
        return False


def _check(document: dict[str, Any]) -> None:
    orders = {order["ref"]: order for order in document["orders"]}
    expected = _expected()
    assert sorted(orders) == sorted(expected)
    assert {order["state"] for order in orders.values()} == {"delivered"}
    big = orders.pop(BIG)
    assert big["packages"] > 1
    assert {ref: order["packages"] for ref, order in orders.items()} == dict.fromkeys(orders, 1)
    assert {ref: order["delivered_at"] for ref, order in orders.items()} == {ref: expected[ref] for ref in orders}
    totals = document["totals"]
    assert (totals["orders_in"], totals["accepted"], totals["refused"], totals["delivered"]) == (
        ORDERS,
        ORDERS,
        0,
        ORDERS,
    )
    assert totals["packages"] == totals["labels_bought"] == totals["handed_over"] == ORDERS - 1 + big["packages"]
    assert document["not_orders"] == {"cancellation of an earlier invoice": 1, "no line of goods": 1}
    assert set(document["audit"].values()) == {0}


@pytest.mark.timeout(600)
def test_killing_workers_or_redis_in_the_middle_changes_nothing_in_the_result(database: Any, tmp_path: Path) -> None:
    file = _write_sales(tmp_path / "sales.csv")
    undisturbed, said = _replay(file)
    _check(undisturbed)
    assert "was killed by signal" not in said
    with_dead_workers, said = _replay(file, _kill_among_purchases(database.url, _is_worker, victims=2))
    assert said.count("was killed by signal 9") == 2 * len(MOMENTS)
    assert with_dead_workers == undisturbed
    with_dead_redis, said = _replay(file, _kill_among_purchases(database.url, _is_redis, victims=1))
    assert said.count("redis was killed by signal 9") == len(MOMENTS)
    assert with_dead_redis == undisturbed


def _planned(file: Path, window_s: int) -> list[list[str]]:
    """Returns the parcels that ``wms plan-holds`` counts for the orders whose customer is known."""
    return sorted(sorted(refs) for refs in try_window(read_uci(file), timedelta(seconds=window_s)).parcels)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("window_s", [0, 120])
def test_a_replay_that_consolidates_makes_the_parcels_that_were_planned(
    database: Any, tmp_path: Path, window_s: int
) -> None:
    file = _write_sales(tmp_path / "sales.csv")
    document, _ = _replay(file, None, "--window", str(window_s), "--consolidation", "auto")
    planned = _planned(file, window_s)
    assert (len(planned) < ORDERS - 1) is (window_s > 0)
    # The order of an unknown customer travels alone.
    assert document["parcels"] == sorted([*planned, ["536003"]])
    totals = document["totals"]
    assert (totals["orders_in"], totals["delivered"], totals["shipments"]) == (ORDERS, ORDERS, len(planned) + 1)
    assert totals["packages"] == totals["labels_bought"] == totals["handed_over"] >= totals["shipments"]
    assert set(document["audit"].values()) == {0}


@pytest.mark.timeout(60)
def test_a_file_without_an_order_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_text("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n")
    done = subprocess.run(
        [sys.executable, "-m", "wms.cli", "replay", str(file), "--data-dir", str(tmp_path / "data")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: There is no order in empty.csv.\n"
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(not REAL_FILE.exists(), reason="the file of real orders is not on this machine")
@pytest.mark.skipif("WMS_TEST_REAL_REPLAY" not in os.environ, reason="takes minutes: set WMS_TEST_REAL_REPLAY")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("window_s", [0, 300, 1_800])
def test_the_real_file_becomes_the_parcels_that_were_planned(database: Any, window_s: int) -> None:
    document, _ = _replay(REAL_FILE, None, "--window", str(window_s), "--consolidation", "auto")
    known = {order.ref for order in read_uci(REAL_FILE)}
    assert len(known) == 257
    assert [refs for refs in document["parcels"] if known.issuperset(refs)] == _planned(REAL_FILE, window_s)
    others = [refs for refs in document["parcels"] if not known.issuperset(refs)]
    assert [len(refs) for refs in others] == [1] * 21
    assert document["totals"]["delivered"] == 278
    assert set(document["audit"].values()) == {0}


@pytest.mark.skipif(not REAL_FILE.exists(), reason="the file of real orders is not on this machine")
@pytest.mark.skipif("WMS_TEST_REAL_REPLAY" not in os.environ, reason="takes minutes: set WMS_TEST_REAL_REPLAY")
@pytest.mark.timeout(1800)
def test_the_real_file_ends_with_every_order_delivered_once(database: Any) -> None:
    document, _ = _replay(REAL_FILE)
    totals = document["totals"]
    assert (totals["orders_in"], totals["delivered"], totals["not_orders"], totals["lines"]) == (278, 278, 32, 5135)
    assert set(document["audit"].values()) == {0}
