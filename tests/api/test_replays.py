# SPDX-License-Identifier: Apache-2.0
"""``Idempotency-Key`` on every POST of the brand's API."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

RECEIPT = {"reference": "PO-1", "lines": [{"sku": "FF-MUG-SAND", "quantity": 1}]}
ADJUSTMENT = {"reference": "C-1", "sku": "FF-MUG-SAND", "location": "A-02-3", "quantity": 1, "reason": "found"}
ORDER = {
    "ref": "ORD-1",
    "recipient": {"name": "Asha Rao", "street": "12 Market Row", "city": "Leeds", "postcode": "LS1 4DY"},
    "lines": [{"sku": "FF-MUG-SAND", "quantity": 2}],
}
OPERATIONS: list[tuple[str, Any, int]] = [
    ("/v1/stock/receipts", RECEIPT, 201),
    ("/v1/stock/adjustments", ADJUSTMENT, 201),
    ("/v1/skus/bulk", [{"code": "N-1", "name": "New"}], 200),
    ("/v1/orders", ORDER, 201),
    ("/v1/orders/bulk", [ORDER], 200),
]


def _post(client: httpx.Client, path: str, data: Any, key: str) -> httpx.Response:
    return client.post(path, json=data, headers={"idempotency-key": key})


@pytest.mark.parametrize(("path", "data", "status"), OPERATIONS)
def test_the_same_request_with_its_key_is_answered_again_and_not_done_again(
    fennel: httpx.Client, database: Any, path: str, data: Any, status: int
) -> None:
    first = _post(fennel, path, data, "key-1")
    assert first.status_code == status
    assert "idempotent-replayed" not in first.headers
    rows = _counts(database)
    again = _post(fennel, path, data, "key-1")
    assert (again.status_code, again.content) == (status, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert _counts(database) == rows


@pytest.mark.parametrize(("path", "data", "status"), OPERATIONS)
def test_another_body_under_the_same_key_is_refused_and_does_nothing(
    fennel: httpx.Client, database: Any, path: str, data: Any, status: int
) -> None:
    assert _post(fennel, path, data, "key-1").status_code == status
    rows = _counts(database)
    changed = [*data, *data] if isinstance(data, list) else {**data, _reference(data): "another"}
    refused = _post(fennel, path, changed, "key-1")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert refused.headers["content-type"] == "application/problem+json"
    assert _counts(database) == rows


def _reference(data: dict[str, Any]) -> str:
    return "ref" if "ref" in data else "reference"


def _counts(database: Any) -> dict[str, int]:
    return {table: database.rows(f'SELECT count(*) FROM "{table}"')[0][0] for table in database.tables}


def test_the_same_body_at_another_address_is_another_request(fennel: httpx.Client) -> None:
    assert _post(fennel, "/v1/stock/receipts", RECEIPT, "key-1").status_code == 201
    assert _post(fennel, "/v1/stock/receipts?again=1", RECEIPT, "key-1").status_code == 422


def test_a_key_belongs_to_its_brand(fennel: httpx.Client, juniper: httpx.Client) -> None:
    assert _post(fennel, "/v1/skus/bulk", [{"code": "N-1", "name": "New"}], "key-1").status_code == 200
    theirs = _post(juniper, "/v1/skus/bulk", [{"code": "M-1", "name": "Mine"}], "key-1")
    assert theirs.status_code == 200
    assert "idempotent-replayed" not in theirs.headers
    assert theirs.json()["results"][0]["code"] == "M-1"


def test_a_refusal_is_not_kept_so_that_asking_again_asks_anew(fennel: httpx.Client) -> None:
    unknown = {"reference": "PO-2", "lines": [{"sku": "SOON", "quantity": 3}]}
    assert _post(fennel, "/v1/stock/receipts", unknown, "key-1").status_code == 400
    assert fennel.put("/v1/skus/SOON", json={"name": "Soon"}).status_code == 201
    again = _post(fennel, "/v1/stock/receipts", unknown, "key-1")
    assert (again.status_code, again.headers.get("idempotent-replayed")) == (201, None)


def test_a_request_whose_twin_is_under_way_is_told_to_come_back(
    fennel: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.brand import stock

    begun, may_end = threading.Event(), threading.Event()
    real = stock.book_receipt

    def slow(*args: Any) -> Any:
        begun.set()
        assert may_end.wait(10)
        return real(*args)

    monkeypatch.setattr(stock, "book_receipt", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(_post, fennel, "/v1/stock/receipts", RECEIPT, "key-1")
        assert begun.wait(10)
        second = _post(fennel, "/v1/stock/receipts", RECEIPT, "key-1")
        may_end.set()
        assert first.result().status_code == 201
    assert (second.status_code, second.json()["code"]) == (409, "idempotency_key_in_flight")
    assert second.headers["retry-after"] == "1"
    assert _post(fennel, "/v1/stock/receipts", RECEIPT, "key-1").headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["x" * 255, "~ key with spaces !", "a"])
def test_any_printable_key_of_up_to_255_characters_will_do(fennel: httpx.Client, key: str) -> None:
    assert _post(fennel, "/v1/stock/receipts", RECEIPT, key).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel"])
def test_a_key_that_is_empty_too_long_or_not_ascii_is_refused(fennel: httpx.Client, database: Any, key: str) -> None:
    before = _counts(database)
    headers = [(b"idempotency-key", key.encode())]
    refused = fennel.post("/v1/stock/receipts", json=RECEIPT, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid")
    assert _counts(database) == before


def test_every_post_of_the_api_takes_the_key(fennel: httpx.Client) -> None:
    paths = fennel.get("/docs/openapi.json").json()["paths"]
    posts = {path: item["post"] for path, item in paths.items() if path.startswith("/v1/") and "post" in item}
    assert {path for path, _, _ in OPERATIONS} < set(posts)
    # A check changes nothing, so there is nothing to be done twice.
    del posts["/v1/merges/check"]
    for path, operation in posts.items():
        names = [parameter["name"] for parameter in operation["parameters"]]
        assert "Idempotency-Key" in names, path


def test_a_cancellation_is_replayed_too(fennel: httpx.Client) -> None:
    assert fennel.post("/v1/orders", json=ORDER).status_code == 201
    first = _post(fennel, "/v1/orders/ORD-1/cancel", {"reason": "changed their mind"}, "key-1")
    again = _post(fennel, "/v1/orders/ORD-1/cancel", {"reason": "changed their mind"}, "key-1")
    assert first.json() == {"ref": "ORD-1", "state": "cancelled"}
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
