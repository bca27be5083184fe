# SPDX-License-Identifier: Apache-2.0
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

RECEIPT = {
    "reference": "PO-1042",
    "lines": [{"sku": "FF-MUG-SAND", "quantity": 24}, {"sku": "FF-TEA-ASSAM", "quantity": 10, "lot": "L2612"}],
}


def _level(client: httpx.Client, sku: str) -> dict[str, Any]:
    (item,) = client.get("/v1/stock", params={"sku": sku}).json()["items"]
    return dict(item)


def test_stock_is_told_per_article(fennel: httpx.Client) -> None:
    assert _level(fennel, "FF-MUG-SAND") == {
        "sku": "FF-MUG-SAND",
        "warehouse": "LON1",
        "sellable": 120,
        "promised": 0,
        "available": 120,
    }


def test_an_article_that_never_had_stock_has_none(fennel: httpx.Client) -> None:
    assert fennel.put("/v1/skus/NEW", json={"name": "New"}).status_code == 201
    assert _level(fennel, "NEW")["available"] == 0


def test_pages_of_stock_show_every_article_once(fennel: httpx.Client, house: Any) -> None:
    first = fennel.get("/v1/stock", params={"limit": 7}).json()
    second = fennel.get("/v1/stock", params={"limit": 7, "cursor": first["next_cursor"]}).json()
    codes = [item["sku"] for page in (first, second) for item in page["items"]]
    assert codes == sorted(house.brands["fennel"].skus)
    assert second["next_cursor"] is None


def test_another_brands_article_is_not_there(fennel: httpx.Client) -> None:
    assert fennel.get("/v1/stock", params={"sku": "JT-SOCK-M"}).json() == {"items": [], "next_cursor": None}


def test_a_receipt_is_booked_once_for_its_reference(fennel: httpx.Client) -> None:
    booked = fennel.post("/v1/stock/receipts", json=RECEIPT)
    assert booked.status_code == 201
    assert booked.json() == {
        "reference": "PO-1042",
        "location": "RECV-01",
        "lines": [
            {"sku": "FF-MUG-SAND", "quantity": 24, "lot": ""},
            {"sku": "FF-TEA-ASSAM", "quantity": 10, "lot": "L2612"},
        ],
        "repeated": False,
    }
    again = fennel.post("/v1/stock/receipts", json=RECEIPT)
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert _level(fennel, "FF-MUG-SAND")["sellable"] == 144
    assert _level(fennel, "FF-TEA-ASSAM")["sellable"] == 85


def test_a_reference_that_booked_other_goods_is_refused(fennel: httpx.Client) -> None:
    assert fennel.post("/v1/stock/receipts", json=RECEIPT).status_code == 201
    other = {**RECEIPT, "lines": [{"sku": "FF-MUG-SAND", "quantity": 25}]}
    for changed in (other, {**RECEIPT, "location": "A-01-1"}):
        refused = fennel.post("/v1/stock/receipts", json=changed)
        assert (refused.status_code, refused.json()["code"]) == (409, "reference_reused")
    assert _level(fennel, "FF-MUG-SAND")["sellable"] == 144


def test_two_brands_may_use_the_same_reference(fennel: httpx.Client, juniper: httpx.Client) -> None:
    assert fennel.post("/v1/stock/receipts", json=RECEIPT).status_code == 201
    theirs = {"reference": "PO-1042", "lines": [{"sku": "JT-SOCK-M", "quantity": 1}]}
    assert juniper.post("/v1/stock/receipts", json=theirs).status_code == 201


def test_eight_receipts_with_one_reference_at_once_book_once(fennel: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: fennel.post("/v1/stock/receipts", json=RECEIPT), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert _level(fennel, "FF-MUG-SAND")["sellable"] == 144


def test_every_wrong_line_of_a_receipt_is_named_and_nothing_is_booked(fennel: httpx.Client, database: Any) -> None:
    before = database.rows("SELECT count(*) FROM stock_move")
    lines = [
        {"sku": "NOPE", "quantity": 1},
        {"sku": "FF-MUG-SAND", "quantity": 1},
        {"sku": "FF-TEA-ASSAM", "quantity": 1},
        {"sku": "FF-BOWL-SML", "quantity": 1, "lot": "X"},
        {"sku": "JT-SOCK-M", "quantity": 1},
    ]
    refused = fennel.post("/v1/stock/receipts", json={"reference": "R", "lines": lines})
    assert refused.status_code == 400
    assert refused.json()["errors"] == [
        {"field": "lines.0.sku", "message": "There is no SKU NOPE."},
        {"field": "lines.2.lot", "message": "FF-TEA-ASSAM is kept by lots: name the lot."},
        {"field": "lines.3.lot", "message": "FF-BOWL-SML is not kept by lots: leave the lot out."},
        {"field": "lines.4.sku", "message": "There is no SKU JT-SOCK-M."},
    ]
    assert database.rows("SELECT count(*) FROM stock_move") == before


def test_a_correction_takes_pieces_off_or_adds_them_once(fennel: httpx.Client) -> None:
    lost = {"reference": "C-1", "sku": "FF-MUG-SAND", "location": "A-02-3", "quantity": -5, "reason": "damaged"}
    booked = fennel.post("/v1/stock/adjustments", json=lost)
    assert (booked.status_code, booked.json()) == (201, {**lost, "lot": "", "repeated": False})
    again = fennel.post("/v1/stock/adjustments", json=lost)
    assert (again.status_code, again.json()) == (200, {**lost, "lot": "", "repeated": True})
    assert _level(fennel, "FF-MUG-SAND")["sellable"] == 115
    found = {**lost, "reference": "C-2", "quantity": 2, "reason": "found"}
    assert fennel.post("/v1/stock/adjustments", json=found).status_code == 201
    assert _level(fennel, "FF-MUG-SAND")["sellable"] == 117


def test_a_correction_that_cannot_be_is_refused_and_changes_nothing(fennel: httpx.Client) -> None:
    good = {"reference": "C-1", "sku": "FF-MUG-SAND", "location": "A-02-3", "quantity": -5, "reason": "count"}
    refusals = [
        ({"quantity": -121}, 409, "not_enough_stock"),
        ({"quantity": 0}, 400, "invalid"),
        ({"sku": "JT-SOCK-M"}, 404, "not_found"),
        ({"location": "Z-99"}, 404, "not_found"),
        ({"lot": "X"}, 400, "invalid"),
        ({"reason": "because"}, 400, "invalid"),
    ]
    for change, status, code in refusals:
        refused = fennel.post("/v1/stock/adjustments", json={**good, **change})
        assert (refused.status_code, refused.json()["code"]) == (status, code), change
    assert _level(fennel, "FF-MUG-SAND")["sellable"] == 120
