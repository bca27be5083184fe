# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.brand import access
from wms.brands.models import Brand
from wms.brands.service import issue_key, revoke_key
from wms.platform.clock import real_now
from wms.platform.db import WAREHOUSE, transaction

UNAUTHENTICATED = {
    "type": "about:blank",
    "title": "Unauthorized",
    "status": 401,
    "code": "unauthenticated",
    "detail": "This needs a valid API key: send the header `Authorization: Bearer wk_…`.",
}


def _key(house: Any, *scopes: str, **options: Any) -> str:
    with transaction(WAREHOUSE) as session:
        return issue_key(session, session.get_one(Brand, house.brands["fennel"].id), "test", scopes, **options)


def _body(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document.pop("request_id") == answer.headers["x-request-id"]
    return document


def test_a_request_without_a_key_is_told_how_to_send_one(visitor: httpx.Client) -> None:
    answer = visitor.get("/v1/policy")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert _body(answer)["detail"] == "This needs an API key: send the header `Authorization: Bearer wk_…`."


@pytest.mark.parametrize(
    "key",
    ["x", "wk_", "wk_abcdefgh_" + "A" * 43, "wk_abcdefgh_" + "A" * 42, "wk_ABCDEFGH_" + "A" * 43],
)
def test_a_wrong_key_of_any_shape_gets_one_and_the_same_answer(visitor: httpx.Client, key: str) -> None:
    answer = visitor.get("/v1/policy", headers={"authorization": f"Bearer {key}"})
    assert (answer.status_code, _body(answer)) == (401, UNAUTHENTICATED)


def test_a_right_public_part_with_another_secret_is_refused_like_a_key_that_never_was(
    visitor: httpx.Client, house: Any
) -> None:
    public = house.brands["fennel"].api_key[: len("wk_12345678_")]
    answer = visitor.get("/v1/policy", headers={"authorization": f"Bearer {public}{'A' * 43}"})
    assert (answer.status_code, _body(answer)) == (401, UNAUTHENTICATED)


def test_a_key_without_the_scope_is_denied_and_told_which_scope_it_lacks(
    brand: Callable[..., httpx.Client], house: Any
) -> None:
    answer = brand(key=_key(house, "stock:read")).get("/v1/orders")
    assert answer.status_code == 403
    document = _body(answer)
    assert (document["code"], document["scope"]) == ("denied", "orders:read")
    assert document["detail"] == "This key lacks the scope orders:read."


def test_a_key_works_for_the_scopes_it_has(brand: Callable[..., httpx.Client], house: Any) -> None:
    assert brand(key=_key(house, "stock:read")).get("/v1/stock").status_code == 200


def test_an_expired_key_is_refused(brand: Callable[..., httpx.Client], house: Any, database: Any) -> None:
    key = _key(house, "stock:read", expires_at=real_now() + timedelta(hours=1))
    database.rows("UPDATE api_key SET expires_at = now() - interval '1 second' WHERE public_id = %s", key[3:11])
    answer = brand(key=key).get("/v1/stock")
    assert (answer.status_code, _body(answer)) == (401, UNAUTHENTICATED)


def test_a_revoked_key_ends_once_it_is_no_longer_remembered(
    brand: Callable[..., httpx.Client], house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "REMEMBERED_SECONDS", 0.0)
    key = _key(house, "stock:read")
    client = brand(key=key)
    assert client.get("/v1/stock").status_code == 200
    with transaction(WAREHOUSE) as session:
        revoke_key(session, session.get_one(Brand, house.brands["fennel"].id), key[3:11])
    answer = client.get("/v1/stock")
    assert (answer.status_code, _body(answer)) == (401, UNAUTHENTICATED)


def test_a_key_is_remembered_for_no_longer_than_five_seconds() -> None:
    assert access.REMEMBERED_SECONDS == 5.0


def test_the_use_of_a_key_is_noted(brand: Callable[..., httpx.Client], house: Any, database: Any) -> None:
    key = _key(house, "stock:read")
    assert brand(key=key).get("/v1/stock").status_code == 200
    ((seconds,),) = database.rows(
        "SELECT extract(epoch FROM now() - last_used_at) FROM api_key WHERE public_id = %s", key[3:11]
    )
    assert 0 <= seconds < 60


def test_the_secret_is_stored_nowhere(house: Any, database: Any) -> None:
    secret = house.brands["fennel"].api_key.split("_", 2)[2]
    for table in database.tables:
        ((hits,),) = database.rows(f'SELECT count(*) FROM "{table}" t WHERE to_jsonb(t)::text LIKE %s', f"%{secret}%")
        assert hits == 0, table
