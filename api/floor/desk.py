# SPDX-License-Identifier: Apache-2.0
"""The board on the wall, and the desk, which also holds orders; ``tasks`` settles what the board lists for a person."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from pydantic import BeforeValidator, Field, NaiveDatetime
from sqlmodel import Session

from api.floor.door import Form, Http, act, screen, show
from wms.brands.models import Role, Staff, Warehouse
from wms.floor import holding
from wms.floor.actions import Outcome
from wms.floor.board import board_of
from wms.floor.desk import order_of, search, story_of
from wms.floor.words import sentence_of
from wms.orders.models import HoldKind
from wms.platform.clock import now
from wms.platform.errors import WmsError
from wms.shipments.holds import KINDS, WAREHOUSE


class HoldForm(Form):
    kind: HoldKind
    # A browser sends an empty text where no time was chosen, and nothing for a box without a tick.
    until: Annotated[NaiveDatetime | None, BeforeValidator(lambda value: value or None)] = None
    release_stock: bool = False
    note: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class LiftForm(Form):
    handle: Annotated[str, Field(max_length=80)]


def board_view(
    session: Session, request: Http, staff: Staff, refusal: WmsError | None = None, done: UUID | None = None
) -> Response[Any]:
    """Draws the board as it is now."""
    zone = ZoneInfo(session.get_one(Warehouse, staff.warehouse_id).time_zone)
    today = datetime.combine(now(session).astimezone(zone).date(), time.min, tzinfo=zone)
    board = board_of(session, staff.warehouse_id, today)
    return screen(session, request, staff, "board.html", title="Board", refusal=refusal, done=done, board=board)


@get("/board", sync_to_thread=True)
def board_page(request: Http, done: FromQuery[UUID | None] = None) -> Response[Any]:
    return show(request, Role.SUPERVISOR, lambda session, staff: board_view(session, request, staff, done=done))


@get("/desk", sync_to_thread=True)
def desk_page(request: Http, find: FromQuery[str] = "") -> Response[Any]:
    def view(session: Session, staff: Staff) -> Response[Any]:
        found = search(session, staff.warehouse_id, find)
        if len(found) == 1:
            return Redirect(f"/floor/desk/{found[0].brand_id}/{found[0].order_id}", status_code=303)
        nothing = f"Nothing is known under “{find.strip()}”." if find.strip() and not found else None
        return screen(
            session, request, staff, "desk.html", title="Desk", refusal=nothing, found=found, wanted=find.strip()
        )

    return show(request, Role.SUPERVISOR, view)


def _story_page(
    session: Session,
    request: Http,
    staff: Staff,
    brand_id: UUID,
    order_id: UUID,
    refusal: WmsError | None = None,
    done: UUID | None = None,
) -> Response[Any]:
    story = story_of(session, staff, brand_id, order_id)
    return screen(
        session,
        request,
        staff,
        "story.html",
        title=f"Order {story.order.ref}",
        refusal=refusal,
        done=done,
        story=story,
        sentence_of=sentence_of,
        hold_kinds=sorted(KINDS[WAREHOUSE]),
        hold_owner=WAREHOUSE,
    )


@get("/desk/{brand_id:uuid}/{order_id:uuid}", sync_to_thread=True)
def story_page(
    request: Http, brand_id: FromPath[UUID], order_id: FromPath[UUID], done: FromQuery[UUID | None] = None
) -> Response[Any]:
    return show(
        request,
        Role.SUPERVISOR,
        lambda session, staff: _story_page(session, request, staff, brand_id, order_id, done=done),
    )


@post("/desk/{brand_id:uuid}/{order_id:uuid}/hold", sync_to_thread=True)
def story_hold(
    request: Http, brand_id: FromPath[UUID], order_id: FromPath[UUID], data: URLEncodedBody[HoldForm]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        return holding.hold_order(
            session,
            data.action,
            order_of(session, staff, brand_id, order_id),
            data.kind,
            staff,
            until=data.until,
            release_stock=data.release_stock,
            note=data.note,
        )

    return _act_on_order(request, data, brand_id, order_id, work)


@post("/desk/{brand_id:uuid}/{order_id:uuid}/lift", sync_to_thread=True)
def story_lift(
    request: Http, brand_id: FromPath[UUID], order_id: FromPath[UUID], data: URLEncodedBody[LiftForm]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        order = order_of(session, staff, brand_id, order_id)
        return holding.lift_hold(session, data.action, order, data.handle, staff)

    return _act_on_order(request, data, brand_id, order_id, work)


def _act_on_order(
    request: Http, data: Form, brand_id: UUID, order_id: UUID, work: Callable[[Session, Staff], Outcome]
) -> Response[Any]:
    return act(
        request,
        data,
        Role.SUPERVISOR,
        work,
        then=f"/floor/desk/{brand_id}/{order_id}",
        again=lambda session, staff, refusal: _story_page(session, request, staff, brand_id, order_id, refusal),
    )
