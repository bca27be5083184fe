# SPDX-License-Identifier: Apache-2.0
"""The desk asks for a late change on behalf of a shopper who called: the same door, the same answers."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from pydantic import Field, TypeAdapter, ValidationError
from sqlmodel import Session

from api.floor.door import Form, Http, act, screen, show
from wms.brands.models import Brand, Role, Staff
from wms.changes.models import Change, ChangeAnswer, ChangeKind
from wms.changes.options import open_kinds, options
from wms.changes.schemas import ChangeIn
from wms.changes.service import ask, changes_of
from wms.floor.actions import Outcome, actor, once, recalled
from wms.floor.desk import story_of
from wms.orders.models import Order, Recipient
from wms.platform.errors import Invalid, WmsError

_change: TypeAdapter[ChangeIn] = TypeAdapter(ChangeIn)
_ADDRESS = ("name", "company", "street", "city", "region", "postcode", "country", "phone", "email")
_SAID = {
    ChangeAnswer.APPLIED: "Done.",
    ChangeAnswer.APPLIED_WITH_REWORK: "Done; the floor has something to do again.",
    ChangeAnswer.REQUESTED: "Asked for.",
    ChangeAnswer.AWAITING_PAYMENT: "Waits to be paid.",
    ChangeAnswer.REFUSED: "Not possible.",
}


class ChangeForm(Form):
    """The fields of all kinds; each form of the page sends those of its own."""

    kind: ChangeKind
    reason: Annotated[str, Field(max_length=80)] = ""
    service: str = ""
    name: str = ""
    company: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""
    notes: str = ""


@get("/desk/{brand_id:uuid}/{order_id:uuid}/change", sync_to_thread=True)
def change_page(
    request: Http, brand_id: FromPath[UUID], order_id: FromPath[UUID], done: FromQuery[UUID | None] = None
) -> Response[Any]:
    def view(session: Session, staff: Staff) -> Response[Any]:
        refused = None
        if done is not None:
            outcome = recalled(session, done, staff)
            refused = outcome.sentence if outcome.data.get("answer") == ChangeAnswer.REFUSED else None
        return _page(session, request, staff, brand_id, order_id, refused, done)

    return show(request, Role.SUPERVISOR, view)


@post("/desk/{brand_id:uuid}/{order_id:uuid}/change", sync_to_thread=True)
def change_order(
    request: Http, brand_id: FromPath[UUID], order_id: FromPath[UUID], data: URLEncodedBody[ChangeForm]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        order = story_of(session, staff, brand_id, order_id).order

        def change() -> Outcome:
            brand = session.get_one(Brand, brand_id)
            return _outcome(ask(session, brand, order.ref, _asked(session, order, data), actor(staff)))

        return once(session, data.action, staff, "change", change)

    return act(
        request,
        data,
        Role.SUPERVISOR,
        work,
        then=f"/floor/desk/{brand_id}/{order_id}/change",
        again=lambda session, staff, refusal: _page(session, request, staff, brand_id, order_id, refusal, None),
    )


def _asked(session: Session, order: Order, form: ChangeForm) -> ChangeIn:
    """Returns the change that the form asks for; what it leaves out of an address stays as it is."""
    body: dict[str, Any] = {"kind": form.kind, "ref": f"desk-{form.action}", "reason": form.reason}
    if form.kind is ChangeKind.ADDRESS:
        now = session.get_one(Recipient, (order.brand_id, order.recipient_id))
        kept = {"phone": now.phone, "email": now.email, "country": now.country}
        given = {key: getattr(form, key) or kept.get(key, "") for key in _ADDRESS}
        # A browser ends the lines of a text with a carriage return too.
        body["recipient"] = {**given, "street": given["street"].replace("\r\n", "\n")}
    elif form.kind is ChangeKind.CONTACT:
        body |= {key: getattr(form, key) for key in ("phone", "email", "notes")}
    elif form.kind is ChangeKind.SERVICE:
        body["service"] = form.service
    try:
        return _change.validate_python(body)
    except ValidationError as error:
        raise Invalid("The form is not complete, or something in it cannot be read.") from error


def _outcome(change: Change) -> Outcome:
    sentence = " ".join(part for part in (_SAID[change.answer], change.detail) if part)
    return Outcome(sentence, {"answer": change.answer})


def _page(
    session: Session,
    request: Http,
    staff: Staff,
    brand_id: UUID,
    order_id: UUID,
    refusal: WmsError | str | None,
    done: UUID | None,
) -> Response[Any]:
    story = story_of(session, staff, brand_id, order_id)
    found = options(session, story.brand, story.order)
    return screen(
        session,
        request,
        staff,
        "change.html",
        title=f"Change order {story.order.ref}",
        refusal=refusal,
        done=done,
        story=story,
        possible=open_kinds(found),
        closed={option.kind: option.detail for option in found if option.answer is ChangeAnswer.REFUSED},
        changes=changes_of(session, brand_id, order_id)[::-1],
        said=_SAID,
    )
