# SPDX-License-Identifier: Apache-2.0
"""The board on the wall and the desk: both only look; what the board lists for a person is settled in ``tasks``."""

from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlmodel import Session

from api.floor.door import Http, screen, show
from wms.brands.models import Role, Staff, Warehouse
from wms.floor.board import board_of
from wms.floor.desk import search, story_of
from wms.floor.words import sentence_of
from wms.platform.clock import now
from wms.platform.errors import WmsError


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


@get("/desk/{brand_id:uuid}/{order_id:uuid}", sync_to_thread=True)
def story_page(request: Http, brand_id: FromPath[UUID], order_id: FromPath[UUID]) -> Response[Any]:
    def view(session: Session, staff: Staff) -> Response[Any]:
        story = story_of(session, staff, brand_id, order_id)
        return screen(
            session,
            request,
            staff,
            "story.html",
            title=f"Order {story.order.ref}",
            story=story,
            sentence_of=sentence_of,
        )

    return show(request, Role.SUPERVISOR, view)
