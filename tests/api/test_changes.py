# SPDX-License-Identifier: Apache-2.0
"""Late changes and what is owed, as a brand's program asks for them."""

import csv
import io
from typing import Any

import httpx
import pytest

from tests.factories import give_to_carrier, packed, release, set_policy, shipments

ORDER = {
    "ref": "A-1",
    "recipient": {"name": "Asha Rao", "street": "12 Market Row", "city": "Leeds", "postcode": "LS1 4AP"},
    "lines": [{"sku": "FF-MUG-SAND", "quantity": 2, "unit_price_minor": 1500}],
    "shipping_charge_minor": 399,
}
ADD = {
    "kind": "add_items",
    "ref": "C-1",
    "lines": [{"sku": "FF-BOWL-SML", "quantity": 1, "unit_price_minor": 900}],
}


@pytest.fixture(autouse=True)
def _placed(fennel: httpx.Client, house: Any, database: Any, frozen_clock: Any) -> None:
    set_policy(
        database, house.brands["fennel"].id, edit_window_seconds=900, payment_window_seconds=1800, add_ons="edit_order"
    )
    assert fennel.post("/v1/orders", json=ORDER).status_code == 201


def change(client: httpx.Client, **body: Any) -> Any:
    answer = client.post("/v1/orders/A-1/changes", json={"ref": "C-1", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_options_name_every_change_with_its_answer_and_deadline(fennel: httpx.Client) -> None:
    shown = fennel.get("/v1/orders/A-1/options").json()
    assert (shown["ref"], shown["version"]) == ("A-1", 1)
    options = {option["kind"]: option for option in shown["options"]}
    assert set(options) == {
        "add_items",
        "reduce",
        "address",
        "contact",
        "service",
        "split_off",
        "merge",
        "cancel",
    }
    assert (options["cancel"]["answer"], options["cancel"]["until"]) == ("applied", "2026-03-02T09:15:00Z")
    assert (options["split_off"]["answer"], options["split_off"]["reason_code"]) == ("refused", "not_combined")


def test_a_change_is_done_told_and_kept(fennel: httpx.Client) -> None:
    answered = change(fennel, kind="contact", phone="+44 113 496 0001", notes="Ring twice")
    assert (answered["answer"], answered["reason_code"], answered["stage"]) == ("applied", "", "held")
    order = fennel.get("/v1/orders/A-1").json()
    assert (order["recipient"]["phone"], order["notes"], order["version"]) == ("+44 113 496 0001", "Ring twice", 2)
    (kept,) = fennel.get("/v1/orders/A-1/changes").json()["changes"]
    assert kept == answered
    assert "0001" not in str(fennel.get("/v1/orders/A-1/events").json())


def test_a_refusal_is_an_answer_with_its_reason(fennel: httpx.Client) -> None:
    answered = change(fennel, kind="reduce", lines=[{"line": 1, "quantity": 3}])
    assert (answered["answer"], answered["reason_code"]) == ("refused", "too_many_pieces")
    assert answered["detail"] == "Of line 1 only 2 pieces are left."
    assert fennel.get("/v1/orders/A-1").json()["lines"][0]["cancelled"] == 0


def test_another_version_or_another_change_under_a_reference_is_a_conflict(fennel: httpx.Client) -> None:
    change(fennel, kind="contact", phone="+44 113 496 0001")
    path = "/v1/orders/A-1/changes"
    stale = fennel.post(path, json={"ref": "C-2", "kind": "cancel", "expected_version": 1})
    assert (stale.status_code, stale.json()["code"], stale.json()["version"]) == (409, "version_conflict", 2)
    taken = fennel.post(path, json={"ref": "C-1", "kind": "cancel"})
    assert (taken.status_code, taken.json()["code"]) == (409, "change_ref_taken")
    unknown = fennel.post(path, json={"ref": "C-3", "kind": "paint"})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid")
    assert fennel.get("/v1/orders/A-1").json()["state"] == "accepted"


def test_another_brand_has_no_such_order(juniper: httpx.Client) -> None:
    for answer in (
        juniper.get("/v1/orders/A-1/options"),
        juniper.get("/v1/orders/A-1/changes"),
        juniper.post("/v1/orders/A-1/changes", json={"ref": "C-1", "kind": "cancel"}),
        juniper.post("/v1/orders/A-1/payment", json={"state": "voided"}),
    ):
        assert answer.status_code == 404


def test_an_add_on_is_settled_and_joins_the_parcel(fennel: httpx.Client) -> None:
    owed = change(fennel, **ADD)["outcome"]["invoice_due"]
    (listed,) = fennel.get("/v1/adjustments", params={"state": "due"}).json()["items"]
    assert (listed["id"], listed["order"], listed["amount_minor"]) == (owed["id"], "A-1", 900)
    path = f"/v1/adjustments/{owed['id']}/settle"
    key = {"idempotency-key": "k"}
    first = fennel.post(path, json={"settled_ref": "PAY-1"}, headers=key)
    assert (first.status_code, first.json()["state"]) == (200, "settled")
    again = fennel.post(path, json={"settled_ref": "PAY-1"}, headers=key)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    other = fennel.post(path, json={"settled_ref": "PAY-2"})
    assert (other.status_code, other.json()["code"], other.json()["state"]) == (409, "adjustment_closed", "settled")
    (shipment,) = fennel.get("/v1/orders/A-1").json()["shipments"]
    assert [line["line"] for line in shipment["lines"]] == [1, 2]


def test_paid_too_late_is_a_conflict_that_owes_the_money_back(fennel: httpx.Client, frozen_clock: Any) -> None:
    owed = change(fennel, **ADD)["outcome"]["invoice_due"]
    frozen_clock.advance(minutes=30)
    for key in ({"idempotency-key": "k"}, {}):
        late = fennel.post(f"/v1/adjustments/{owed['id']}/settle", json={"settled_ref": "PAY-1"}, headers=key)
        assert (late.status_code, late.json()["code"]) == (409, "lapsed")
    rows = csv.DictReader(io.StringIO(fennel.get("/v1/adjustments", params={"format": "csv"}).text))
    assert [(row["kind"], row["amount_minor"], row["state"]) for row in rows] == [
        ("invoice_due", "900", "lapsed"),
        ("refund_due", "900", "due"),
    ]


def test_an_invoice_is_waived(fennel: httpx.Client) -> None:
    owed = change(fennel, **ADD)["outcome"]["invoice_due"]
    waived = fennel.post(f"/v1/adjustments/{owed['id']}/waive", json={})
    assert (waived.status_code, waived.json()["state"]) == (200, "waived")


def test_adjustments_come_in_pages(fennel: httpx.Client) -> None:
    change(fennel, kind="reduce", lines=[{"line": 1, "quantity": 1}])
    change(fennel, kind="cancel", ref="C-2")
    first = fennel.get("/v1/adjustments", params={"limit": 1}).json()
    second = fennel.get("/v1/adjustments", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [item["amount_minor"] for item in first["items"] + second["items"]] == [1500, 1899]
    assert second["next_cursor"] is None
    assert fennel.get("/v1/adjustments", params={"cursor": "bm8"}).status_code == 400


def test_payments_go_the_way_that_payments_go(fennel: httpx.Client) -> None:
    path = "/v1/orders/A-1/payment"
    assert fennel.post(path, json={"state": "captured"}).json() == {"ref": "A-1", "payment": "captured", "version": 1}
    assert fennel.post(path, json={"state": "voided"}).json() == {"ref": "A-1", "payment": "voided", "version": 2}
    fennel.post(path, json={"state": "captured"})
    back = fennel.post(path, json={"state": "authorised"})
    assert (back.status_code, back.json()["code"]) == (409, "payment_state")
    assert fennel.post(path, json={"state": "cod"}).status_code == 400


def test_the_short_way_to_cancel_asks_the_same_door(fennel: httpx.Client, frozen_clock: Any, database: Any) -> None:
    release(frozen_clock)
    assert fennel.post("/v1/orders/A-1/cancel", json={}).json() == {"ref": "A-1", "state": "cancelled"}
    assert fennel.post("/v1/orders/A-1/cancel", json={}).status_code == 200
    assert database.rows("SELECT kind, answer, stage FROM change") == [("cancel", "applied", "released")]


def test_what_is_too_late_for_the_short_way_is_a_conflict_and_kept(
    fennel: httpx.Client, frozen_clock: Any, house: Any, database: Any
) -> None:
    release(frozen_clock)
    ((order_id,),) = database.rows("SELECT id FROM orders")
    (box,) = packed(shipments(order_id, house.brands["fennel"].id)[0])
    give_to_carrier(box)
    late = fennel.post("/v1/orders/A-1/cancel", json={}, headers={"idempotency-key": "k"})
    assert (late.status_code, late.json()["code"]) == (409, "too_late")
    assert (late.json()["stage"], late.json()["reason_code"]) == ("with_carrier", "carrier_cannot")
    assert database.rows("SELECT kind, answer FROM change") == [("cancel", "refused")]
