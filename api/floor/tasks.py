# SPDX-License-Identifier: Apache-2.0
"""What the board lists under "Needs a person", one page for each, and the buttons that settle it."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from pydantic import Field
from sqlmodel import Session

from api.floor.desk import board_view
from api.floor.door import Form, Http, act, screen, show
from wms.brands.models import Role, Staff
from wms.floor import tasks
from wms.floor.actions import Outcome
from wms.platform.errors import WmsError


class ReasonForm(Form):
    reason: Annotated[str, Field(max_length=200)] = ""


def _address(brand_id: UUID, purchase_id: UUID) -> str:
    return f"/floor/tasks/{brand_id}/{purchase_id}"


def _page(
    session: Session,
    request: Http,
    staff: Staff,
    brand_id: UUID,
    purchase_id: UUID,
    refusal: WmsError | None = None,
    done: UUID | None = None,
    reason: str = "",
) -> Response[Any]:
    task = tasks.task_of(session, tasks.find_purchase(session, staff, brand_id, purchase_id))
    return screen(
        session,
        request,
        staff,
        "task.html",
        title="Needs a person",
        refusal=refusal,
        done=done,
        task=task,
        at=_address(brand_id, purchase_id),
        reason=reason,
    )


def _again(request: Http, brand_id: UUID, purchase_id: UUID, reason: str = "") -> Any:
    return lambda session, staff, refusal: _page(session, request, staff, brand_id, purchase_id, refusal, reason=reason)


@get("/tasks/{brand_id:uuid}/{purchase_id:uuid}", sync_to_thread=True)
def task_page(
    request: Http, brand_id: FromPath[UUID], purchase_id: FromPath[UUID], done: FromQuery[UUID | None] = None
) -> Response[Any]:
    return show(
        request,
        Role.SUPERVISOR,
        lambda session, staff: _page(session, request, staff, brand_id, purchase_id, done=done),
    )


@post("/tasks/{brand_id:uuid}/{purchase_id:uuid}/ask", sync_to_thread=True)
def task_ask(
    request: Http, brand_id: FromPath[UUID], purchase_id: FromPath[UUID], data: URLEncodedBody[Form]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        purchase = tasks.find_purchase(session, staff, brand_id, purchase_id)
        return tasks.ask_again(session, data.action, purchase, staff)

    then = _address(brand_id, purchase_id)
    return act(request, data, Role.SUPERVISOR, work, then=then, again=_again(request, brand_id, purchase_id))


@post("/tasks/{brand_id:uuid}/{purchase_id:uuid}/refused", sync_to_thread=True)
def task_refused(
    request: Http, brand_id: FromPath[UUID], purchase_id: FromPath[UUID], data: URLEncodedBody[ReasonForm]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        purchase = tasks.find_purchase(session, staff, brand_id, purchase_id)
        return tasks.declare_refused(session, data.action, purchase, data.reason, staff)

    again = _again(request, brand_id, purchase_id, data.reason)
    return act(request, data, Role.SUPERVISOR, work, then=_address(brand_id, purchase_id), again=again)


@post("/tasks/{brand_id:uuid}/{purchase_id:uuid}/cost", sync_to_thread=True)
def task_cost(
    request: Http, brand_id: FromPath[UUID], purchase_id: FromPath[UUID], data: URLEncodedBody[ReasonForm]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        purchase = tasks.find_purchase(session, staff, brand_id, purchase_id)
        return tasks.accept_cost(session, data.action, purchase, data.reason, staff)

    again = _again(request, brand_id, purchase_id, data.reason)
    return act(request, data, Role.SUPERVISOR, work, then=_address(brand_id, purchase_id), again=again)


@post("/tasks/jobs/{job_id:uuid}/run", sync_to_thread=True)
def task_run(request: Http, job_id: FromPath[UUID], data: URLEncodedBody[Form]) -> Response[Any]:
    return act(
        request,
        data,
        Role.SUPERVISOR,
        lambda session, staff: tasks.run_again(session, data.action, job_id, staff),
        then="/floor/board",
        again=lambda session, staff, refusal: board_view(session, request, staff, refusal=refusal),
    )
