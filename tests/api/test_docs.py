# SPDX-License-Identifier: Apache-2.0
import re
from typing import Any

import httpx


def test_the_page_names_every_operation_and_loads_nothing_from_elsewhere(visitor: httpx.Client) -> None:
    page = visitor.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert re.findall(r'(?:src|href)="(?!#)([^"]+)"', page.text) == ["/docs/style.css", "/docs/openapi.json"]
    assert "<script" not in page.text
    assert "<style" not in page.text
    for item in visitor.get("/docs/openapi.json").json()["paths"].values():
        for operation in item.values():
            assert f'<article id="{operation["operationId"]}">' in page.text


def test_the_style_of_the_page_is_served(visitor: httpx.Client) -> None:
    style = visitor.get("/docs/style.css")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")


def test_every_link_of_the_page_leads_somewhere(visitor: httpx.Client) -> None:
    page = visitor.get("/docs").text
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= targets


def test_every_operation_is_described_and_has_a_name_of_its_own(visitor: httpx.Client) -> None:
    document = visitor.get("/docs/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert document["components"]["securitySchemes"]["api_key"]["scheme"] == "bearer"
    operations: list[dict[str, Any]] = [operation for item in document["paths"].values() for operation in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert operation["description"].strip(), operation["operationId"]
        assert operation["tags"], operation["operationId"]


def test_refusals_are_documented_as_problem_documents(visitor: httpx.Client) -> None:
    document = visitor.get("/docs/openapi.json").json()
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_every_body_that_an_operation_takes_is_described(visitor: httpx.Client) -> None:
    document = visitor.get("/docs/openapi.json").json()
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if path.startswith("/v1/") and method in {"post", "put"}:
                assert operation["requestBody"]["content"], path
    bulk = document["paths"]["/v1/orders/bulk"]["post"]["requestBody"]["content"]
    assert set(bulk) == {"application/json", "application/x-ndjson"}
    assert bulk["application/json"]["schema"]["items"] == {"$ref": "#/components/schemas/OrderIn"}
    assert "OrderIn" in schemas
