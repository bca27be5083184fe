# SPDX-License-Identifier: Apache-2.0
"""A brand lets orders travel together through its API, asks first, and takes one out again."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.factories import BOOKS, offences, set_policy, snapshot
from wms.brands.models import Brand
from wms.changes.models import ChangeAnswer
from wms.changes.schemas import SplitOff
from wms.changes.service import ask
from wms.platform.db import WAREHOUSE, transaction

ASHA = {
    "name": "Asha Rao",
    "street": "12 Market Row",
    "city": "Leeds",
    "postcode": "LS1 4AP",
    "country": "GB",
    "phone": "0113 496 0000",
}


@pytest.fixture
def shop(database: Any, house: Any, fennel: httpx.Client) -> Callable[..., Any]:
    set_policy(database, house.brands["fennel"].id, edit_window_seconds=900, consolidation="suggest")
    sku = min(house.brands["fennel"].skus)

    def place(ref: str, **members: Any) -> Any:
        draft = {"ref": ref, "recipient": ASHA, "lines": [{"sku": sku, "quantity": 1}], **members}
        answer = fennel.post("/v1/orders", json=draft)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return place


def shipment_of(client: httpx.Client, ref: str) -> Any:
    return [one["id"] for one in client.get(f"/v1/orders/{ref}").json()["shipments"]]


def test_a_merge_is_checked_done_and_answered_again(
    database: Any, fennel: httpx.Client, shop: Callable[..., Any]
) -> None:
    for ref in ("A", "B", "C"):
        shop(ref, shipping_charge_minor=300)
    assert fennel.get("/v1/merges/suggestions").json() == {"groups": [["A", "B", "C"]]}
    before = snapshot(database)
    checked = fennel.post("/v1/merges/check", json={"refs": ["B", "A", "C"]})
    assert checked.status_code == 200, checked.text
    assert snapshot(database) == before
    assert {key: checked.json()[key] for key in ("into", "blockers", "warnings", "parcels_saved")} == {
        "into": "A",
        "blockers": [],
        "warnings": [],
        "parcels_saved": 2,
    }
    body = {"refs": ["B", "A", "C"], "ref": "M-1"}
    done = fennel.post("/v1/merges", json=body)
    assert done.status_code == 200, done.text
    assert done.json()["merged"] is True
    assert [(one["order"], one["answer"]) for one in done.json()["answers"]] == [("B", "applied"), ("C", "applied")]
    assert len({tuple(shipment_of(fennel, ref)) for ref in "ABC"}) == 1
    assert fennel.get("/v1/orders/C").json()["shipments"][0]["release_at"] == checked.json()["release_at"]
    assert fennel.get("/v1/merges/suggestions").json() == {"groups": []}
    before = snapshot(database)
    assert fennel.post("/v1/merges", json=body).json() == done.json()
    assert snapshot(database) == before
    assert offences(*BOOKS) == {}


def test_a_blocker_is_named_and_its_refusal_kept(database: Any, fennel: httpx.Client, shop: Callable[..., Any]) -> None:
    shop("A")
    shop("B", recipient={**ASHA, "street": "14 Market Row"})
    (blocker,) = fennel.post("/v1/merges/check", json={"refs": ["A", "B"]}).json()["blockers"]
    assert blocker == {
        "ref": "B",
        "code": "recipient",
        "detail": "The street is not the same: “12 Market Row” and “14 Market Row”.",
    }
    answer = fennel.post("/v1/merges", json={"refs": ["A", "B"], "ref": "M-1"}).json()
    assert answer["merged"] is False
    assert [(one["order"], one["answer"], one["reason_code"]) for one in answer["answers"]] == [
        ("B", "refused", "cannot_combine")
    ]
    assert database.rows("SELECT kind, answer FROM change") == [("merge", "refused")]
    assert shipment_of(fennel, "A") != shipment_of(fennel, "B")


def test_a_warning_must_be_acknowledged(fennel: httpx.Client, shop: Callable[..., Any]) -> None:
    shop("A")
    shop("B", recipient={**ASHA, "phone": "0113 496 0001"})
    (warning,) = fennel.post("/v1/merges/check", json={"refs": ["A", "B"]}).json()["warnings"]
    assert warning["detail"] == "The phone numbers are not the same; the courier gets the first order's."
    refused = fennel.post("/v1/merges", json={"refs": ["A", "B"], "ref": "M-1"}).json()
    assert (refused["merged"], refused["answers"][0]["reason_code"]) == (False, "warnings")
    body = {"refs": ["A", "B"], "ref": "M-2", "acknowledge_warnings": True}
    assert fennel.post("/v1/merges", json=body).json()["merged"] is True


def test_a_member_is_taken_out_again(database: Any, house: Any, fennel: httpx.Client, shop: Callable[..., Any]) -> None:
    for ref in "AB":
        shop(ref, shipping_charge_minor=300)
    fennel.post("/v1/merges", json={"refs": ["A", "B"], "ref": "M-1"})
    with transaction(WAREHOUSE) as session:
        brand = session.get_one(Brand, house.brands["fennel"].id)
        assert ask(session, brand, "B", SplitOff(ref="S-1"), "brand:fennel").answer is ChangeAnswer.APPLIED
    assert shipment_of(fennel, "A") != shipment_of(fennel, "B")
    assert database.rows("SELECT state FROM adjustment") == [("waived",)]


def test_the_same_reference_for_other_orders_is_a_conflict(fennel: httpx.Client, shop: Callable[..., Any]) -> None:
    for ref in "ABC":
        shop(ref)
    fennel.post("/v1/merges", json={"refs": ["A", "B"], "ref": "M-1"})
    answer = fennel.post("/v1/merges", json={"refs": ["B", "C"], "ref": "M-1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "change_ref_taken")


def test_one_order_alone_and_another_brands_order_cannot_be_merged(
    fennel: httpx.Client, juniper: httpx.Client, shop: Callable[..., Any]
) -> None:
    shop("A")
    shop("B")
    assert fennel.post("/v1/merges/check", json={"refs": ["A"]}).status_code == 400
    assert fennel.post("/v1/merges/check", json={"refs": ["A", "A"]}).status_code == 400
    assert fennel.post("/v1/merges/check", json={"refs": ["A", "Z"]}).status_code == 404
    assert juniper.post("/v1/merges/check", json={"refs": ["A", "B"]}).status_code == 404
