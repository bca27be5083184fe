# SPDX-License-Identifier: Apache-2.0
"""Shelving what a late change took out again: scan the item, then the bin. Looking changes nothing."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromQuery, URLEncodedBody
from pydantic import Field
from sqlmodel import Session

from api.floor.door import Form, Http, act, screen, show
from wms.brands.models import Role, Staff
from wms.floor.actions import Outcome
from wms.floor.put_back import Task, find_put_back, put_back, task_of_item, tasks_of
from wms.platform.errors import WmsError

Code = Annotated[str, Field(max_length=120)]


class PutBackForm(Form):
    task: UUID
    item: Code
    location: Code
    quantity: int


def _page(
    session: Session,
    request: Http,
    staff: Staff,
    *,
    item: str = "",
    task_id: UUID | None = None,
    refusal: WmsError | None = None,
    done: UUID | None = None,
) -> Response[Any]:
    tasks = tasks_of(session, staff.warehouse_id)
    task: Task | None = next((one for one in tasks if one.id == task_id), None)
    if item and task is None:
        try:
            task = task_of_item(session, staff.warehouse_id, item)
        except WmsError as wrong:
            refusal = refusal or wrong
    return screen(
        session,
        request,
        staff,
        "put_back.html",
        title="Put back",
        refusal=refusal,
        done=done,
        tasks=tasks,
        task=task,
        item=item,
    )


@get("/put-back", sync_to_thread=True)
def put_back_page(
    request: Http,
    item: FromQuery[str] = "",
    task: FromQuery[UUID | None] = None,
    done: FromQuery[UUID | None] = None,
) -> Response[Any]:
    """Shows what waits, or, with an item scanned, where it goes. ``task`` says which of several is meant."""
    return show(
        request,
        Role.STOCK,
        lambda session, staff: _page(session, request, staff, item=item.strip(), task_id=task, done=done),
    )


@post("/put-back", sync_to_thread=True)
def put_back_confirm(request: Http, data: URLEncodedBody[PutBackForm]) -> Response[Any]:
    """Records that the pieces lie in the scanned bin."""

    def work(session: Session, staff: Staff) -> Outcome:
        task = find_put_back(session, staff, data.task)
        return put_back(session, data.action, task, data.item, data.location, data.quantity, staff)

    return act(
        request,
        data,
        Role.STOCK,
        work,
        then="/floor/put-back",
        again=lambda session, staff, refusal: _page(
            session, request, staff, item=data.item, task_id=data.task, refusal=refusal
        ),
    )
