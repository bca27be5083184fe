# SPDX-License-Identifier: Apache-2.0
"""What needs a person: found on the board, settled by a supervisor, and by nobody else."""

from typing import Any

import pytest

from tests.floor.conftest import Visitor
from wms.dispatch.service import request_labels, void_labels
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.ids import uuid7
from wms.shipments.models import Shipment


@pytest.fixture
def chief(visitor: Visitor, house: Any) -> Visitor:
    visitor.log_in("W-1004", house.staff["W-1004"].pin)
    return visitor


@pytest.fixture
def doubted(bench: Any, sandbox: Any, run_jobs: Any, database: Any) -> tuple[Shipment, str]:
    """A shipment whose labels may or may not exist, and the address of its task."""
    shipment = bench.pack()
    sandbox.call("PUT", "/sandbox/faults", {"purchase": [{"kind": "error_500_before"}]})
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    database.rows("UPDATE label_purchase SET asked_at = asked_at - interval '16 minutes'")
    run_jobs(retries=True)
    sandbox.call("DELETE", "/sandbox/faults")
    return shipment, _address(database)


@pytest.fixture
def not_voided(bench: Any, sandbox: Any, run_jobs: Any, database: Any) -> tuple[Shipment, str]:
    """A shipment with a label that the carrier does not void, and the address of its task."""
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    sandbox.advance(database.rows("SELECT tracking_number FROM label")[0][0], "collected")
    with transaction(WAREHOUSE) as session:
        void_labels(session, shipment, "staff:W-1002", "smudged")
    run_jobs()
    return shipment, _address(database)


def _address(database: Any) -> str:
    ((brand_id, purchase_id),) = database.rows("SELECT brand_id, id FROM label_purchase WHERE needs_person")
    return f"/floor/tasks/{brand_id}/{purchase_id}"


def _press(visitor: Visitor, at: str, button: str, **form: str) -> Any:
    return visitor.send(f"{at}/{button}", {"token": visitor.token(at), **form})


def test_the_board_leads_to_a_purchase_in_doubt_and_a_supervisor_has_the_carrier_asked_again(
    chief: Visitor, doubted: tuple[Shipment, str], database: Any, run_jobs: Any
) -> None:
    _, at = doubted
    assert f'href="{at}"' in chief.http.get("/floor/board").text
    page = chief.http.get(at).text
    assert "Is there a label?" in page
    assert database.rows("SELECT key FROM label_purchase")[0][0] in page

    answer = _press(chief, at, "ask")
    assert "The carrier is being asked again." in chief.http.get(answer.headers["location"]).text
    run_jobs()
    assert database.rows("SELECT state, needs_person FROM label_purchase") == [("bought", False)]
    assert "Settled" in chief.http.get(at).text
    assert at not in chief.http.get("/floor/board").text


def test_a_supervisor_who_asked_the_carrier_ends_a_purchase_in_doubt_with_what_they_said(
    chief: Visitor, doubted: tuple[Shipment, str], database: Any
) -> None:
    shipment, at = doubted
    refused = _press(chief, at, "refused", reason="  ")
    assert refused.status_code == 400
    assert "Say why: whom you asked, and what they said." in refused.text
    assert database.rows("SELECT state FROM label_purchase") == [("unknown",)]

    form = {"token": chief.token(at), "action": str(uuid7()), "reason": "Ms Hall finds nothing"}
    first, second = (chief.send(f"{at}/refused", form) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert database.rows("SELECT state, reason FROM label_purchase") == [("refused", "Ms Hall finds nothing")]
    events = database.rows("SELECT actor, data->>'reason' FROM order_event WHERE kind = 'label_refused'")
    assert events == [("staff:W-1004", "Ms Hall finds nothing")]
    board = chief.http.get("/floor/board").text
    assert f"/floor/pack/{shipment.brand_id}/{shipment.id}" in board
    assert "No label: Ms Hall finds nothing" in board


def test_what_a_void_costs_is_accepted_with_a_reason(
    chief: Visitor, not_voided: tuple[Shipment, str], database: Any
) -> None:
    _, at = not_voided
    assert "The carrier does not void it" in chief.http.get(at).text
    assert _press(chief, at, "cost").status_code == 400
    assert _press(chief, at, "refused", reason="wrong button").status_code == 409
    assert database.rows("SELECT needs_person FROM label_purchase") == [(True,)]

    assert _press(chief, at, "cost", reason="The parcel was lost on the yard").status_code == 303
    assert database.rows("SELECT needs_person FROM label_purchase") == [(False,)]
    ((outcome,),) = database.rows("SELECT outcome FROM floor_action")
    assert outcome["data"]["reason"] == "The parcel was lost on the yard"


def test_a_task_is_a_supervisors_and_its_forms_are_ours(
    visitor: Visitor, house: Any, doubted: tuple[Shipment, str], database: Any
) -> None:
    _, at = doubted
    visitor.log_in("W-1002", house.staff["W-1002"].pin)
    assert visitor.http.get(at).status_code == 403
    for button in ("ask", "refused", "cost"):
        assert visitor.send(f"{at}/{button}", {"reason": "x", "token": visitor.token("/floor")}).status_code == 403
    visitor.log_in("W-1004", house.staff["W-1004"].pin)
    for button in ("ask", "refused", "cost"):
        assert visitor.send(f"{at}/{button}", {"reason": "x", "token": "0" * 64}).status_code == 403
        form = {"reason": "x", "token": visitor.token(at)}
        assert visitor.send(f"{at}/{button}", form, "https://evil.example").status_code == 403
    assert database.rows("SELECT count(*) FROM floor_action") == [(0,)]
    assert database.rows("SELECT state, needs_person FROM label_purchase") == [("unknown", True)]


def test_a_job_that_was_given_up_runs_again(chief: Visitor, doubted: tuple[Shipment, str], database: Any) -> None:
    database.rows("UPDATE job SET state = 'dead', last_error = 'It broke.' WHERE kind = 'dispatch.buy_labels'")
    ((job_id,),) = database.rows("SELECT id FROM job WHERE state = 'dead'")
    assert "It broke." in chief.http.get("/floor/board").text
    answer = chief.send(f"/floor/tasks/jobs/{job_id}/run", {"token": chief.token("/floor/board")})
    assert "The job runs again." in chief.http.get(answer.headers["location"]).text
    assert database.rows("SELECT state FROM job WHERE id = %s", job_id) == [("ready",)]
    again = chief.send(f"/floor/tasks/jobs/{job_id}/run", {"token": chief.token("/floor/board")})
    assert again.status_code == 409
    assert "This job is being worked on already." in again.text
