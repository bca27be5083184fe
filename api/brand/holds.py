# SPDX-License-Identifier: Apache-2.0
"""``/v1/orders/{ref}/holds``: reasons of the brand to let an order wait."""

from typing import Annotated

from litestar import Response, post
from litestar.params import FromPath, JSONBody, RawBody
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.brand.access import ApiRequest, needs
from api.brand.once import Answer, OnceKey, answer_once
from api.brand.order_reads import HoldOut
from api.problems import documented
from wms.brands.service import Grant
from wms.orders.service import find_order
from wms.shipments import holds
from wms.shipments.holds import HoldIn


class LiftIn(BaseModel):
    """What the order's story says about it, if anything."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(max_length=80)] = ""


@post(
    "/orders/{ref:str}/holds",
    operation_id="PlaceHold",
    summary="Put an order on hold",
    guards=[needs(Grant.ORDERS_WRITE)],
    tags=["Orders"],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def place_hold(
    request: ApiRequest, ref: FromPath[str], data: JSONBody[HoldIn], body: RawBody, idempotency_key: OnceKey = None
) -> Response[HoldOut]:
    """Let an order wait until the hold is lifted, or until the instant that it names.

    Possible until hand-over; whatever the floor would do next is stopped. The same hold again answers 200, another
    one under its handle 409. An order carries at most 20. `release_stock` is for orders that nobody has released:
    lifting such a hold promises stock anew, and what is gone by then makes the order wait as `out_of_stock`.
    """
    brand_id, actor = request.auth.brand_id, request.auth.actor

    def work(session: Session) -> Answer[HoldOut]:
        hold, is_new = holds.place(session, find_order(session, brand_id, ref), data, holds.BRAND, actor)
        return Answer(HoldOut.model_validate(hold), 201 if is_new else 200)

    return answer_once(request, body, idempotency_key, work)


@post(
    "/orders/{ref:str}/holds/{handle:str}/lift",
    operation_id="LiftHold",
    summary="Lift a hold",
    status_code=200,
    guards=[needs(Grant.ORDERS_WRITE)],
    tags=["Orders"],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def lift_hold(
    request: ApiRequest,
    ref: FromPath[str],
    handle: FromPath[str],
    data: JSONBody[LiftIn],
    body: RawBody,
    idempotency_key: OnceKey = None,
) -> Response[HoldOut]:
    """Lift one hold that the brand placed; lifting it again changes nothing. Other holds go on."""
    brand_id, actor = request.auth.brand_id, request.auth.actor

    def work(session: Session) -> Answer[HoldOut]:
        hold = holds.lift(session, find_order(session, brand_id, ref), handle, holds.BRAND, actor, data.reason)
        return Answer(HoldOut.model_validate(hold))

    return answer_once(request, body, idempotency_key, work)


HANDLERS = (place_hold, lift_hold)
