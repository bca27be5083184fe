# SPDX-License-Identifier: Apache-2.0
from typing import Any

import httpx

SKU = {
    "name": "Oven glove",
    "barcodes": ["5060987610017", "GLOVE"],
    "weight_g": 140,
    "length_mm": 300,
    "width_mm": 170,
    "height_mm": 20,
    "hs_code": "6302.60",
    "origin_country": "IN",
    "declared_value_minor": 1200,
    "currency": "GBP",
}
KNOWN = {**SKU, "code": "GLOVE-1", "hs_code": "630260", "lot_tracked": False, "serial_tracked": False, "active": True}


def test_an_article_is_created_then_known_then_replaced(fennel: httpx.Client) -> None:
    created = fennel.put("/v1/skus/GLOVE-1", json=SKU)
    assert (created.status_code, created.json()) == (201, KNOWN)
    again = fennel.put("/v1/skus/GLOVE-1", json=SKU)
    assert (again.status_code, again.json()) == (200, KNOWN)
    replaced = fennel.put("/v1/skus/GLOVE-1", json={"name": "Mitt", "barcodes": ["MITT"]})
    assert replaced.status_code == 200
    assert fennel.get("/v1/skus/GLOVE-1").json() == {
        "code": "GLOVE-1",
        "name": "Mitt",
        "barcodes": ["MITT"],
        "weight_g": 0,
        "length_mm": 0,
        "width_mm": 0,
        "height_mm": 0,
        "hs_code": None,
        "origin_country": None,
        "declared_value_minor": None,
        "currency": None,
        "lot_tracked": False,
        "serial_tracked": False,
        "active": True,
    }


def test_a_barcode_of_another_article_is_refused_and_nothing_is_written(fennel: httpx.Client) -> None:
    assert fennel.put("/v1/skus/GLOVE-1", json=SKU).status_code == 201
    refused = fennel.put("/v1/skus/GLOVE-2", json={"name": "Other", "barcodes": ["GLOVE"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "barcode_taken")
    assert refused.json()["detail"] == "The barcode GLOVE belongs to SKU GLOVE-1."
    assert fennel.get("/v1/skus/GLOVE-2").status_code == 404


def test_two_brands_may_use_the_same_codes(fennel: httpx.Client, juniper: httpx.Client) -> None:
    assert fennel.put("/v1/skus/GLOVE-1", json=SKU).status_code == 201
    assert juniper.put("/v1/skus/GLOVE-1", json={**SKU, "name": "Ours"}).status_code == 201
    assert fennel.get("/v1/skus/GLOVE-1").json()["name"] == "Oven glove"


def test_a_code_that_cannot_be_is_refused(fennel: httpx.Client) -> None:
    refused = fennel.put("/v1/skus/caf%C3%A9", json={"name": "x"})
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["code"]


def test_a_list_is_answered_article_by_article(fennel: httpx.Client) -> None:
    assert fennel.put("/v1/skus/GLOVE-1", json=SKU).status_code == 201
    sent: list[dict[str, Any]] = [
        {**SKU, "code": "GLOVE-1"},
        {**SKU, "code": "GLOVE-1", "name": "Twice"},
        {"code": "NEW-1", "name": "New", "barcodes": ["N1"]},
        {"code": "NEW-2", "name": "New", "barcodes": ["N1"]},
        {"code": "BAD", "name": "Bad", "weight_g": "heavy"},
        {"name": "No code"},
    ]
    answer = fennel.post("/v1/skus/bulk", json=sent)
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {"code": "GLOVE-1", "outcome": "unchanged", "reason": None},
            {"code": "GLOVE-1", "outcome": "refused", "reason": "The code GLOVE-1 came earlier in this list."},
            {"code": "NEW-1", "outcome": "created", "reason": None},
            {"code": "NEW-2", "outcome": "refused", "reason": "The barcode N1 belongs to SKU NEW-1."},
            {
                "code": "BAD",
                "outcome": "refused",
                "reason": "weight_g: Input should be a valid integer, unable to parse string as an integer",
            },
            {"code": "", "outcome": "refused", "reason": "code: Field required"},
        ],
        "created": 1,
        "updated": 0,
        "unchanged": 1,
        "refused": 4,
    }


def test_a_list_of_more_than_five_thousand_is_refused_whole(fennel: httpx.Client, database: Any) -> None:
    before = database.rows("SELECT count(*) FROM sku")
    answer = fennel.post("/v1/skus/bulk", json=[{"code": f"C{n}", "name": "x"} for n in range(5_001)])
    assert answer.status_code == 400
    assert answer.json()["detail"] == "A list holds at most 5000 articles; this one has 5001."
    assert database.rows("SELECT count(*) FROM sku") == before


def test_pages_show_every_article_once(fennel: httpx.Client, house: Any) -> None:
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        page = fennel.get("/v1/skus", params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["code"] for item in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert pages == 3
    assert seen == sorted(house.brands["fennel"].skus)


def test_an_article_that_no_address_could_name_is_refused(fennel: httpx.Client, database: Any) -> None:
    before = database.rows("SELECT count(*) FROM sku")
    answer = fennel.post("/v1/skus/bulk", json=[{"code": "bulk", "name": "Sand, loose"}]).json()
    (refused,) = answer["results"]
    assert (refused["outcome"], answer["refused"]) == ("refused", 1)
    assert "/v1/skus/bulk" in refused["reason"]
    assert database.rows("SELECT count(*) FROM sku") == before
