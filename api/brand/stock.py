# SPDX-License-Identifier: Apache-2.0
"""``/v1/stock``: what there is, what arrived, and what was counted otherwise."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import JSONBody, QueryParameter, RawBody
from pydantic import BaseModel, Field
from sqlmodel import Session

from api.brand.access import ApiRequest, needs
from api.brand.once import Answer, OnceKey, answer_once
from api.brand.pages import Cursor, Limit, make_cursor, read_cursor
from api.problems import documented
from wms.brands.models import Brand
from wms.brands.service import Grant
from wms.platform.db import brand_scope, in_transaction
from wms.shipments.adjustments import book_adjustment
from wms.stock.bookings import book_receipt
from wms.stock.levels import stock_levels
from wms.stock.schemas import AdjustmentIn, AdjustmentOut, ReceiptIn, ReceiptOut, StockLevel


class StockPage(BaseModel):
    """Stock by the article's code."""

    items: list[StockLevel]
    next_cursor: str | None = Field(description="Asks for the next page; null on the last.")


@get(
    "/stock",
    operation_id="ListStock",
    summary="List stock",
    guards=[needs(Grant.STOCK_READ)],
    tags=["Stock"],
    responses=documented(400, 401, 403),
    sync_to_thread=True,
)
def get_stock(
    request: ApiRequest,
    sku: Annotated[str | None, QueryParameter(max_length=64, description="This article only.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> StockPage:
    """List what may be sold of each article, what is promised to orders, and what is left to promise."""
    brand_id, after = request.auth.brand_id, read_cursor(cursor)

    def work(session: Session) -> StockPage:
        levels = stock_levels(session, brand_id, after, limit + 1, sku)
        more = make_cursor(levels[limit - 1].sku) if len(levels) > limit else None
        return StockPage(items=levels[:limit], next_cursor=more)

    return in_transaction(brand_scope(brand_id), work)


@post(
    "/stock/receipts",
    operation_id="PostReceipt",
    summary="Book goods that arrived",
    guards=[needs(Grant.STOCK_WRITE)],
    tags=["Stock"],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def post_receipt(
    request: ApiRequest, body: RawBody, data: JSONBody[ReceiptIn], idempotency_key: OnceKey = None
) -> Response[ReceiptOut]:
    """Book goods that arrived.

    The reference books these goods once for ever: sent again it answers 200 and books nothing, and with other goods
    it is refused.
    """

    def work(session: Session) -> Answer[ReceiptOut]:
        brand = session.get_one(Brand, request.auth.brand_id)
        booked = book_receipt(session, brand, data, request.auth.actor)
        return Answer(booked, 200 if booked.repeated else 201)

    return answer_once(request, body, idempotency_key, work)


@post(
    "/stock/adjustments",
    operation_id="PostAdjustment",
    summary="Correct what lies in one place",
    guards=[needs(Grant.STOCK_WRITE)],
    tags=["Stock"],
    responses=documented(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def post_adjustment(
    request: ApiRequest, body: RawBody, data: JSONBody[AdjustmentIn], idempotency_key: OnceKey = None
) -> Response[AdjustmentOut]:
    """Correct what lies in one place, with the reason.

    Pieces that are missing are made up for from other places; where there are none, the newest orders wait.
    """

    def work(session: Session) -> Answer[AdjustmentOut]:
        brand = session.get_one(Brand, request.auth.brand_id)
        booked = book_adjustment(session, brand, data, request.auth.actor)
        return Answer(booked, 200 if booked.repeated else 201)

    return answer_once(request, body, idempotency_key, work)


HANDLERS = (get_stock, post_receipt, post_adjustment)
