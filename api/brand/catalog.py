# SPDX-License-Identifier: Apache-2.0
"""``/v1/skus``: the brand's articles."""

from typing import Any

from litestar import Response, get, post, put
from litestar.params import FromPath, JSONBody, RawBody
from pydantic import BaseModel, Field, ValidationError
from sqlmodel import Session

from api.brand.access import ApiRequest, needs
from api.brand.once import Answer, OnceKey, answer_once
from api.brand.pages import Cursor, Limit, make_cursor, read_cursor
from api.problems import documented, invalid
from wms.brands.service import Grant
from wms.catalog.schemas import SkuFields, SkuIn, SkuOut, SkuOutcome, SkuResult
from wms.catalog.service import describe, find_sku, list_skus, upsert_skus
from wms.platform.db import brand_scope, in_transaction
from wms.platform.errors import Conflict, Invalid
from wms.platform.validation import field_errors, one_sentence

BULK_MAX = 5_000


class BarcodeTaken(Conflict):
    """The barcode belongs to another article of the brand."""

    code = "barcode_taken"


class SkuPage(BaseModel):
    """Articles by code."""

    items: list[SkuOut]
    next_cursor: str | None = Field(description="Asks for the next page; null on the last.")


class SkuResults(BaseModel):
    """One result per article sent, in the same sequence."""

    results: list[SkuResult]
    created: int
    updated: int
    unchanged: int
    refused: int


@put(
    "/skus/{code:str}",
    operation_id="PutSku",
    summary="Create or replace an article",
    guards=[needs(Grant.CATALOG_WRITE)],
    tags=["Catalogue"],
    responses=documented(400, 401, 403, 409),
    sync_to_thread=True,
)
def put_sku(request: ApiRequest, code: FromPath[str], data: JSONBody[SkuFields]) -> Response[SkuOut]:
    """Create an article or replace it.

    Answers 201 for a new article and 200 for one that was known. Barcodes that are left out are forgotten.
    """
    try:
        draft = SkuIn.model_validate({**data.model_dump(), "code": code})
    except ValidationError as error:
        raise invalid(error) from error
    brand_id = request.auth.brand_id

    def work(session: Session) -> tuple[SkuOut, int]:
        (result,) = upsert_skus(session, brand_id, [draft])
        if result.outcome is SkuOutcome.REFUSED:
            raise BarcodeTaken(result.reason or "")
        status = 201 if result.outcome is SkuOutcome.CREATED else 200
        return describe(session, brand_id, [find_sku(session, brand_id, code)])[0], status

    sku, status = in_transaction(brand_scope(brand_id), work)
    return Response(sku, status_code=status)


@get(
    "/skus/{code:str}",
    operation_id="GetSku",
    summary="Get an article",
    guards=[needs(Grant.CATALOG_READ)],
    tags=["Catalogue"],
    responses=documented(400, 401, 403, 404),
    sync_to_thread=True,
)
def get_sku(request: ApiRequest, code: FromPath[str]) -> SkuOut:
    """Get one article."""
    brand_id = request.auth.brand_id
    return in_transaction(
        brand_scope(brand_id),
        lambda session: describe(session, brand_id, [find_sku(session, brand_id, code)])[0],
    )


@get(
    "/skus",
    operation_id="ListSkus",
    summary="List articles",
    guards=[needs(Grant.CATALOG_READ)],
    tags=["Catalogue"],
    responses=documented(400, 401, 403),
    sync_to_thread=True,
)
def get_skus(request: ApiRequest, cursor: Cursor = None, limit: Limit = 50) -> SkuPage:
    """List articles by code."""
    brand_id, after = request.auth.brand_id, read_cursor(cursor)

    def work(session: Session) -> SkuPage:
        skus = list_skus(session, brand_id, after, limit + 1)
        more = make_cursor(skus[limit - 1].code) if len(skus) > limit else None
        return SkuPage(items=describe(session, brand_id, skus[:limit]), next_cursor=more)

    return in_transaction(brand_scope(brand_id), work)


@post(
    "/skus/bulk",
    operation_id="PutSkus",
    summary="Create or replace up to 5,000 articles",
    guards=[needs(Grant.CATALOG_WRITE)],
    tags=["Catalogue"],
    responses=documented(400, 401, 403, 409, 413, 422),
    status_code=200,
    sync_to_thread=True,
)
def put_skus(
    request: ApiRequest,
    body: RawBody,
    data: JSONBody[list[dict[str, Any]]],
    idempotency_key: OnceKey = None,
) -> Response[SkuResults]:
    """Create or replace up to 5,000 articles.

    Each is an object as `PUT /v1/skus/{code}` takes it, with its `code` beside. One that is refused does not stop
    the others; its result says why.
    """
    if len(data) > BULK_MAX:
        raise Invalid(f"A list holds at most {BULK_MAX} articles; this one has {len(data)}.")
    read = [_read(item) for item in data]

    def work(session: Session) -> Answer[SkuResults]:
        drafts = [item for item in read if isinstance(item, SkuIn)]
        stored = iter(upsert_skus(session, request.auth.brand_id, drafts))
        results = [next(stored) if isinstance(item, SkuIn) else item for item in read]
        counts = {outcome.value: 0 for outcome in SkuOutcome}
        for result in results:
            counts[result.outcome] += 1
        return Answer(SkuResults(results=results, **counts))

    return answer_once(request, body, idempotency_key, work)


def _read(item: dict[str, Any]) -> SkuIn | SkuResult:
    try:
        return SkuIn.model_validate(item)
    except ValidationError as error:
        reason = one_sentence(field_errors(error))
        return SkuResult(code=str(item.get("code", ""))[:64], outcome=SkuOutcome.REFUSED, reason=reason)


HANDLERS = (put_sku, get_sku, get_skus)
BULK_HANDLERS = (put_skus,)
