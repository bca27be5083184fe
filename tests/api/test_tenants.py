# SPDX-License-Identifier: Apache-2.0
"""Every operation of the document: closed without a key, closed without its scope, blind to another brand's things."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from wms.brands.models import Brand
from wms.brands.service import issue_key
from wms.platform.db import WAREHOUSE, transaction

ORDER = {
    "ref": "THEIRS-1",
    "recipient": {"name": "Canary Quill", "street": "9 Hidden Lane", "city": "Leeds", "postcode": "LS1 4DY"},
    "lines": [{"sku": "JT-SOCK-M", "quantity": 1}],
}
BODIES: dict[str, Any] = {
    "CancelOrder": {"reason": "x"},
    "PlaceHold": {"kind": "brand_request", "handle": "X"},
    "LiftHold": {},
    "ChangeOrder": {"ref": "C-1", "kind": "cancel"},
    "CheckMerge": {"refs": ["THEIRS-1", "NOBODYS-1"]},
    "MergeOrders": {"ref": "M-1", "refs": ["THEIRS-1", "NOBODYS-1"]},
    "SettleAdjustment": {"settled_ref": "P-1"},
    "WaiveAdjustment": {},
    "ReportPayment": {"state": "captured"},
    "PutSku": {"name": "Mine"},
    "PutSkus": [],
    "PutPolicy": {},
    "PlaceOrder": ORDER,
    "PlaceOrders": [ORDER],
    "PostReceipt": {"reference": "R", "lines": [{"sku": "JT-SOCK-M", "quantity": 1}]},
    "PostAdjustment": {
        "reference": "R",
        "sku": "JT-SOCK-M",
        "location": "B-01-3",
        "quantity": 1,
        "reason": "found",
    },
}
# An article's code is the brand's own to give: putting one creates it, whoever else has the same.
CREATES_WHAT_IS_NOT_THERE = {"PutSku"}


def _operations(client: httpx.Client) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in client.get("/docs/openapi.json").json()["paths"].items():
        if path.startswith("/v1/"):
            for method, operation in item.items():
                yield method, path, operation


def _call(client: httpx.Client, method: str, path: str, operation: dict[str, Any]) -> httpx.Response:
    return client.request(method, path, json=BODIES.get(operation["operationId"]))


def _somewhere(path: str) -> str:
    return re.sub(r"\{\w+\}", "X", path.replace("{adjustment_id}", str(UUID(int=1))))


def test_every_operation_is_closed_without_a_key(visitor: httpx.Client) -> None:
    seen = 0
    for method, path, operation in _operations(visitor):
        answer = _call(visitor, method, _somewhere(path), operation)
        assert answer.status_code == 401, (method, path)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthenticated"
        assert operation["security"] == [{"api_key": []}]
        assert "401" in operation["responses"]
        seen += 1
    assert seen >= 18


def test_every_operation_is_closed_to_a_key_without_scopes(brand: Callable[..., httpx.Client], house: Any) -> None:
    with transaction(WAREHOUSE) as session:
        key = issue_key(session, session.get_one(Brand, house.brands["fennel"].id), "nothing", ())
    client = brand(key=key)
    for method, path, operation in _operations(client):
        answer = _call(client, method, _somewhere(path), operation)
        assert (answer.status_code, answer.json()["code"]) == (403, "denied"), (method, path)
        assert "403" in operation["responses"]


def test_another_brands_things_are_answered_like_things_that_never_were(
    fennel: httpx.Client, juniper: httpx.Client, database: Any
) -> None:
    assert juniper.post("/v1/orders", json=ORDER).status_code == 201
    hold = {"kind": "brand_request", "handle": "their-hold"}
    assert juniper.post("/v1/orders/THEIRS-1/holds", json=hold).status_code == 201
    ((owed,),) = database.rows(
        "INSERT INTO adjustment (brand_id, id, order_id, kind, amount_minor, currency, state, cause, reason,"
        " created_at)"
        " SELECT brand_id, gen_random_uuid(), id, 'refund_due', 100, 'GBP', 'due', 'x', 'x', now() FROM orders"
        " RETURNING id::text"
    )
    theirs = {"ref": "THEIRS-1", "code": "JT-SOCK-M", "handle": "their-hold", "adjustment_id": owed}
    nobodys = str(UUID(int=1))
    never = {"ref": "NOBODYS-1", "code": "XX-XXXX-X", "handle": "nobodys-hold", "adjustment_id": nobodys}
    before = _rows_of(database, "juniper")
    compared = 0
    for method, path, operation in _operations(fennel):
        if "{" not in path or operation["operationId"] in CREATES_WHAT_IS_NOT_THERE:
            continue
        found = _call(fennel, method, path.format(**theirs), operation)
        missing = _call(fennel, method, path.format(**never), operation)
        assert found.status_code == missing.status_code == 404, (method, path)
        assert _anonymous(found, theirs) == _anonymous(missing, never), (method, path)
        compared += 1
    assert compared >= 6
    assert _rows_of(database, "juniper") == before


def _anonymous(answer: httpx.Response, names: dict[str, str]) -> str:
    body = answer.text.replace(answer.headers["x-request-id"], "")
    for name in names.values():
        body = body.replace(name, "*")
    return body


def _rows_of(database: Any, brand: str) -> dict[str, Any]:
    ((brand_id,),) = database.rows("SELECT id FROM brand WHERE code = %s", brand)
    owned = [
        row[0]
        for row in database.rows(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'brand_id' AND table_schema = 'public'"
        )
    ]
    return {
        table: database.rows(
            f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t WHERE brand_id = %s", brand_id
        )
        for table in owned
        if table != "api_key"
    }


def test_no_answer_to_one_brand_contains_a_word_of_the_other(
    fennel: httpx.Client, juniper: httpx.Client, house: Any
) -> None:
    assert juniper.post("/v1/orders", json=ORDER).status_code == 201
    words = ["Canary", "Hidden Lane", "THEIRS-1", *house.brands["juniper"].skus]
    for method, path, _ in _operations(fennel):
        if method == "get" and "{" not in path:
            answer = fennel.get(path)
            assert answer.status_code == 200, path
            assert [word for word in words if word in answer.text] == [], path


@pytest.mark.parametrize("path", ["/v1/stock/receipts", "/v1/stock/adjustments"])
def test_goods_cannot_be_booked_on_another_brands_article(fennel: httpx.Client, database: Any, path: str) -> None:
    before = database.rows("SELECT count(*) FROM stock_move")
    operation = "PostReceipt" if path.endswith("receipts") else "PostAdjustment"
    assert fennel.post(path, json=BODIES[operation]).status_code in {400, 404}
    assert database.rows("SELECT count(*) FROM stock_move") == before
