# SPDX-License-Identifier: Apache-2.0
"""From signed callbacks to the parcel's state, whatever their order, number and timing."""

import itertools
import json
import threading
import time
from typing import Any

import httpx
import pytest

from carriers.sandbox.server.push import signed_headers
from wms.audit.service import run_audit
from wms.delivery.models import InboxEvent
from wms.delivery.service import Envelope, fold, forget_unmatched, read_envelope, rematch, store_callback
from wms.dispatch.models import CarrierAccount
from wms.dispatch.service import (
    ask_return,
    callback_secrets,
    connect,
    hand_over,
    live_label,
    request_labels,
    verify_label,
)
from wms.dispatch.service import void_labels as void
from wms.platform.db import WAREHOUSE, transaction
from wms.shipments.packages import packages_of

TIMES = {
    "collected": "2026-03-02T16:00:00+00:00",
    "out_for_delivery": "2026-03-03T07:00:00+00:00",
    "delivery_failed": "2026-03-03T12:00:00+00:00",
    "delivered": "2026-03-04T10:00:00+00:00",
    "return_started": "2026-03-05T09:00:00+00:00",
    "returned": "2026-03-07T15:00:00+00:00",
}


@pytest.fixture
def labelled(bench: Any, run_jobs: Any, sandbox: Any) -> Any:
    """Packs a shipment, buys its labels, and hands it over unless told otherwise; returns it and its numbers."""

    def make(boxes: int = 1, gone: bool = True) -> tuple[Any, list[str]]:
        shipment = bench.pack(boxes)
        with transaction(WAREHOUSE) as session:
            request_labels(session, shipment, "staff:W-1002")
        run_jobs()
        numbers = []
        with transaction(WAREHOUSE) as session:
            for package in packages_of(session, shipment):
                label = live_label(session, shipment.brand_id, package.id)
                assert label is not None
                assert label.barcode is not None
                verify_label(session, package, label.barcode, "staff:W-1002")
                numbers.append(label.barcode)
                if gone:
                    account = session.get_one(CarrierAccount, bench.house.account_id)
                    hand_over(session, account, label.barcode, "staff:W-1003")
        return shipment, numbers

    return make


def event(number: str, status: str, event_id: str = "") -> dict[str, Any]:
    """An event in the sandbox carrier's own words."""
    return {
        "event_id": event_id or f"evt_{number}_{status}",
        "tracking_number": number,
        "status": status,
        "code": status.upper(),
        "text": status,
        "occurred_at": TIMES[status],
        "location": "Leeds",
    }


def push(house: Any, *events: dict[str, Any]) -> list[bool]:
    """Stores callbacks as the door does, in the given order; says which were new."""
    with transaction(WAREHOUSE) as session:
        account = session.get_one(CarrierAccount, house.account_id)
        new = []
        for one in events:
            body = json.dumps({"type": "tracking.updated", "event": one}).encode()
            envelope = Envelope(one["event_id"], [one["tracking_number"]])
            new.append(store_callback(session, account, envelope, {"x-sandbox-event": one["event_id"]}, body))
        return new


def state(database: Any, shipment: Any) -> tuple[Any, ...]:
    return (
        database.rows("SELECT state FROM shipment WHERE id = %s", shipment.id)[0][0],
        database.rows(
            "SELECT state, tracking_status, tracking_at FROM package WHERE shipment_id = %s ORDER BY number",
            shipment.id,
        ),
    )


def story(database: Any, shipment: Any) -> list[str]:
    rows = database.rows("SELECT kind FROM order_event WHERE data->>'shipment_id' = %s ORDER BY seq", str(shipment.id))
    told = [kind for (kind,) in rows]
    return told[told.index("label_bought") + 1 :]


def test_any_order_and_any_duplication_ends_in_the_same_state(
    database: Any, house: Any, labelled: Any, run_jobs: Any
) -> None:
    ends = set()
    for order in itertools.permutations(["collected", "out_for_delivery", "delivered"]):
        shipment, (number,) = labelled()
        for status in (*order, *reversed(order)):
            push(house, event(number, status))
            run_jobs()
        ends.add(repr((state(database, shipment), database.rows("SELECT DISTINCT state FROM orders"))))
        assert story(database, shipment)[-1] == "delivered"
        assert story(database, shipment).count("delivered") == 1
    assert len(ends) == 1
    assert "'delivered', [('delivered', 'delivered', datetime" in ends.pop()


def test_the_story_tells_each_real_change_once(database: Any, house: Any, labelled: Any, run_jobs: Any) -> None:
    shipment, (number,) = labelled()
    for status in ("collected", "out_for_delivery", "delivery_failed", "delivered"):
        assert push(house, event(number, status), event(number, status)) == [True, False]
        run_jobs()
    assert story(database, shipment) == [
        "handed_over",
        "in_transit",
        "out_for_delivery",
        "delivery_exception",
        "delivered",
    ]
    ((actor, data),) = database.rows("SELECT actor, data FROM order_event WHERE kind = 'delivery_exception'")
    assert actor == "carrier:SANDBOX"
    assert data["status"] == "attempt_failed"
    assert data["tracking_number"] == number
    assert database.rows("SELECT state, count(*) FROM inbox_event GROUP BY state") == [("folded", 4)]


def test_a_parcel_that_comes_back_is_told_of_turning_and_of_arriving(
    database: Any, house: Any, labelled: Any, run_jobs: Any
) -> None:
    shipment, (number,) = labelled()
    for status in ("collected", "delivery_failed", "return_started", "returned"):
        push(house, event(number, status), event(number, status))
        run_jobs()
    # On its way back it is scanned like any other parcel, which is no news.
    late = {**event(number, "out_for_delivery", "evt_late"), "occurred_at": "2026-03-06T07:00:00+00:00"}
    push(house, late)
    run_jobs()
    told = ["handed_over", "in_transit", "delivery_exception", "returning", "returned"]
    assert story(database, shipment) == told
    assert state(database, shipment)[0] == "handed_over"
    ((tracking_status, package_state),) = database.rows("SELECT tracking_status, state FROM package")
    assert (tracking_status, package_state) == ("returned", "handed_over")
    ((data, actor),) = database.rows("SELECT data, actor FROM order_event WHERE kind = 'returning'")
    assert (data["status"], data["tracking_number"], actor) == ("returning", number, "carrier:SANDBOX")
    assert data["occurred_at"] == TIMES["return_started"]


def test_a_delivered_parcel_that_is_sent_back_is_told_after_its_delivery(
    database: Any, house: Any, labelled: Any, run_jobs: Any
) -> None:
    shipment, (number,) = labelled()
    for status in ("delivered", "return_started", "delivered", "returned"):
        push(house, event(number, status))
        run_jobs()
    assert story(database, shipment) == ["handed_over", "delivered", "returning", "returned"]
    assert state(database, shipment)[0] == "delivered"
    with transaction(WAREHOUSE) as session:
        assert [(finding.code, finding.ids) for finding in run_audit(session) if finding.count] == []


def test_every_order_in_the_parcel_hears_that_it_comes_back(
    database: Any, house: Any, labelled: Any, run_jobs: Any
) -> None:
    shipment, (number,) = labelled()
    other, _ = labelled()
    # The second order's goods lie in the first one's parcel as well.
    database.rows("UPDATE shipment_line SET shipment_id = %s WHERE shipment_id = %s", shipment.id, other.id)
    push(house, event(number, "return_started"), event(number, "returned"))
    run_jobs()
    told = database.rows(
        "SELECT o.ref, e.kind FROM order_event e JOIN orders o ON o.id = e.order_id"
        " WHERE e.kind IN ('returning', 'returned') ORDER BY o.ref, e.seq"
    )
    assert told == [("R-1", "returning"), ("R-1", "returned"), ("R-2", "returning"), ("R-2", "returned")]


def test_a_late_scan_does_not_undeliver(database: Any, house: Any, labelled: Any, run_jobs: Any) -> None:
    shipment, (number,) = labelled()
    push(house, event(number, "delivered"))
    run_jobs()
    push(house, event(number, "out_for_delivery"))
    run_jobs()
    assert story(database, shipment) == ["handed_over", "delivered"]
    assert state(database, shipment)[0] == "delivered"


def test_a_shipment_is_delivered_with_its_last_box(database: Any, house: Any, labelled: Any, run_jobs: Any) -> None:
    shipment, (first, second) = labelled(boxes=2)
    push(house, event(first, "delivered"))
    run_jobs()
    assert state(database, shipment)[0] == "handed_over"
    push(house, event(second, "delivered"))
    run_jobs()
    assert state(database, shipment)[0] == "delivered"
    assert story(database, shipment) == ["handed_over", "delivered"]


def test_a_box_may_arrive_before_the_last_one_has_left(database: Any, house: Any, labelled: Any, run_jobs: Any) -> None:
    shipment, (first, second) = labelled(boxes=2, gone=False)
    push(house, event(first, "collected"), event(first, "delivered"))
    run_jobs()
    assert state(database, shipment)[0] == "labelled"
    push(house, event(second, "collected"))
    run_jobs()
    assert state(database, shipment)[0] == "handed_over"
    push(house, event(second, "delivered"))
    run_jobs()
    assert state(database, shipment)[0] == "delivered"
    assert database.rows("SELECT sum(quantity) FROM stock_move WHERE account = 'shipped'") == [(2,)]


def test_an_event_under_the_master_number_is_every_boxs(
    database: Any, house: Any, labelled: Any, run_jobs: Any
) -> None:
    shipment, _ = labelled(boxes=3)
    ((master,),) = database.rows("SELECT master_tracking FROM shipment")
    push(house, event(master, "delivered"))
    run_jobs()
    assert state(database, shipment)[0] == "delivered"
    assert database.rows("SELECT count(*) FROM tracking_event") == [(3,)]
    assert story(database, shipment) == ["handed_over", "delivered"]


def test_a_parcel_that_the_dock_forgot_to_scan_is_gone_all_the_same(
    database: Any, house: Any, labelled: Any, run_jobs: Any
) -> None:
    shipment, (number,) = labelled(gone=False)
    push(house, event(number, "collected"))
    run_jobs()
    assert state(database, shipment)[0] == "handed_over"
    assert story(database, shipment) == ["handed_over", "in_transit"]
    assert database.rows("SELECT actor FROM order_event WHERE kind = 'handed_over'") == [("carrier:SANDBOX",)]
    assert database.rows("SELECT sum(quantity) FROM stock_move WHERE account = 'shipped'") == [(1,)]


def test_the_carriers_word_on_a_void_label_changes_nothing(
    database: Any, house: Any, labelled: Any, run_jobs: Any
) -> None:
    shipment, (number,) = labelled(gone=False)
    with transaction(WAREHOUSE) as session:
        void(session, shipment, "staff:W-1002", "smudged")
    push(house, event(number, "delivered"))
    run_jobs()
    assert state(database, shipment) == ("packed", [("packed", None, None)])
    assert database.rows("SELECT state FROM inbox_event") == [("folded",)]


def test_an_event_that_comes_before_its_label_waits_for_it(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    sandbox.fault("purchase", "error_500_after_success")
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    with transaction(WAREHOUSE) as session:
        carrier = connect(session.get_one(CarrierAccount, house.account_id))
    (number,) = [e.tracking_number for e in carrier.ledger() if e.key.startswith(shipment.id.hex)]
    push(house, event(number, "collected"))
    run_jobs()
    assert database.rows("SELECT state FROM inbox_event") == [("unmatched",)]
    run_jobs(retries=True)
    assert database.rows("SELECT state FROM inbox_event") == [("folded",)]
    assert story(database, shipment) == ["handed_over", "in_transit"]


def test_an_event_that_is_read_while_its_label_is_recorded_is_not_lost(
    database: Any, house: Any, labelled: Any
) -> None:
    _, (number,) = labelled()
    push(house, event(number, "collected"))
    (inbox_id,) = database.rows("SELECT id FROM inbox_event")[0]
    # The reader does not see the label yet, and has not committed when the label's own look comes.
    database.rows("UPDATE label SET tracking_number = 'LATER'")
    done: list[int] = []

    def look_again() -> None:
        with transaction(WAREHOUSE) as session:
            done.append(rematch(session, house.account_id, [number]))

    with transaction(WAREHOUSE) as session:
        fold(session, inbox_id)
        database.rows("UPDATE label SET tracking_number = barcode")
        thread = threading.Thread(target=look_again)
        thread.start()
        _wait_until(lambda: database.rows("SELECT 1 FROM pg_locks WHERE NOT granted") != [])
        assert session.get_one(InboxEvent, inbox_id).state == "unmatched"
    thread.join()
    assert done == [1]
    assert database.rows("SELECT state FROM inbox_event") == [("folded",)]


def test_what_finds_no_parcel_in_30_days_is_forgotten(database: Any, house: Any, sandbox: Any, run_jobs: Any) -> None:
    push(house, event("SB0000000000000", "collected"))
    run_jobs()
    with transaction(WAREHOUSE) as session:
        assert forget_unmatched(session) == 0
    database.rows("UPDATE inbox_event SET received_at = received_at - interval '31 days'")
    with transaction(WAREHOUSE) as session:
        assert forget_unmatched(session) == 1


def _wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _secret(house: Any) -> str:
    with transaction(WAREHOUSE) as session:
        (secret,) = callback_secrets(session.get_one(CarrierAccount, house.account_id))
    return secret


def test_a_parcel_is_delivered_by_the_carriers_own_signed_pushes(
    database: Any, house: Any, labelled: Any, run_jobs: Any, sandbox: Any, server: str
) -> None:
    shipment, (number,) = labelled()
    url = f"{server}/carriers/sandbox/{house.account_id}"
    sandbox.call("PUT", "/v1/webhook", {"url": url, "secret": _secret(house)})
    sandbox.call("PUT", "/sandbox/faults", {"push": [{"kind": "duplicate"}]})
    for status in ("collected", "out_for_delivery", "delivered"):
        sandbox.advance(number, status, occurred_at=TIMES[status])
    _wait_until(lambda: sandbox.call("GET", "/sandbox/outbox")["pending"] == 0)
    _wait_until(lambda: database.rows("SELECT count(*) FROM inbox_event") == [(3,)])
    run_jobs()
    assert state(database, shipment)[0] == "delivered"
    assert database.rows("SELECT state FROM orders") == [("delivered",)]
    with transaction(WAREHOUSE) as session:
        assert [(finding.code, finding.ids) for finding in run_audit(session) if finding.count] == []


@pytest.mark.parametrize("is_accepted", [True, False])
def test_a_return_is_asked_answered_by_push_and_carried_out(
    is_accepted: bool, database: Any, house: Any, labelled: Any, run_jobs: Any, sandbox: Any, server: str
) -> None:
    shipment, (number,) = labelled()
    url = f"{server}/carriers/sandbox/{house.account_id}"
    sandbox.call("PUT", "/v1/webhook", {"url": url, "secret": _secret(house)})
    sandbox.call("PUT", "/sandbox/faults", {"push": [{"kind": "duplicate"}]})
    with transaction(WAREHOUSE) as session:
        amendment = ask_return(session, shipment, "brand:fennel")
    run_jobs()
    (asked,) = [one for one in sandbox.call("GET", "/sandbox/amendments")["amendments"] if one["numbers"] == [number]]
    decision = {"accepted": is_accepted, "code": "too_busy", "message": "The driver has left."}
    sandbox.call("POST", f"/sandbox/amendments/{asked['id']}/decide", decision)
    news = 2 if is_accepted else 1
    _wait_until(lambda: sandbox.call("GET", "/sandbox/outbox")["pending"] == 0)
    _wait_until(lambda: database.rows("SELECT count(*) FROM inbox_event") == [(news,)])
    run_jobs()
    assert database.rows("SELECT DISTINCT state FROM inbox_event") == [("folded",)]
    answer = database.rows("SELECT state, reason_code FROM amendment WHERE id = %s", amendment.id)
    assert answer == [("accepted", None) if is_accepted else ("refused", "too_busy")]
    assert story(database, shipment) == (["handed_over", "returning"] if is_accepted else ["handed_over"])
    assert database.rows("SELECT count(*) FROM job WHERE kind = 'changes.resolve'") == [(1,)]


def test_an_answer_to_nobodys_question_is_kept_for_a_person(
    database: Any, house: Any, sandbox: Any, run_jobs: Any
) -> None:
    answer = {"event_id": "evt_amd", "key": "nobody's", "state": "accepted", "error": None}
    body = json.dumps({"type": "amendment.resolved", "event": answer}).encode()
    with transaction(WAREHOUSE) as session:
        account = session.get_one(CarrierAccount, house.account_id)
        headers = {"x-sandbox-event": "evt_amd"}
        envelope = read_envelope(connect(account), headers, body)
        assert envelope == Envelope("evt_amd", [])
        assert store_callback(session, account, envelope, headers, body)
    run_jobs()
    assert database.rows("SELECT state FROM inbox_event") == [("unmatched",)]


def _post(url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(url, content=body, headers=headers, trust_env=False)


def test_an_unsigned_callback_is_refused_and_not_kept(database: Any, house: Any, server: str) -> None:
    body = json.dumps({"type": "tracking.updated", "event": event("SB1", "delivered", "evt")}).encode()
    now = int(time.time())
    good = signed_headers(_secret(house), "evt", body, now)
    url = f"{server}/carriers/sandbox/{house.account_id}"
    refused = [
        _post(url, body, signed_headers("another secret", "evt", body, now)),
        _post(url, body + b" ", good),
        _post(url, body, {**good, "x-sandbox-signature": ""}),
        _post(url, body, signed_headers(_secret(house), "evt", body, now - 3600)),
        _post(f"{server}/carriers/nobody/{house.account_id}", body, good),
        _post(f"{server}/carriers/sandbox/{house.warehouse_id}", body, good),
    ]
    assert [answer.status_code for answer in refused] == [401] * 6
    assert {answer.json()["code"] for answer in refused} == {"unauthenticated"}
    assert database.rows("SELECT 1 FROM inbox_event") == []
    assert database.rows("SELECT 1 FROM job") == []
    assert _post(url, body, good).status_code == 200
    assert _post(url, body, good).status_code == 200
    assert database.rows("SELECT event_id, tracking_numbers FROM inbox_event") == [("evt", ["SB1"])]
    assert database.rows("SELECT kind FROM job") == [("delivery.fold",)]


def test_either_secret_is_taken_while_one_is_being_replaced(database: Any, house: Any, server: str) -> None:
    from wms.platform.secrets import encrypt

    database.rows("UPDATE carrier_account SET callback_secret = %s", encrypt(b"old-secret-1\nnew-secret-2"))
    url = f"{server}/carriers/sandbox/{house.account_id}"
    for secret in ("old-secret-1", "new-secret-2"):
        body = json.dumps({"type": "tracking.updated", "event": event("SB1", "delivered", secret)}).encode()
        assert _post(url, body, signed_headers(secret, secret, body, int(time.time()))).status_code == 200
    assert database.rows("SELECT count(*) FROM inbox_event") == [(2,)]


def test_a_huge_callback_is_refused(database: Any, house: Any, server: str) -> None:
    body = b"x" * 256_001
    url = f"{server}/carriers/sandbox/{house.account_id}"
    answer = _post(url, body, signed_headers(_secret(house), "evt", body, int(time.time())))
    assert answer.status_code == 413
    assert database.rows("SELECT 1 FROM inbox_event") == []


def test_a_signed_callback_that_nobody_understands_is_kept_for_a_person(
    database: Any, house: Any, sandbox: Any, server: str, run_jobs: Any
) -> None:
    body = b'{"type": "invoice.created"}'
    url = f"{server}/carriers/sandbox/{house.account_id}"
    assert _post(url, body, signed_headers(_secret(house), "evt", body, int(time.time()))).status_code == 200
    run_jobs()
    assert database.rows("SELECT state, body FROM inbox_event") == [("unreadable", body)]
