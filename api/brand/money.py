# SPDX-License-Identifier: Apache-2.0
"""What is owed because of late changes, and what was paid. The warehouse itself moves no money."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter, RawBody
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.brand.access import ApiRequest, needs
from api.brand.once import Answer, OnceKey, answer_once
from api.brand.pages import Cursor, Limit, make_cursor, read_cursor
from api.problems import documented
from wms.brands.service import Grant
from wms.changes.payments import Settled, report_payment, settle_adjustment, waive_adjustment
from wms.money.models import Adjustment, AdjustmentKind, AdjustmentState
from wms.money.service import EXPORT_MAX, as_csv, list_adjustments
from wms.orders.models import Order, PaymentState
from wms.platform.db import brand_scope, in_transaction
from wms.platform.errors import Invalid


class AdjustmentOut(BaseModel):
    """One thing that is owed. The amount is in minor units and always positive: the kind says who owes it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    order: str = Field(description="The order's reference")
    kind: AdjustmentKind
    amount_minor: int
    currency: str
    state: AdjustmentState
    reason: str
    cause: str
    due_until: datetime | None
    settled_ref: str | None
    created_at: datetime
    closed_at: datetime | None


class AdjustmentPage(BaseModel):
    """Adjustments, the oldest first."""

    items: list[AdjustmentOut]
    next_cursor: str | None = Field(description="Asks for the next page; null on the last.")


class SettleIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    settled_ref: Annotated[
        str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$", description="Your payment's number")
    ]


class PaymentIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    state: Literal[PaymentState.AUTHORISED, PaymentState.CAPTURED, PaymentState.VOIDED]


class PaymentOut(BaseModel):
    ref: str
    payment: PaymentState
    version: int


@get(
    "/adjustments",
    operation_id="ListAdjustments",
    summary="List what is owed",
    guards=[needs(Grant.ORDERS_READ)],
    tags=["Money"],
    responses=documented(400, 401, 403),
    sync_to_thread=True,
)
def get_adjustments(
    request: ApiRequest,
    adjustment_state: Annotated[AdjustmentState | None, QueryParameter(name="state", description="Only these.")] = None,
    kind: Annotated[AdjustmentKind | None, QueryParameter(description="Only these.")] = None,
    as_format: Annotated[
        Literal["json", "csv"], QueryParameter(name="format", description="csv: all of them at once, up to 10,000.")
    ] = "json",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response[AdjustmentPage]:
    """List what is owed because of late changes, one row for each thing, never netted."""
    brand_id, after = request.auth.brand_id, _row_id(read_cursor(cursor))
    count = EXPORT_MAX if as_format == "csv" else limit

    def work(session: Session) -> Response[AdjustmentPage]:
        rows = list_adjustments(session, brand_id, state=adjustment_state, kind=kind, after=after, limit=count + 1)
        more = make_cursor(str(rows[count - 1][0].id)) if len(rows) > count else None
        if as_format == "csv":
            table: Response[AdjustmentPage] = Response(
                as_csv(rows[:count]),  # type: ignore[arg-type]
                media_type="text/csv",
                headers={"Next-Cursor": more} if more else None,
            )
            return table
        return Response(AdjustmentPage(items=[_out(one, ref) for one, ref in rows[:count]], next_cursor=more))

    return in_transaction(brand_scope(brand_id), work)


@post(
    "/adjustments/{adjustment_id:uuid}/settle",
    operation_id="SettleAdjustment",
    summary="Report that something owed was paid",
    status_code=200,
    guards=[needs(Grant.ORDERS_WRITE)],
    tags=["Money"],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def settle(
    request: ApiRequest,
    adjustment_id: FromPath[UUID],
    data: JSONBody[SettleIn],
    body: RawBody,
    idempotency_key: OnceKey = None,
) -> Response[AdjustmentOut]:
    """Reports a payment. A paid add-on joins its parcel; one that was paid too late is answered 409 `lapsed`, and its
    money is owed back (`refund_due`)."""
    brand_id, actor = request.auth.brand_id, request.auth.actor

    def work(session: Session) -> Answer[AdjustmentOut]:
        return _answer(session, settle_adjustment(session, brand_id, adjustment_id, data.settled_ref, actor))

    return answer_once(request, body, idempotency_key, work)


class WaiveIn(BaseModel):
    model_config = ConfigDict(extra="forbid")


@post(
    "/adjustments/{adjustment_id:uuid}/waive",
    operation_id="WaiveAdjustment",
    summary="Ask for it no longer",
    status_code=200,
    guards=[needs(Grant.ORDERS_WRITE)],
    tags=["Money"],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def waive(
    request: ApiRequest,
    adjustment_id: FromPath[UUID],
    data: JSONBody[WaiveIn],  # noqa: ARG001 - An empty object, so that every POST has a body.
    body: RawBody,
    idempotency_key: OnceKey = None,
) -> Response[AdjustmentOut]:
    """Gives up what is owed. An add-on whose invoice is waived is given for nothing and joins its parcel."""
    brand_id, actor = request.auth.brand_id, request.auth.actor

    def work(session: Session) -> Answer[AdjustmentOut]:
        return _answer(session, waive_adjustment(session, brand_id, adjustment_id, actor))

    return answer_once(request, body, idempotency_key, work)


@post(
    "/orders/{ref:str}/payment",
    operation_id="ReportPayment",
    summary="Report what became of an order's payment",
    status_code=200,
    guards=[needs(Grant.ORDERS_WRITE)],
    tags=["Money"],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def payment(
    request: ApiRequest,
    ref: FromPath[str],
    data: JSONBody[PaymentIn],
    body: RawBody,
    idempotency_key: OnceKey = None,
) -> Response[PaymentOut]:
    """Reports that an order's payment was authorised, captured or voided; the same again changes nothing."""
    brand_id, actor = request.auth.brand_id, request.auth.actor

    def work(session: Session) -> Answer[PaymentOut]:
        order = report_payment(session, brand_id, ref, data.state, actor)
        return Answer(PaymentOut(ref=order.ref, payment=order.payment_state, version=order.version))

    return answer_once(request, body, idempotency_key, work)


def _answer(session: Session, settled: Settled) -> Answer[AdjustmentOut]:
    adjustment = settled.adjustment
    order = session.get_one(Order, (adjustment.brand_id, adjustment.order_id))
    return Answer(_out(adjustment, order.ref), refusal=settled.refusal)


def _out(adjustment: Adjustment, order_ref: str) -> AdjustmentOut:
    return AdjustmentOut.model_validate({**adjustment.model_dump(), "order": order_ref})


def _row_id(cursor: str) -> UUID | None:
    if not cursor:
        return None
    try:
        return UUID(cursor)
    except ValueError as error:
        raise Invalid("The cursor is not one that a page gave out.") from error


HANDLERS = (get_adjustments, settle, waive, payment)
