# SPDX-License-Identifier: Apache-2.0
"""Holds as a brand's program places, sees and lifts them."""

from typing import Any

import httpx
import pytest

from tests.factories import set_policy, snapshot
from wms.orders.models import Order
from wms.platform.db import WAREHOUSE, in_transaction
from wms.shipments.holds import HoldIn, place
from wms.shipments.lateness import flag_late
from wms.shipments.release import release_due

RECIPIENT = {"name": "Asha Rao", "street": "12 Market Row\nFlat 3", "city": "Leeds", "postcode": "LS1 4DY"}
FRAUD = {"kind": "fraud_review", "handle": "card-1", "until": "2026-03-02T12:00:00Z", "note": "second card"}


def kept(database: Any) -> dict[str, Any]:
    """Returns what a refusal must leave as it was: everything but when a key was last used."""
    return {table: rows for table, rows in snapshot(database).items() if table != "api_key"}


@pytest.fixture
def ordered(fennel: httpx.Client, frozen_clock: Any) -> httpx.Client:
    """The brand, with an order A-1 in its edit window."""
    draft = {"ref": "A-1", "recipient": RECIPIENT, "lines": [{"sku": "FF-MUG-SAND", "quantity": 2}]}
    assert fennel.post("/v1/orders", json=draft).status_code == 201
    return fennel


def test_a_hold_is_placed_seen_and_lifted(ordered: httpx.Client, frozen_clock: Any) -> None:
    placed = ordered.post("/v1/orders/A-1/holds", json=FRAUD)
    assert placed.status_code == 201
    expected = {
        **FRAUD,
        "owner": "brand",
        "release_stock": False,
        "placed_at": "2026-03-02T09:00:00Z",
        "lifted_at": None,
    }
    assert placed.json() == expected
    assert ordered.get("/v1/orders/A-1").json()["holds"] == [expected]
    frozen_clock.advance(minutes=30)
    assert in_transaction(WAREHOUSE, release_due) == 0
    for _ in range(2):
        lifted = ordered.post("/v1/orders/A-1/holds/card-1/lift", json={"reason": "bank says yes"})
        assert (lifted.status_code, lifted.json()) == (200, {**expected, "lifted_at": "2026-03-02T09:30:00Z"})
    assert ordered.get("/v1/orders/A-1").json()["holds"] == []
    assert in_transaction(WAREHOUSE, release_due) == 1
    told = ordered.get("/v1/orders/A-1/events").json()["events"]
    assert [event["kind"] for event in told] == ["accepted", "held", "hold_lifted", "released"]
    assert told[2]["data"] == {
        "kind": "fraud_review",
        "owner": "brand",
        "handle": "card-1",
        "reason": "bank says yes",
    }


def test_the_same_hold_again_answers_200_and_another_under_its_handle_409(ordered: httpx.Client, database: Any) -> None:
    ordered.post("/v1/orders/A-1/holds", json=FRAUD)
    before = kept(database)
    assert ordered.post("/v1/orders/A-1/holds", json=FRAUD).status_code == 200
    other = ordered.post("/v1/orders/A-1/holds", json={**FRAUD, "note": "third card"})
    assert (other.status_code, other.json()["code"]) == (409, "hold_handle_taken")
    assert kept(database) == before


def test_a_key_makes_a_hold_once_even_after_it_was_lifted(ordered: httpx.Client) -> None:
    headers = {"idempotency-key": "k-1"}
    first = ordered.post("/v1/orders/A-1/holds", json=FRAUD, headers=headers)
    for replayed in (None, "true"):
        lifted = ordered.post("/v1/orders/A-1/holds/card-1/lift", json={}, headers={"idempotency-key": "k-2"})
        assert (lifted.status_code, lifted.headers.get("idempotent-replayed")) == (200, replayed)
    again = ordered.post("/v1/orders/A-1/holds", json=FRAUD, headers=headers)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (201, first.json(), "true")
    assert ordered.get("/v1/orders/A-1").json()["holds"] == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"kind": "out_of_stock"}, 400, "invalid"),
        ({"kind": "warehouse_request"}, 400, "invalid"),
        ({"kind": "boredom"}, 400, "invalid"),
        ({"handle": "no slash/es"}, 400, "invalid"),
        ({"handle": ""}, 400, "invalid"),
        ({"until": "2026-03-02T09:00:00Z"}, 400, "invalid"),
        ({"until": "2026-03-02T12:00:00"}, 400, "invalid"),
        ({"untill": None}, 400, "invalid"),
        ({"note": "x" * 301}, 400, "invalid"),
    ],
)
def test_what_a_hold_cannot_say_is_refused(
    ordered: httpx.Client, database: Any, change: dict[str, Any], status: int, code: str
) -> None:
    before = kept(database)
    refused = ordered.post("/v1/orders/A-1/holds", json={**FRAUD, **change})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert kept(database) == before


def test_the_desks_hold_is_seen_and_not_lifted(ordered: httpx.Client, house: Any, database: Any) -> None:
    ((order_id,),) = database.rows("SELECT id FROM orders")

    def work(session: Any) -> None:
        order = session.get_one(Order, (house.brands["fennel"].id, order_id))
        place(session, order, HoldIn(kind="warehouse_request", handle="desk-1"), "warehouse", "staff:W-1004")

    in_transaction(WAREHOUSE, work)
    assert [hold["owner"] for hold in ordered.get("/v1/orders/A-1").json()["holds"]] == ["warehouse"]
    before = kept(database)
    refused = ordered.post("/v1/orders/A-1/holds/desk-1/lift", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_hold")
    assert kept(database) == before


def test_another_brand_finds_neither_the_order_nor_the_hold(
    ordered: httpx.Client, juniper: httpx.Client, database: Any
) -> None:
    ordered.post("/v1/orders/A-1/holds", json=FRAUD)
    before = kept(database)
    assert juniper.post("/v1/orders/A-1/holds", json=FRAUD).status_code == 404
    assert juniper.post("/v1/orders/A-1/holds/card-1/lift", json={}).status_code == 404
    assert ordered.post("/v1/orders/A-1/holds/card-2/lift", json={}).status_code == 404
    assert kept(database) == before


def test_the_twenty_first_hold_is_refused(ordered: httpx.Client) -> None:
    for number in range(20):
        assert ordered.post("/v1/orders/A-1/holds", json={**FRAUD, "handle": f"h-{number}"}).status_code == 201
    refused = ordered.post("/v1/orders/A-1/holds", json={**FRAUD, "handle": "h-20"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_holds")


def test_a_late_order_says_so(
    ordered: httpx.Client, fennel: httpx.Client, database: Any, house: Any, frozen_clock: Any
) -> None:
    cut_offs = [{"service": "standard", "weekdays": [0, 1, 2, 3, 4], "at": "12:00"}]
    set_policy(database, house.brands["fennel"].id, cut_offs=cut_offs, processing_seconds=3600)
    draft = {"ref": "A-2", "recipient": RECIPIENT, "lines": [{"sku": "FF-MUG-SAND", "quantity": 1}]}
    assert fennel.post("/v1/orders", json=draft).status_code == 201
    fennel.post("/v1/orders/A-2/holds", json={"kind": "brand_request", "handle": "wait"})
    shown = fennel.get("/v1/orders/A-2").json()
    assert (shown["latest_release"], shown["late_since"]) == ("2026-03-02T11:00:00Z", None)
    frozen_clock.advance(hours=3)
    assert in_transaction(WAREHOUSE, flag_late) == 1
    shown = fennel.get("/v1/orders/A-2").json()
    assert (shown["latest_release"], shown["late_since"]) == ("2026-03-03T11:00:00Z", "2026-03-02T12:00:00Z")
    assert shown["shipments"][0]["late_since"] == "2026-03-02T12:00:00Z"
    listed = {order["ref"]: order["late_since"] for order in fennel.get("/v1/orders").json()["items"]}
    assert listed == {"A-2": "2026-03-02T12:00:00Z", "A-1": None}
    assert fennel.get("/v1/orders/A-2/events").json()["events"][-1]["kind"] == "late"
