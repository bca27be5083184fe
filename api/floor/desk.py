# SPDX-License-Identifier: Apache-2.0
"""The board on the wall and the desk: both only look."""

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


@get("/board", sync_to_thread=True)
def board_page(request: Http) -> Response[Any]:
    def view(session: Session, staff: Staff) -> Response[Any]:
        zone = ZoneInfo(session.get_one(Warehouse, staff.warehouse_id).time_zone)
        today = datetime.combine(now(session).astimezone(zone).date(), time.min, tzinfo=zone)
        board = board_of(session, staff.warehouse_id, today)
        return screen(session, request, staff, "board.html", title="Board", board=board)

    return show(request, Role.SUPERVISOR, view)


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
