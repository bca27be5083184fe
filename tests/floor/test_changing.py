# SPDX-License-Identifier: Apache-2.0
"""A supervisor asks for a shopper's change at the desk: the same door, with the answer in words on the page."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from wms.platform.ids import uuid7

Send = Callable[..., str]


@pytest.fixture
def desk(server: str, floor: Any) -> Iterator[Send]:
    """Sends a form of the change page of order F-1 as a supervisor; returns the page that it leads to."""
    order_id, person = floor.order("F-1", {"FF-MUG-SAND": 2}), floor.house.staff["W-1004"]
    path = f"/floor/desk/{floor.house.brands['fennel'].id}/{order_id}/change"
    with httpx.Client(base_url=server, trust_env=False, timeout=30, headers={"origin": server}) as http:

        def token(page: str) -> str:
            found = re.search(r'name="token" value="([0-9a-f]{64})"', http.get(page).text)
            assert found is not None
            return found[1]

        login = {"badge": person.badge, "pin": person.pin, "token": token("/floor/login"), "action": str(uuid7())}
        assert http.post("/floor/login", data=login).status_code == 303

        def send(kind: str, **fields: str) -> str:
            form = {"action": str(uuid7()), "token": token("/floor/desk"), "kind": kind, **fields}
            answer = http.post(path, data=form)
            again = http.post(path, data=form)
            assert (answer.status_code, again.headers.get("location")) == (303, answer.headers["location"])
            page = http.get(answer.headers["location"])
            assert page.status_code == 200
            return page.text

        yield send


def test_an_address_is_changed_once_and_keeps_what_the_form_leaves_out(desk: Send, database: Any) -> None:
    page = desk("address", name="Asha Rao", street="4 Mill Lane\r\nFlat 2", city="York", postcode="YO1 7HH")
    assert "Done." in page
    assert database.rows(
        "SELECT r.street, r.city, r.country FROM orders o JOIN recipient r ON r.id = o.recipient_id"
    ) == [("4 Mill Lane\nFlat 2", "York", "GB")]
    assert database.rows("SELECT kind, answer, actor FROM change") == [("address", "applied", "staff:W-1004")]


def test_a_refusal_is_shown_in_words_and_kept(desk: Send, database: Any) -> None:
    page = desk("service", service="drone")
    assert "Not possible. No carrier account of this warehouse offers the service" in page
    assert database.rows("SELECT answer, reason_code FROM change") == [("refused", "no_carrier")]


def test_what_is_not_possible_any_more_has_no_form(desk: Send, database: Any) -> None:
    page = desk("cancel", reason="called us")
    assert "Done." in page
    assert 'name="kind"' not in page
    assert database.rows("SELECT state FROM orders") == [("cancelled",)]
