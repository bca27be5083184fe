# SPDX-License-Identifier: Apache-2.0
import re
from typing import Any

import httpx
import pytest

from wms.platform.errors import Conflict

MEMBERS = {"type", "title", "status", "code", "detail", "request_id"}
ORDER = {"ref": "P-1", "recipient": {"name": "Asha Rao", "street": "12 Market Row"}, "lines": []}


def _problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code)
    assert document["type"] == "about:blank"
    assert document["request_id"] == answer.headers["x-request-id"]
    return document


def test_an_address_that_leads_nowhere_is_a_problem_document(visitor: httpx.Client) -> None:
    document = _problem(visitor.get("/v1/nothing"), 404, "not_found")
    assert set(document) == MEMBERS
    assert document["title"] == "Not Found"
    assert document["detail"] == "There is nothing here."


def test_a_method_that_an_address_does_not_know_is_named_so(visitor: httpx.Client) -> None:
    answer = visitor.delete("/v1/orders")
    document = _problem(answer, 405, "method_not_allowed")
    assert document["detail"] == "This address does not know that method."
    assert sorted(answer.headers["allow"].split(", ")) == ["GET", "OPTIONS", "POST"]


def test_a_document_that_is_not_valid_names_each_field(fennel: httpx.Client) -> None:
    data = {"name": "", "weight_g": -1, "colour": "red", "barcodes": ["5012345678901"]}
    document = _problem(fennel.put("/v1/skus/X-1", json=data), 400, "invalid")
    assert document["detail"] == "The request is not valid: `errors` names each field and what is wrong with it."
    assert {error["field"]: error["message"] for error in document["errors"]} == {
        "name": "String should have at least 1 character",
        "barcodes.0": "5012345678901 is no EAN-13: its check digit is 1, but the other digits give 0.",
        "weight_g": "Input should be greater than or equal to 0",
        "colour": "Extra inputs are not permitted",
    }
    assert fennel.get("/v1/skus/X-1").status_code == 404


def test_a_body_that_is_not_json_is_refused(fennel: httpx.Client) -> None:
    answer = fennel.put("/v1/policy", content=b'{"edit', headers={"content-type": "application/json"})
    document = _problem(answer, 400, "bad_request")
    assert document["detail"] == "The request cannot be read: is its body JSON, in UTF-8?"


def test_a_query_parameter_out_of_bounds_is_named(fennel: httpx.Client) -> None:
    document = _problem(fennel.get("/v1/stock", params={"limit": 201}), 400, "invalid")
    assert [error["field"] for error in document["errors"]] == ["limit"]


def test_a_cursor_that_no_page_gave_out_is_refused(fennel: httpx.Client) -> None:
    for path, cursor in [("/v1/skus", "%%%"), ("/v1/stock", "!"), ("/v1/orders", "bm90aGluZw")]:
        document = _problem(fennel.get(path, params={"cursor": cursor}), 400, "invalid")
        assert document["detail"] == "The cursor is not one that a page gave out.", path


def test_a_body_over_the_limit_is_refused(fennel: httpx.Client) -> None:
    data = {"name": "x" * 1_000_001}
    document = _problem(fennel.put("/v1/skus/X-1", json=data), 413, "request_entity_too_large")
    assert document["detail"] == "The body is larger than this address takes."


def test_a_value_that_the_database_cannot_hold_is_the_senders_mistake(fennel: httpx.Client) -> None:
    answer = fennel.get("/v1/skus/a%00b")
    _problem(answer, 400, "invalid")


def test_a_failure_of_ours_tells_its_request_id_and_nothing_from_inside(
    fennel: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret from inside")

    monkeypatch.setattr("api.brand.policy.set_policy", broken)
    answer = fennel.put("/v1/policy", json={})
    document = _problem(answer, 500, "internal")
    assert set(document) == MEMBERS
    assert "secret" not in answer.text


def test_a_refusal_carries_its_own_data(fennel: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise Conflict("Not now.", state="picking", status=200)

    monkeypatch.setattr("api.brand.policy.set_policy", refused)
    document = _problem(fennel.put("/v1/policy", json={}), 409, "conflict")
    assert (document["detail"], document["state"]) == ("Not now.", "picking")


def test_a_database_that_is_gone_means_ask_again(fennel: httpx.Client, database: Any) -> None:
    database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    # The pool notices and reconnects; a request never sees the connection that died while it was idle.
    assert fennel.get("/v1/policy").status_code == 200


def test_a_connection_that_dies_in_the_middle_is_answered_with_503_and_retry_after(
    fennel: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    def cut(session: Any, *_: Any) -> None:
        session.execute(text("SET LOCAL statement_timeout = 1"))
        try:
            session.execute(text("SELECT pg_sleep(1)"))
        except DBAPIError as error:
            raise error

    monkeypatch.setattr("api.brand.policy.set_policy", cut)
    answer = fennel.put("/v1/policy", json={})
    document = _problem(answer, 503, "unavailable")
    assert document["detail"] == "The database does not answer. Please try again in a moment."
    assert answer.headers["retry-after"] == "1"


def test_a_request_id_that_is_sent_comes_back(visitor: httpx.Client) -> None:
    answer = visitor.get("/health/live", headers={"x-request-id": "shop-4711-a"})
    assert answer.headers["x-request-id"] == "shop-4711-a"


@pytest.mark.parametrize("sent", ["short", "x" * 65, "with space in it", "<script>alert(1)</script>"])
def test_a_request_id_that_could_do_harm_is_replaced(visitor: httpx.Client, sent: str) -> None:
    answer = visitor.get("/health/live", headers={"x-request-id": sent})
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


def test_answers_are_neither_sniffed_nor_kept(fennel: httpx.Client, visitor: httpx.Client) -> None:
    for answer in (fennel.get("/v1/policy"), visitor.get("/v1/policy"), visitor.get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_a_line_of_a_list_that_is_not_json_is_named_by_its_number(fennel: httpx.Client, database: Any) -> None:
    answer = fennel.post("/v1/orders/bulk", content=b'{"ref": "A-1"}\n\n{"ref": \n')
    document = _problem(answer, 400, "invalid")
    assert document["line"] == 3
    assert document["detail"] == (
        "Line 3 of the body is not JSON: EOF while parsing a value at column 8. Nothing was accepted."
    )
    assert database.rows("SELECT count(*) FROM orders") == [(0,)]


def test_an_order_that_no_address_could_name_is_refused(fennel: httpx.Client, database: Any) -> None:
    order = {**ORDER, "ref": "bulk", "lines": [{"sku": "X", "quantity": 1}]}
    document = _problem(fennel.post("/v1/orders", json=order), 400, "invalid")
    assert [error["field"] for error in document["errors"]] == ["ref"]
    assert database.rows("SELECT count(*) FROM orders") == [(0,)]
