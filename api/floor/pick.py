# SPDX-License-Identifier: Apache-2.0
"""Picking on a handheld: totes first, then stop by stop: location, item, tote. The steps before the last one are plain
addresses, so a reload, a dead battery or the way back harms nothing; only the last scan records."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from pydantic import Field
from sqlmodel import Session

from api.floor.door import Form, Http, act, may, screen, show
from api.floor.paper import pdf
from wms.brands.models import Role, Staff
from wms.catalog.models import Sku
from wms.floor.actions import Outcome, once
from wms.floor.papers import pick_list
from wms.floor.picking import bind_tote, confirm_pick, find_task, plan_pick_list, report_short, take_over
from wms.floor.scans import check_item, check_location
from wms.floor.walk import (
    Stop,
    find_left_list,
    find_list,
    shipments_waiting,
    unfinished_lists,
    walk_of,
    walks_of_others,
)
from wms.platform.errors import WmsError

Code = Annotated[str, Field(max_length=120)]


class StartForm(Form):
    slots: int = 6


class ToteForm(Form):
    slot: int
    tote: Code


class PickForm(Form):
    task: UUID
    location: Code
    item: Code
    tote: Code
    quantity: int


class ShortForm(Form):
    task: UUID
    location: Code
    missing: int


def _start_page(
    session: Session,
    request: Http,
    staff: Staff,
    refusal: WmsError | str | None = None,
    done: UUID | None = None,
    finished: bool = False,
) -> Response[Any]:
    return screen(
        session,
        request,
        staff,
        "pick_start.html",
        title="Pick",
        refusal=refusal,
        done=done,
        waiting=shipments_waiting(session, staff.warehouse_id),
        walks=unfinished_lists(session, staff),
        finished=finished,
        others=walks_of_others(session, staff) if may(staff, Role.SUPERVISOR) else [],
    )


@get("/pick", sync_to_thread=True)
def pick_start_page(request: Http, done: FromQuery[UUID | None] = None) -> Response[Any]:
    return show(request, Role.PICKER, lambda session, staff: _start_page(session, request, staff, done=done))


@post("/pick", sync_to_thread=True)
def pick_start(request: Http, data: URLEncodedBody[StartForm]) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        def plan() -> Outcome:
            pick_list = plan_pick_list(session, staff.warehouse_id, data.slots, staff)
            if pick_list is None:
                return Outcome("Nothing waits to be picked.")
            return Outcome(f"Cart for pick list {pick_list.number}.", {"list": str(pick_list.id)})

        return once(session, data.action, staff, "plan", plan)

    return act(
        request,
        data,
        Role.PICKER,
        work,
        then=lambda outcome: f"/floor/pick/{outcome.data['list']}" if "list" in outcome.data else "/floor/pick",
        again=lambda session, staff, refusal: _start_page(session, request, staff, refusal),
    )


def _walk_page(
    session: Session,
    request: Http,
    staff: Staff,
    list_id: UUID,
    *,
    location: str = "",
    item: str = "",
    short: bool = False,
    refusal: WmsError | str | None = None,
    done: UUID | None = None,
) -> Response[Any]:
    walk = walk_of(session, find_list(session, staff, list_id))
    stop = walk.next_stop
    step = "tote_first" if walk.next_slot else "location" if stop else "over"
    if step == "location" and stop is not None:
        step, wrong = _step_of(session, stop, location, item)
        refusal = refusal or wrong
    if step == "over" and not walk.stops:
        return _start_page(session, request, staff, refusal, done, finished=True)
    return screen(
        session,
        request,
        staff,
        "pick_walk.html",
        title=f"Pick list {walk.pick_list.number}",
        refusal=refusal,
        done=done,
        walk=walk,
        stop=stop,
        slot=walk.next_slot,
        step="short" if short and step in ("item", "tote") else step,
        location=location,
        item=item,
    )


def _step_of(session: Session, stop: Stop, location: str, item: str) -> tuple[str, WmsError | None]:
    """Returns the step that the scans so far lead to, and what was wrong with the last of them."""
    try:
        if not location:
            return "location", None
        check_location(stop.location, location)
    except WmsError as wrong:
        return "location", wrong
    try:
        if not item:
            return "item", None
        check_item(session, stop.brand_id, session.get_one(Sku, (stop.brand_id, stop.sku_id)), item)
    except WmsError as wrong:
        return "item", wrong
    return "tote", None


@get("/pick/{list_id:uuid}", sync_to_thread=True)
def pick_page(
    request: Http,
    list_id: FromPath[UUID],
    location: FromQuery[str] = "",
    item: FromQuery[str] = "",
    short: FromQuery[bool] = False,
    done: FromQuery[UUID | None] = None,
) -> Response[Any]:
    return show(
        request,
        Role.PICKER,
        lambda session, staff: _walk_page(
            session,
            request,
            staff,
            list_id,
            location=location.strip(),
            item=item.strip(),
            short=short,
            done=done if not location else None,
        ),
    )


@get("/pick/{list_id:uuid}/paper", sync_to_thread=True)
def pick_paper(request: Http, list_id: FromPath[UUID]) -> Response[Any]:
    def view(session: Session, staff: Staff) -> Response[Any]:
        walk = walk_of(session, find_list(session, staff, list_id))
        return pdf(pick_list(session, walk), f"pick-list-{walk.pick_list.number}.pdf")

    return show(request, Role.PICKER, view)


@post("/pick/{list_id:uuid}/take", sync_to_thread=True)
def pick_take(request: Http, list_id: FromPath[UUID], data: URLEncodedBody[Form]) -> Response[Any]:
    """Gives a supervisor the walk that somebody else has left."""
    return act(
        request,
        data,
        Role.SUPERVISOR,
        lambda session, staff: take_over(session, data.action, find_left_list(session, staff, list_id), staff),
        then=f"/floor/pick/{list_id}",
        again=lambda session, staff, refusal: _start_page(session, request, staff, refusal),
    )


@post("/pick/{list_id:uuid}/tote", sync_to_thread=True)
def pick_tote(request: Http, list_id: FromPath[UUID], data: URLEncodedBody[ToteForm]) -> Response[Any]:
    return act(
        request,
        data,
        Role.PICKER,
        lambda session, staff: bind_tote(
            session, data.action, find_list(session, staff, list_id), data.slot, data.tote, staff
        ),
        then=f"/floor/pick/{list_id}",
        again=lambda session, staff, refusal: _walk_page(session, request, staff, list_id, refusal=refusal),
    )


@post("/pick/{list_id:uuid}", sync_to_thread=True)
def pick_confirm(request: Http, list_id: FromPath[UUID], data: URLEncodedBody[PickForm]) -> Response[Any]:
    return act(
        request,
        data,
        Role.PICKER,
        lambda session, staff: confirm_pick(
            session,
            data.action,
            find_task(session, staff, list_id, data.task),
            data.location,
            data.item,
            data.quantity,
            data.tote,
            staff,
        ),
        then=f"/floor/pick/{list_id}",
        again=lambda session, staff, refusal: _walk_page(
            session, request, staff, list_id, location=data.location, item=data.item, refusal=refusal
        ),
    )


@post("/pick/{list_id:uuid}/short", sync_to_thread=True)
def pick_short(request: Http, list_id: FromPath[UUID], data: URLEncodedBody[ShortForm]) -> Response[Any]:
    return act(
        request,
        data,
        Role.PICKER,
        lambda session, staff: report_short(
            session, data.action, find_task(session, staff, list_id, data.task), data.location, data.missing, staff
        ),
        then=f"/floor/pick/{list_id}",
        again=lambda session, staff, refusal: _walk_page(
            session, request, staff, list_id, location=data.location, refusal=refusal
        ),
    )
