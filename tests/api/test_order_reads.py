# SPDX-License-Identifier: Apache-2.0
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from wms.notices.service import sequence
from wms.platform.db import WAREHOUSE, transaction


def _order(ref: str, **more: Any) -> dict[str, Any]:
    recipient = {"name": "Asha Rao", "street": "12 Market Row\nFlat 3", "city": "Leeds", "postcode": "LS1 4DY"}
    lines = [{"sku": "FF-MUG-SAND", "quantity": 2, "unit_price_minor": 1500}, {"sku": "FF-BOWL-SML", "quantity": 1}]
    return {"ref": ref, "recipient": recipient, "lines": lines, "currency": "GBP", **more}


def _sequence() -> None:
    with transaction(WAREHOUSE) as session:
        sequence(session)


def test_an_order_is_shown_with_all_that_hangs_on_it(fennel: httpx.Client, frozen_clock: Any) -> None:
    assert fennel.post("/v1/orders", json=_order("A-1", notes="Ring twice")).status_code == 201
    shown = fennel.get("/v1/orders/A-1").json()
    (shipment,) = shown.pop("shipments")
    assert len(shipment.pop("id")) == 36
    assert shipment == {
        "state": "held",
        "service": "standard",
        "release_at": "2026-03-02T09:01:00Z",
        "released_at": None,
        "late_since": None,
        "master_tracking": None,
        "lines": [{"line": 1, "quantity": 2}, {"line": 2, "quantity": 1}],
        "packages": [],
    }
    recipient = shown.pop("recipient")
    recipient.pop("warnings")
    assert recipient == {
        "name": "Asha Rao",
        "company": "",
        "street": "12 Market Row\nFlat 3",
        "city": "Leeds",
        "region": "",
        "postcode": "LS1 4DY",
        "country": "GB",
        "phone": "",
        "email": "",
    }
    assert shown == {
        "ref": "A-1",
        "state": "accepted",
        "service": "standard",
        "payment": "captured",
        "ship_by": None,
        "late_since": None,
        "accepted_at": "2026-03-02T09:00:00Z",
        "until": "2026-03-02T09:01:00Z",
        "latest_release": None,
        "currency": "GBP",
        "shipping_charge_minor": 0,
        "cod_amount_minor": 0,
        "notes": "Ring twice",
        "version": 1,
        "lines": [
            {
                "line": 1,
                "sku": "FF-MUG-SAND",
                "quantity": 2,
                "cancelled": 0,
                "shipped": 0,
                "unit_price_minor": 1500,
            },
            {"line": 2, "sku": "FF-BOWL-SML", "quantity": 1, "cancelled": 0, "shipped": 0, "unit_price_minor": 0},
        ],
        "holds": [],
    }


def test_a_cancelled_order_says_so_and_can_no_longer_be_changed(fennel: httpx.Client, frozen_clock: Any) -> None:
    fennel.post("/v1/orders", json=_order("A-1"))
    assert fennel.post("/v1/orders/A-1/cancel", json={"reason": "no"}).status_code == 200
    shown = fennel.get("/v1/orders/A-1").json()
    assert (shown["state"], shown["until"], shown["version"]) == ("cancelled", None, 2)
    assert [line["cancelled"] for line in shown["lines"]] == [2, 1]


def test_a_story_is_told_from_its_first_event(fennel: httpx.Client, frozen_clock: Any) -> None:
    fennel.post("/v1/orders", json=_order("A-1"))
    frozen_clock.advance(seconds=20)
    fennel.post("/v1/orders/A-1/cancel", json={"reason": "no"})
    story = fennel.get("/v1/orders/A-1/events").json()
    assert story["ref"] == "A-1"
    told = [(event["seq"], event["kind"], event["actor"], event["at"]) for event in story["events"]]
    assert told == [
        (1, "accepted", "brand", "2026-03-02T09:00:00Z"),
        (2, "cancelled", "brand", "2026-03-02T09:00:20Z"),
    ]


def test_orders_are_listed_newest_first_in_pages_and_by_state(fennel: httpx.Client) -> None:
    for number in range(5):
        assert fennel.post("/v1/orders", json=_order(f"A-{number}")).status_code == 201
    fennel.post("/v1/orders/A-2/cancel", json={"reason": "no"})
    first = fennel.get("/v1/orders", params={"limit": 3}).json()
    second = fennel.get("/v1/orders", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [item["ref"] for item in first["items"]] == ["A-4", "A-3", "A-2"]
    assert [item["ref"] for item in second["items"]] == ["A-1", "A-0"]
    assert second["next_cursor"] is None
    cancelled = fennel.get("/v1/orders", params={"state": "cancelled"}).json()
    assert [(item["ref"], item["state"]) for item in cancelled["items"]] == [("A-2", "cancelled")]


def test_a_state_that_does_not_exist_is_refused(fennel: httpx.Client) -> None:
    assert fennel.get("/v1/orders", params={"state": "lost"}).status_code == 400


def test_the_feed_is_read_on_from_where_it_was_left(fennel: httpx.Client, juniper: httpx.Client) -> None:
    for number in range(3):
        fennel.post("/v1/orders", json=_order(f"A-{number}"))
    _sequence()
    first = fennel.get("/v1/events", params={"limit": 2}).json()
    assert [(event["position"], event["order_ref"]) for event in first["events"]] == [(1, "A-0"), (2, "A-1")]
    assert first["next_after"] == 2
    rest = fennel.get("/v1/events", params={"after": 2}).json()
    assert [(event["position"], event["order_ref"]) for event in rest["events"]] == [(3, "A-2")]
    assert fennel.get("/v1/events", params={"after": 3}).json() == {"events": [], "next_after": 3}
    assert juniper.get("/v1/events").json() == {"events": [], "next_after": 0}


@pytest.mark.parametrize("ref", ["A#1001", "A 1", "shop:7.b_c-d"])
def test_a_reference_is_found_by_its_address_whatever_signs_it_holds(fennel: httpx.Client, ref: str) -> None:
    assert fennel.post("/v1/orders", json=_order(ref)).status_code == 201
    assert fennel.get(f"/v1/orders/{quote(ref, safe='')}").json()["ref"] == ref


def test_a_reference_with_a_slash_is_refused_because_no_address_could_name_it(fennel: httpx.Client) -> None:
    refused = fennel.post("/v1/orders", json=_order("A/1"))
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["ref"]
