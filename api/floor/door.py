# SPDX-License-Identifier: Apache-2.0
"""The door of the floor: who is in front of the screen, whether the form is ours, and what a refusal looks like."""

import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.params import QueryParameter
from litestar.response import Redirect
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from api.html import page
from api.signing import signature
from wms.brands.models import Role, Staff, Warehouse
from wms.brands.staff import staff_of
from wms.floor.actions import Outcome, recalled
from wms.platform.clock import now
from wms.platform.db import WAREHOUSE, in_transaction
from wms.platform.errors import Denied, NotFound, Unauthenticated, Unavailable, WmsError
from wms.platform.ids import new_id
from wms.platform.settings import settings

Http = Request[Any, Any, Any]
View = Callable[[Session, Staff], Response[Any]]
Done = Annotated[UUID | None, QueryParameter(required=False, default=None)]

ROLE_WORDS = {
    Role.PICKER: "pick",
    Role.PACKER: "pack",
    Role.DOCK: "work at the dock",
    Role.STOCK: "work with stock",
    Role.SUPERVISOR: "look at the board and the desk",
}


class Form(BaseModel):
    """What every form carries: the id of the action, made with the page, and the token that proves the page is ours."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    action: UUID
    token: str = ""


def cookie_name() -> str:
    """Returns the name of the session's cookie; a browser keeps a ``__Host-`` cookie to this host and to TLS."""
    return "__Host-wms_floor" if settings().secure_cookies else "wms_floor"


def session_cookie(value: str) -> Cookie:
    """Returns the cookie of a session: no script reads it and no other site's form brings it along."""
    return Cookie(
        key=cookie_name(), value=value, path="/", httponly=True, samesite="lax", secure=settings().secure_cookies
    )


def form_token(cookie: str) -> str:
    """Returns the token that the forms of this session carry."""
    return signature("floor-form", cookie.encode()).hex()


def check_form(request: Http, token: str) -> None:
    """Refuses a form that another site sent: its origin is not ours, or it lacks the session's token."""
    origin = urlsplit(request.headers.get("origin", ""))
    ours = {request.headers.get("host", ""), urlsplit(settings().public_url).netloc} - {""}
    if origin.netloc not in ours:
        raise Denied("This form did not come from this screen. Open the page again.")
    if not hmac.compare_digest(token, form_token(request.cookies.get(cookie_name(), ""))):
        raise Denied("This form is too old. Open the page again.")


def enter(session: Session, request: Http, role: Role | None) -> Staff:
    """Returns the person in front of the screen, or refuses with the sentence that says why not."""
    token = request.cookies.get(cookie_name(), "")
    if not token:
        raise Unauthenticated("Please scan your badge to log in.")
    staff = staff_of(session, token)
    if role is not None and not may(staff, role):
        raise Denied(f"Your badge does not allow you to {ROLE_WORDS[role]}. Ask your supervisor.")
    return staff


def may(staff: Staff, role: Role) -> bool:
    """Says whether the person's badge opens this role's screens; a supervisor's opens all of them."""
    return role in staff.roles or Role.SUPERVISOR in staff.roles


def show(request: Http, role: Role | None, view: View) -> Response[Any]:
    """Draws a page for whoever is logged in and may see it."""
    return in_transaction(WAREHOUSE, lambda session: view(session, enter(session, request, role)))


def act(
    request: Http,
    form: Form,
    role: Role,
    work: Callable[[Session, Staff], Outcome],
    *,
    then: str | Callable[[Outcome], str],
    again: Callable[[Session, Staff, WmsError], Response[Any]],
) -> Response[Any]:
    """Does what a form asks and sends the browser on to a page (303), or draws the page again with the refusal.

    A refusal rolls everything back before the page is drawn.
    """

    def inside(session: Session) -> Outcome:
        staff = enter(session, request, role)
        check_form(request, form.token)
        return work(session, staff)

    try:
        outcome = in_transaction(WAREHOUSE, inside)
    except (Unauthenticated, Denied, Unavailable):
        raise
    except WmsError as refusal:
        caught = refusal
        return show(request, role, lambda session, staff: again(session, staff, caught))
    address = then if isinstance(then, str) else then(outcome)
    return Redirect(f"{address}{'&' if '?' in address else '?'}done={form.action}", status_code=303)


def screen(
    session: Session,
    request: Http,
    staff: Staff,
    template: str,
    *,
    title: str,
    refusal: WmsError | str | None = None,
    done: UUID | None = None,
    **context: Any,
) -> Response[str]:
    """Draws one screen of the floor: who is logged in, the banner of what just happened, a fresh action id."""
    warehouse = session.get_one(Warehouse, staff.warehouse_id)
    zone = ZoneInfo(warehouse.time_zone)
    sentence = refusal.detail if isinstance(refusal, WmsError) else refusal
    return page(
        template,
        status=refusal.status if isinstance(refusal, WmsError) else 200,
        title=title,
        staff=staff,
        warehouse=warehouse,
        roles={role for role in Role if may(staff, role)},
        refusal=sentence,
        success=_sentence_of(session, done, staff) if done is not None and sentence is None else None,
        action=new_id(),
        token=form_token(request.cookies.get(cookie_name(), "")),
        now=now(session),
        clock=lambda at: _clock(at, zone),
        **context,
    )


def _sentence_of(session: Session, done: UUID, staff: Staff) -> str | None:
    try:
        return recalled(session, done, staff).sentence
    except WmsError:
        # Somebody typed an address; there is nothing to say about it.
        return None


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%a %d %b, %H:%M")


def refused(request: Http, error: WmsError) -> Response[Any]:
    """Turns a refusal that no screen caught into a page, or sends whoever is not logged in to the login."""
    if isinstance(error, Unauthenticated):
        wanted = quote(request.url.path) if request.method == "GET" else "/floor"
        return Redirect(f"/floor/login?next={wanted}", status_code=303)
    return page("refused.html", status=error.status, title="Not possible", sentence=error.detail)


def unknown_page(_request: Http, _error: Exception) -> Response[Any]:
    """Answers an address or a form that does not exist in this shape."""
    error = NotFound("There is no such page, or the form was not complete.")
    return page("refused.html", status=error.status, title="Not found", sentence=error.detail)


def safe_next(address: str) -> str:
    """Returns a page of the floor to go to after the login; anything else is not followed."""
    return address if address.startswith("/floor") and "//" not in address and "\\" not in address else "/floor"
