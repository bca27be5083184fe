# SPDX-License-Identifier: Apache-2.0
"""The screens' door over real HTTP: logins, forms that are not ours, headers, and pages for the wrong people."""

import re
from typing import Any

import httpx
import pytest

from tests.floor.conftest import Visitor

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def test_whoever_is_not_logged_in_is_sent_to_the_login_and_back_to_the_page(visitor: Visitor, house: Any) -> None:
    answer = visitor.http.get("/floor/pick")
    assert (answer.status_code, answer.headers["location"]) == (303, "/floor/login?next=/floor/pick")
    token = visitor.token(answer.headers["location"])
    form = {"badge": "W-1001", "pin": house.staff["W-1001"].pin, "token": token, "next": "/floor/pick"}
    assert visitor.send("/floor/login", form).headers["location"] == "/floor/pick"


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "/floor//evil.example", "/v1/orders"])
def test_the_login_leads_nowhere_but_to_the_floor(visitor: Visitor, house: Any, address: str) -> None:
    form = {"badge": "W-1001", "pin": house.staff["W-1001"].pin, "token": visitor.token("/floor/login")}
    assert visitor.send("/floor/login", {**form, "next": address}).headers["location"] == "/floor"


def test_the_session_cookie_is_new_after_the_login_and_out_of_reach_of_scripts(visitor: Visitor, house: Any) -> None:
    before = visitor.http.get("/floor/login").cookies["wms_floor"]
    cookie = visitor.log_in("W-1001", house.staff["W-1001"].pin).headers["set-cookie"]
    assert before not in cookie
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Path=/" in cookie


def test_logging_out_ends_the_session_on_the_server_too(picker: Visitor) -> None:
    cookie = picker.http.cookies["wms_floor"]
    answer = picker.send("/floor/logout", {"token": picker.token("/floor")})
    assert answer.headers["location"] == "/floor/login"
    kept = httpx.get(f"{picker.server}/floor/pick", cookies={"wms_floor": cookie}, trust_env=False)
    assert kept.headers["location"] == "/floor/login?next=/floor/pick"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_form_from_another_site_is_refused(picker: Visitor, database: Any, origin: str) -> None:
    answer = picker.send("/floor/pick", {"slots": "6", "token": picker.token("/floor/pick")}, origin)
    assert answer.status_code == 403
    assert "This form did not come from this screen." in answer.text
    assert database.rows("SELECT count(*) FROM floor_action") == [(0,)]


def test_a_form_without_the_sessions_token_is_refused(picker: Visitor, server: str, database: Any) -> None:
    stranger = Visitor(server)
    for token in ("", "0" * 64, stranger.token("/floor/login")):
        answer = picker.send("/floor/pick", {"slots": "6", "token": token})
        assert answer.status_code == 403
    assert database.rows("SELECT count(*) FROM floor_action") == [(0,)]
    stranger.http.close()


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/floor/pack", "Your badge does not allow you to pack."),
        ("/floor/dock", "Your badge does not allow you to work at the dock."),
        ("/floor/stock", "Your badge does not allow you to work with stock."),
        ("/floor/board", "Your badge does not allow you to look at the board and the desk."),
        ("/floor/desk", "Your badge does not allow you to look at the board and the desk."),
    ],
)
def test_a_badge_opens_its_own_screens_only(picker: Visitor, path: str, sentence: str) -> None:
    answer = picker.http.get(path)
    assert answer.status_code == 403
    assert sentence in answer.text


def test_every_page_carries_the_headers_that_keep_a_browser_from_doing_harm(picker: Visitor) -> None:
    for path in ("/floor", "/floor/pick", "/floor/pack", "/floor/nothing", "/t/forged"):
        answer = picker.http.get(path)
        assert answer.headers["content-type"] == "text/html; charset=utf-8", path
        assert answer.headers["content-security-policy"] == CSP
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


def test_no_page_carries_anything_inline(picker: Visitor) -> None:
    for path in ("/floor", "/floor/pick", "/floor/login", "/t/forged"):
        page = picker.http.get(path).text
        assert re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", page) is None


def test_what_a_person_types_is_shown_as_text(picker: Visitor, house: Any) -> None:
    person = house.staff["W-1004"]
    picker.log_in(person.badge, person.pin)
    page = picker.http.get("/floor/desk", params={"find": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_form_that_lacks_a_field_gets_a_page_and_not_a_document(picker: Visitor) -> None:
    answer = picker.send("/floor/pick", {"slots": "many", "token": "x"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_a_colour_is_a_style_sheet_with_readable_text_on_it(visitor: Visitor) -> None:
    assert visitor.http.get("/static/colour/2f6f4f.css").text == ":root { --brand: #2f6f4f; --on-brand: #ffffff }\n"
    assert visitor.http.get("/static/colour/ffe066.css").text == ":root { --brand: #ffe066; --on-brand: #000000 }\n"
    for name in ("fff.css", "00000g.css", "}body{x.css"):
        assert visitor.http.get(f"/static/colour/{name}").status_code == 404


def test_static_files_are_kept_for_ever_under_the_name_of_their_content(visitor: Visitor) -> None:
    page = visitor.http.get("/floor/login").text
    address = re.search(r'href="(/static/[0-9a-f]{12}/floor/floor\.css)"', page)
    assert address is not None
    answer = visitor.http.get(address[1])
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert visitor.http.get("/static/000000000000/floor/floor.css").status_code == 404
    assert visitor.http.get("/static/000000000000/floor/..%2Fdoor.py").status_code == 404


def test_five_wrong_pins_lock_the_badge_with_a_sentence(visitor: Visitor, house: Any) -> None:
    for _ in range(5):
        assert "Badge and PIN do not match." in visitor.log_in("W-1001", "0000").text
    answer = visitor.log_in("W-1001", house.staff["W-1001"].pin)
    assert answer.status_code == 401
    assert "This badge is locked for 15 minutes" in answer.text
