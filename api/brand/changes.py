# SPDX-License-Identifier: Apache-2.0
"""Late changes: what is possible now, and asking for it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, RawBody
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.brand.access import ApiRequest, needs
from api.brand.bodies import OneChange
from api.brand.once import Answer, OnceKey, answer_once
from api.problems import documented
from wms.brands.models import Brand
from wms.brands.service import Grant
from wms.changes.models import Change, ChangeAnswer, ChangeKind
from wms.changes.options import options
from wms.changes.schemas import AnyChange
from wms.changes.service import ask, changes_of
from wms.changes.stages import Stage
from wms.orders.service import find_order
from wms.platform.db import brand_scope, in_transaction


class OptionOut(BaseModel):
    """What a change of this kind would be answered for one shipment of the order."""

    model_config = ConfigDict(from_attributes=True)

    kind: ChangeKind
    shipment_id: UUID
    stage: Stage
    answer: ChangeAnswer
    reason_code: str = Field(description="Why not, or what it waits for; empty where it is simply done")
    detail: str
    alternatives: list[str] = Field(description="What is open instead")
    until: datetime | None = Field(description="Certain until then; null where the next scan may end it")


class OptionsOut(BaseModel):
    ref: str
    version: int = Field(description="To be sent as `expected_version`")
    options: list[OptionOut]


class ChangeOut(BaseModel):
    """A change and its answer. `requested` and `awaiting_payment` are decided later; ask for the change again then."""

    model_config = ConfigDict(from_attributes=True)

    ref: str
    kind: ChangeKind
    answer: ChangeAnswer
    reason_code: str
    detail: str
    stage: str = Field(description="How far the furthest shipment of the order was")
    outcome: dict[str, Any] = Field(
        description="What it costs (`invoice_due`, `refund_due`), each shipment's own answer (`parts`), and what is"
        " open instead (`alternatives`, `combine_code`)"
    )
    asked_at: datetime
    resolved_at: datetime | None


class ChangesOut(BaseModel):
    ref: str
    changes: list[ChangeOut]


@get(
    "/orders/{ref:str}/options",
    operation_id="GetOrderOptions",
    summary="Get what can still be changed",
    guards=[needs(Grant.ORDERS_READ)],
    tags=["Changes"],
    responses=documented(400, 401, 403, 404),
    sync_to_thread=True,
)
def get_options(request: ApiRequest, ref: FromPath[str]) -> OptionsOut:
    """Get the answer to every kind of change before it is asked for, one for each shipment of the order."""
    brand_id = request.auth.brand_id

    def work(session: Session) -> OptionsOut:
        order = find_order(session, brand_id, ref)
        found = options(session, session.get_one(Brand, brand_id), order)
        shown = [OptionOut.model_validate(option) for option in found]
        return OptionsOut(ref=order.ref, version=order.version, options=shown)

    return in_transaction(brand_scope(brand_id), work)


@get(
    "/orders/{ref:str}/changes",
    operation_id="ListOrderChanges",
    summary="List the changes of an order",
    guards=[needs(Grant.ORDERS_READ)],
    tags=["Changes"],
    responses=documented(400, 401, 403, 404),
    sync_to_thread=True,
)
def get_changes(request: ApiRequest, ref: FromPath[str]) -> ChangesOut:
    """List every change that was asked for, refused ones too, the oldest first."""
    brand_id = request.auth.brand_id

    def work(session: Session) -> ChangesOut:
        order = find_order(session, brand_id, ref)
        found = changes_of(session, brand_id, order.id)
        return ChangesOut(ref=order.ref, changes=[ChangeOut.model_validate(one) for one in found])

    return in_transaction(brand_scope(brand_id), work)


@post(
    "/orders/{ref:str}/changes",
    operation_id="ChangeOrder",
    summary="Ask for a change",
    operation_class=OneChange,
    status_code=200,
    guards=[needs(Grant.ORDERS_WRITE)],
    tags=["Changes"],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def change_order(
    request: ApiRequest,
    ref: FromPath[str],
    data: JSONBody[AnyChange],
    body: RawBody,
    idempotency_key: OnceKey = None,
) -> Response[ChangeOut]:
    """Changes an order as far as it is still possible. 200 with `answer` says what came of it: a refusal is an answer
    too, and is kept. 409 means that nothing was decided: another version, or another change under the same `ref`."""
    brand_id, actor = request.auth.brand_id, request.auth.actor

    def work(session: Session) -> Answer[ChangeOut]:
        return Answer(_out(ask(session, session.get_one(Brand, brand_id), ref, data.root, actor)))

    return answer_once(request, body, idempotency_key, work)


def _out(change: Change) -> ChangeOut:
    return ChangeOut.model_validate(change)


HANDLERS = (get_options, get_changes, change_order)
