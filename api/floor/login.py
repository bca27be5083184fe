# SPDX-License-Identifier: Apache-2.0
"""Log in with badge and PIN, log out, and the home screen."""

import secrets
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from pydantic import Field

from api.floor.door import (
    Form,
    Http,
    check_form,
    cookie_name,
    form_token,
    safe_next,
    screen,
    session_cookie,
    show,
)
from api.html import page
from wms.brands.staff import LoginRefused, log_in, log_out
from wms.floor.put_back import count_tasks
from wms.floor.walk import shipments_waiting
from wms.platform.db import WAREHOUSE, in_transaction
from wms.platform.errors import Denied, NotFound
from wms.platform.ids import new_id


class LoginForm(Form):
    badge: Annotated[str, Field(max_length=64)] = ""
    pin: Annotated[str, Field(max_length=64)] = ""
    next: Annotated[str, Field(max_length=200)] = "/floor"


def _login_page(request: Http, wanted: str, refusal: str | None = None, badge: str = "") -> Response[Any]:
    # The form of somebody who is not logged in is bound to a cookie of its own, which opens nothing.
    cookie = request.cookies.get(cookie_name()) or secrets.token_urlsafe(32)
    answer = page(
        "login.html",
        status=401 if refusal else 200,
        title="Log in",
        refusal=refusal,
        success=None,
        staff=None,
        badge=badge,
        next=safe_next(wanted),
        action=new_id(),
        token=form_token(cookie),
    )
    answer.set_cookie(session_cookie(cookie))
    return answer


@get("/login", sync_to_thread=True)
def login_page(request: Http, next: FromQuery[str] = "/floor") -> Response[Any]:  # noqa: A002
    return _login_page(request, next)


@post("/login", sync_to_thread=True)
def login(request: Http, data: URLEncodedBody[LoginForm]) -> Response[Any]:
    try:
        check_form(request, data.token)
    except Denied as refusal:
        return _login_page(request, data.next, refusal.detail, data.badge)
    token = in_transaction(WAREHOUSE, lambda session: log_in(session, data.badge, data.pin))
    if isinstance(token, LoginRefused):
        return _login_page(request, data.next, token.detail, data.badge)
    answer: Response[Any] = Redirect(safe_next(data.next), status_code=303)
    # A new session gets a new cookie, so a cookie that somebody planted before the login is worth nothing.
    answer.set_cookie(session_cookie(token))
    return answer


@post("/logout", sync_to_thread=True)
def logout(request: Http, data: URLEncodedBody[Form]) -> Response[Any]:
    check_form(request, data.token)
    token = request.cookies.get(cookie_name(), "")
    in_transaction(WAREHOUSE, lambda session: log_out(session, token))
    answer: Response[Any] = Redirect("/floor/login", status_code=303)
    cookie = session_cookie("")
    cookie.max_age = 0
    answer.set_cookie(cookie)
    return answer


@get("/", sync_to_thread=True)
def home(request: Http) -> Response[Any]:
    return show(
        request,
        None,
        lambda session, staff: screen(
            session,
            request,
            staff,
            "home.html",
            title="Your work",
            waiting=shipments_waiting(session, staff.warehouse_id),
            put_backs=count_tasks(session, staff.warehouse_id),
        ),
    )


@get("/{rest:path}", sync_to_thread=False)
def lost(rest: FromPath[str]) -> Response[Any]:
    """Answers every other address below the floor with a page."""
    raise NotFound(f"There is no page {rest}.")
