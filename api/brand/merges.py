# SPDX-License-Identifier: Apache-2.0
"""Orders that are to travel together: what stands against it, and doing it."""

from datetime import datetime
from typing import Annotated

from litestar import Response, get, post
from litestar.params import JSONBody, RawBody
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.brand.access import ApiRequest, needs
from api.brand.changes import ChangeOut
from api.brand.once import Answer, OnceKey, answer_once
from api.problems import documented
from wms.brands.models import Brand
from wms.brands.service import Grant
from wms.changes.merges import check_merge, merge_orders
from wms.changes.models import ChangeAnswer
from wms.intake.schemas import Reference
from wms.orders.models import Order
from wms.platform.db import brand_scope, in_transaction
from wms.shipments.doors import suggestions
from wms.shipments.joining import MEMBERS_MAX

Refs = Annotated[list[Reference], Field(min_length=2, max_length=MEMBERS_MAX, examples=[["1001", "1002"]])]


class CheckIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    refs: Refs


class MergeIn(CheckIn):
    ref: Annotated[Reference, Field(description="Your own number for this merge; sent again, it is answered again")]
    acknowledge_warnings: bool = False


class ObstacleOut(BaseModel):
    """What stands against one order, or is to be minded about it."""

    model_config = ConfigDict(from_attributes=True)
    ref: str
    code: str
    detail: str


class CheckOut(BaseModel):
    """What the merge would come to now. Orders without a blocker can join."""

    model_config = ConfigDict(from_attributes=True)
    into: str = Field(description="The order whose shipment takes the others in")
    release_at: datetime = Field(description="When they would go to the floor")
    blockers: list[ObstacleOut]
    warnings: list[ObstacleOut] = Field(description="To be acknowledged, or the merge is refused")
    parcels_saved: int


class MergedOrder(ChangeOut):
    order: str = Field(description="The order that was to join")


class MergeOut(BaseModel):
    """One answer for each order that did not travel with the others already."""

    merged: bool = Field(description="Whether all of them travel together now")
    answers: list[MergedOrder]


class SuggestionsOut(BaseModel):
    groups: list[list[str]] = Field(description="Orders for one door that are held apart")


@post(
    "/merges/check",
    operation_id="CheckMerge",
    summary="Check whether orders can travel together",
    status_code=200,
    guards=[needs(Grant.ORDERS_WRITE)],
    tags=["Merges"],
    responses=documented(400, 401, 403, 404),
    sync_to_thread=True,
)
def check(request: ApiRequest, data: JSONBody[CheckIn]) -> CheckOut:
    """Says what merging the orders would come to, and changes nothing."""
    brand_id, actor = request.auth.brand_id, request.auth.actor

    def work(session: Session) -> CheckOut:
        return CheckOut.model_validate(check_merge(session, session.get_one(Brand, brand_id), data.refs, actor))

    return in_transaction(brand_scope(brand_id), work)


@post(
    "/merges",
    operation_id="MergeOrders",
    summary="Let orders travel together",
    status_code=200,
    guards=[needs(Grant.ORDERS_WRITE)],
    tags=["Merges"],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def merge(
    request: ApiRequest, data: JSONBody[MergeIn], body: RawBody, idempotency_key: OnceKey = None
) -> Response[MergeOut]:
    """Puts the orders into one shipment under one tracking number; each keeps its reference, lines, payment and story.
    Every order that joins gets its own answer, and refusals are kept. To take one out again, ask for the change
    `split_off`."""
    brand_id, actor = request.auth.brand_id, request.auth.actor

    def work(session: Session) -> Answer[MergeOut]:
        brand = session.get_one(Brand, brand_id)
        changes = merge_orders(
            session, brand, data.refs, data.ref, actor, acknowledge_warnings=data.acknowledge_warnings
        )
        answers = [
            MergedOrder(
                **ChangeOut.model_validate(change).model_dump(),
                order=session.get_one(Order, (brand_id, change.order_id)).ref,
            )
            for change in changes
        ]
        done = (ChangeAnswer.APPLIED, ChangeAnswer.APPLIED_WITH_REWORK)
        return Answer(MergeOut(merged=all(one.answer in done for one in answers), answers=answers))

    return answer_once(request, body, idempotency_key, work)


@get(
    "/merges/suggestions",
    operation_id="ListMergeSuggestions",
    summary="List orders that could travel together",
    guards=[needs(Grant.ORDERS_READ)],
    tags=["Merges"],
    responses=documented(401, 403),
    sync_to_thread=True,
)
def get_suggestions(request: ApiRequest) -> SuggestionsOut:
    """List up to 100 groups of held orders that go to one door apart, the most urgent first."""
    brand_id = request.auth.brand_id
    return in_transaction(brand_scope(brand_id), lambda session: SuggestionsOut(groups=suggestions(session, brand_id)))


HANDLERS = (check, merge, get_suggestions)
