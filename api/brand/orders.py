# SPDX-License-Identifier: Apache-2.0
"""New orders: one at a time or thousands at once, and cancelling one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import pydantic_core
from litestar import Response, Router, post
from litestar.params import FromPath, JSONBody, RawBody
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from api.brand.access import ApiRequest, needs
from api.brand.bodies import ManyOrders
from api.brand.desk import Desk, Submission
from api.brand.once import Answer, OnceKey, answer_once, fingerprint
from api.problems import documented
from wms.brands.models import Brand
from wms.brands.service import Grant
from wms.changes.models import ChangeAnswer
from wms.changes.schemas import Cancel
from wms.changes.service import TooLate, ask
from wms.intake import service as intake
from wms.intake.schemas import OrderIn
from wms.orders.models import OrderState
from wms.orders.service import find_order
from wms.platform.errors import Invalid, WmsError
from wms.platform.idempotency import Question
from wms.platform.settings import settings
from wms.platform.validation import field_errors

BULK_ORDERS_MAX = 5_000
BULK_LINES_MAX = 200_000


class OrderAccepted(BaseModel):
    """An order as it stands right after it was accepted (or found to be known already)."""

    ref: str
    id: UUID
    state: OrderState
    existed: bool = Field(description="It was known before, with the same content; nothing was done again")
    release_at: datetime | None = Field(description="Until then it can still change; then it goes to the floor")
    warnings: list[str] = Field(description="Doubts about the address or the contact, as sentences")


class OrderRefused(BaseModel):
    """Why one order of many was not accepted. Further members depend on the code, such as `shortages`."""

    model_config = ConfigDict(extra="allow")
    status: int
    code: str
    detail: str


class BulkAnswer(BaseModel):
    """The answer to one order of a bulk: either it was taken, or the refusal says why not."""

    index: int = Field(description="Its position in the request, from 0")
    ref: str | None
    order: OrderAccepted | None = None
    refusal: OrderRefused | None = None


class BulkAnswers(BaseModel):
    accepted: int
    existed: int
    refused: int
    answers: list[BulkAnswer]


class CancelIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(max_length=80)] = ""


class OrderCancelled(BaseModel):
    ref: str
    state: OrderState


@post(
    "/orders",
    operation_id="PlaceOrder",
    summary="Place one order",
    guards=[needs(Grant.ORDERS_WRITE)],
    responses=documented(400, 401, 403, 409, 422),
)
async def place_order(
    request: ApiRequest, data: JSONBody[OrderIn], body: RawBody, idempotency_key: OnceKey = None
) -> Response[OrderAccepted]:
    """Accepts an order once: the same `ref` with the same content answers 200 and the existing order, with another
    content 409. Stock is promised before the answer; a shortage names every article that falls short."""
    question = Question(idempotency_key, fingerprint(request, body)) if idempotency_key else None
    desk: Desk = request.app.state.desk
    answer = await desk.submit(Submission(request.auth.brand_id, data, accepted_json, question))
    headers = {"Idempotent-Replayed": "true"} if answer.is_replay else None
    content: Any = answer.body
    return Response(content, status_code=answer.status, media_type="application/json", headers=headers)


def _accepted(answer: intake.Answer) -> OrderAccepted:
    assert answer.order_id is not None, "An answer without a refusal names its order."
    assert answer.state is not None
    return OrderAccepted(
        ref=answer.ref,
        id=answer.order_id,
        state=answer.state,
        existed=answer.existed,
        release_at=answer.release_at,
        warnings=answer.warnings,
    )


def accepted_json(answer: intake.Answer) -> bytes:
    return _accepted(answer).model_dump_json().encode()


@post(
    "/orders/bulk",
    operation_id="PlaceOrders",
    summary="Place up to 5,000 orders",
    operation_class=ManyOrders,
    status_code=200,
    guards=[needs(Grant.ORDERS_WRITE)],
    request_max_body_size=settings().bulk_body_max_bytes,
    responses=documented(400, 401, 403, 413, 422),
    sync_to_thread=True,
)
def place_orders(
    request: ApiRequest,
    body: RawBody,
    idempotency_key: OnceKey = None,
) -> Response[BulkAnswers]:
    """Takes a JSON array, or NDJSON, of up to 5,000 orders. Each gets its own answer, in the sequence of the request;
    one that is refused never affects its neighbours."""
    documents = _documents(body)
    brand_id, actor = request.auth.brand_id, request.auth.actor
    answers: list[BulkAnswer] = []
    valid: list[tuple[int, OrderIn]] = []
    for index, document in enumerate(documents):
        try:
            valid.append((index, OrderIn.model_validate(document)))
        except ValidationError as error:
            answers.append(_not_valid(index, document, error))
    if sum(len(order.lines) for _, order in valid) > BULK_LINES_MAX:
        raise Invalid(f"One call takes at most {BULK_LINES_MAX:,} lines in all. Send the orders in several calls.")

    def work(session: Session) -> Answer[BulkAnswers]:
        brand = session.get_one(Brand, brand_id)
        taken = intake.accept(session, brand, [order for _, order in valid], actor)
        told = [_bulk_answer(index, answer) for (index, _), answer in zip(valid, taken, strict=True)]
        return Answer(_summed(sorted(answers + told, key=lambda one: one.index)))

    return answer_once(request, body, idempotency_key, work)


def _documents(body: bytes) -> list[Any]:
    """Returns the documents of an array or of NDJSON; raises :class:`Invalid` where neither can be read."""
    if body.lstrip()[:1] == b"[":
        try:
            documents = pydantic_core.from_json(body)
        except ValueError as error:
            raise Invalid(f"The body is not a JSON array: {error}. Nothing was accepted.") from error
    else:
        documents = [_document(number, line) for number, line in enumerate(body.splitlines(), 1) if line.strip()]
    if not 1 <= len(documents) <= BULK_ORDERS_MAX:
        raise Invalid(f"One call takes 1 to {BULK_ORDERS_MAX:,} orders; this one has {len(documents):,}.")
    return list(documents)


def _document(number: int, line: bytes) -> Any:
    try:
        return pydantic_core.from_json(line)
    except ValueError as error:
        # The error counts lines too, and in one line that is always the first.
        why = str(error).replace(" at line 1 column ", " at column ")
        raise Invalid(f"Line {number} of the body is not JSON: {why}. Nothing was accepted.", line=number) from error


def _not_valid(index: int, document: Any, error: ValidationError) -> BulkAnswer:
    ref = document.get("ref") if isinstance(document, dict) else None
    errors = [{"field": one.field, "message": one.message} for one in field_errors(error)]
    refusal = OrderRefused.model_validate(
        {"status": 400, "code": "invalid", "detail": "The order is not valid.", "errors": errors}
    )
    return BulkAnswer(index=index, ref=ref if isinstance(ref, str) else None, refusal=refusal)


def _bulk_answer(index: int, answer: intake.Answer) -> BulkAnswer:
    if answer.refusal is not None:
        return BulkAnswer(index=index, ref=answer.ref, refusal=_refusal(answer.refusal))
    return BulkAnswer(index=index, ref=answer.ref, order=_accepted(answer))


def _refusal(error: WmsError) -> OrderRefused:
    return OrderRefused.model_validate(
        {**error.extra, "status": error.status, "code": error.code, "detail": error.detail}
    )


def _summed(answers: Sequence[BulkAnswer]) -> BulkAnswers:
    existed = sum(1 for answer in answers if answer.order is not None and answer.order.existed)
    refused = sum(1 for answer in answers if answer.refusal is not None)
    return BulkAnswers(
        accepted=len(answers) - existed - refused, existed=existed, refused=refused, answers=list(answers)
    )


@post(
    "/orders/{ref:str}/cancel",
    operation_id="CancelOrder",
    summary="Cancel an order",
    status_code=200,
    guards=[needs(Grant.ORDERS_WRITE)],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def cancel(
    request: ApiRequest,
    ref: FromPath[str],
    data: JSONBody[CancelIn],
    body: RawBody,
    idempotency_key: OnceKey = None,
) -> Response[OrderCancelled]:
    """Cancels the whole order and gives its stock back; what cannot be cancelled any more is 409 `too_late`. It is a
    change like any other (`ChangeOrder`, kind `cancel`), with a reference that is made here."""
    brand_id, actor = request.auth.brand_id, request.auth.actor

    def work(session: Session) -> Answer[OrderCancelled]:
        order = find_order(session, brand_id, ref)
        refusal = None
        if order.state is not OrderState.CANCELLED:
            change = Cancel(ref=f"cancel-{order.version}", reason=data.reason)
            answered = ask(session, session.get_one(Brand, brand_id), ref, change, actor)
            if answered.answer is ChangeAnswer.REFUSED and answered.reason_code != "already_cancelled":
                refusal = TooLate(answered.detail, reason_code=answered.reason_code, stage=answered.stage)
        return Answer(OrderCancelled(ref=order.ref, state=order.state), refusal=refusal)

    return answer_once(request, body, idempotency_key, work)


router = Router("", route_handlers=[place_order, place_orders, cancel], tags=["Orders"])
