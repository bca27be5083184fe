# SPDX-License-Identifier: Apache-2.0
"""A worker is killed, or put to sleep, at every point of a purchase: in the end there is one label, here and there."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from wms.dispatch.models import CarrierAccount
from wms.dispatch.service import ask_return, connect, request_labels, void_labels
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.faults import FaultInjectedError, fault_point

POINTS = [
    "dispatch.after_intent",
    "dispatch.before_carrier_call",
    "dispatch.after_carrier_call",
    "dispatch.before_record",
]
WORKER = """
from wms.kinds import load_jobs
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.jobs import due_jobs, run_job

load_jobs()
with transaction(WAREHOUSE) as session:
    due = due_jobs(session, 100)
print([run_job(job_id) for job_id in due])
"""


def worker(faults: str) -> subprocess.Popen[str]:
    """Starts a real worker process that runs what is due, with ``WMS_FAULT_POINTS`` set."""
    environment = {**os.environ, "WMS_FAULT_POINTS": faults}
    return subprocess.Popen([sys.executable, "-c", WORKER], env=environment, stdout=subprocess.PIPE, text=True)


def let_the_lease_run_out(database: Any) -> None:
    database.rows("UPDATE job SET lease_until = now() - interval '1 second' WHERE state = 'running'")


def labels_at_the_carrier(house: Any, shipment: Any) -> list[tuple[str, bool]]:
    with transaction(WAREHOUSE) as session:
        carrier = connect(session.get_one(CarrierAccount, house.account_id))
    return [(e.tracking_number, e.is_voided) for e in carrier.ledger() if e.key.startswith(shipment.id.hex)]


def request(shipment: Any) -> None:
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_while_it_buys_leaves_one_label(
    point: str, database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack(boxes=2)
    request(shipment)
    with worker(f"{point}=kill") as process:
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert database.rows("SELECT state, in_doubt FROM label_purchase") == [("calling", True)]

    let_the_lease_run_out(database)
    run_jobs()

    here = database.rows("SELECT tracking_number, state FROM label ORDER BY tracking_number")
    there = sorted(labels_at_the_carrier(house, shipment))
    assert here == [(number, "bought") for number, _ in there]
    assert [is_void for _, is_void in there] == [False, False]
    assert database.rows("SELECT state FROM shipment") == [("labelled",)]
    assert database.rows("SELECT kind FROM order_event WHERE kind LIKE 'label%%'") == [("label_bought",)]


def test_a_worker_that_slept_through_its_lease_writes_nothing(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    request(shipment)
    with worker("dispatch.after_carrier_call=stop") as sleeper:
        _, status = os.waitpid(sleeper.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        let_the_lease_run_out(database)
        run_jobs()
        tables = ("label_purchase", "label", "shipment", "package", "order_event", "job")
        before = [database.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
        os.kill(sleeper.pid, signal.SIGCONT)
        output, _ = sleeper.communicate(timeout=30)
    assert output.splitlines()[-1] == "[False]"
    assert [database.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables] == before
    assert database.rows("SELECT state FROM shipment") == [("labelled",)]
    assert len(labels_at_the_carrier(house, shipment)) == 1


def test_a_worker_killed_while_it_voids_voids_in_the_end(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    request(shipment)
    run_jobs()
    with transaction(WAREHOUSE) as session:
        void_labels(session, shipment, "staff:W-1002", "damaged box")
    with worker("dispatch.after_void_call=kill") as process:
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert database.rows("SELECT state FROM label") == [("void_requested",)]
    let_the_lease_run_out(database)
    run_jobs()
    assert database.rows("SELECT state FROM label") == [("voided",)]
    assert [is_void for _, is_void in labels_at_the_carrier(house, shipment)] == [True]


@pytest.mark.parametrize("point", ["dispatch.before_amend_call", "dispatch.after_amend_call"])
def test_a_worker_killed_while_it_asks_leaves_one_question(
    point: str, database: Any, gone: Any, run_jobs: Any, depot: Any
) -> None:
    shipment, _ = gone()
    with transaction(WAREHOUSE) as session:
        ask_return(session, shipment, "brand:fennel")
    with worker(f"{point}=kill") as process:
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert database.rows("SELECT state, in_doubt FROM amendment") == [("calling", True)]
    let_the_lease_run_out(database)
    run_jobs()
    assert database.rows("SELECT state FROM amendment") == [("requested",)]
    assert len(depot.asked(shipment)) == 1


def test_a_worker_that_slept_while_it_asked_writes_nothing(database: Any, gone: Any, run_jobs: Any, depot: Any) -> None:
    shipment, _ = gone()
    with transaction(WAREHOUSE) as session:
        ask_return(session, shipment, "brand:fennel")
    with worker("dispatch.after_amend_call=stop") as sleeper:
        _, status = os.waitpid(sleeper.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        depot.decide(shipment, accepted=True)
        let_the_lease_run_out(database)
        run_jobs()
        tables = ("amendment", "shipment", "order_event", "job")
        before = [database.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
        os.kill(sleeper.pid, signal.SIGCONT)
        output, _ = sleeper.communicate(timeout=30)
    assert output.splitlines()[-1] == "[False]"
    assert [database.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables] == before
    assert database.rows("SELECT state FROM amendment") == [("accepted",)]


def test_a_fault_point_does_nothing_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fault_point("somewhere")
    monkeypatch.setenv("WMS_FAULT_POINTS", "elsewhere=kill, somewhere=raise")
    with pytest.raises(FaultInjectedError, match="somewhere"):
        fault_point("somewhere")
