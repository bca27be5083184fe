# SPDX-License-Identifier: Apache-2.0
"""Goods in, a look into a location, putting away and counting."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromQuery, URLEncodedBody
from pydantic import BeforeValidator, Field
from sqlmodel import Session, col, select

from api.floor.door import Form, Http, act, screen, show
from wms.brands.models import Brand, Role, Staff
from wms.floor.actions import Outcome
from wms.floor.scans import find_location
from wms.floor.shelves import Shelf, WhichBrand, content_of, count, put_away, receive_goods, shelf_of
from wms.platform.errors import WmsError
from wms.stock.models import Location

Text = Annotated[str, Field(max_length=120)]
# A browser sends an empty text where nothing was chosen.
MaybeId = Annotated[UUID | None, BeforeValidator(lambda value: value or None)]


class ReceiptForm(Form):
    location: Text
    item: Text
    quantity: int
    lot: Annotated[str, Field(max_length=64)] = ""
    reference: Annotated[str, Field(max_length=80)] = ""
    brand: MaybeId = None


class ShelfForm(Form):
    """One article and lot in one location."""

    location: Text
    brand: UUID
    sku: UUID
    lot: Annotated[str, Field(max_length=64)] = ""


class MoveForm(ShelfForm):
    target: Text
    quantity: int


class CountForm(ShelfForm):
    expected: int
    counted: int


def _page(
    session: Session,
    request: Http,
    staff: Staff,
    *,
    refusal: WmsError | None = None,
    done: UUID | None = None,
    location: str = "",
    kept: ReceiptForm | None = None,
    working: ShelfForm | None = None,
) -> Response[Any]:
    found, shelves = None, []
    if location:
        try:
            found = find_location(session, staff.warehouse_id, location)
            shelves = content_of(session, found)
        except WmsError as wrong:
            refusal = refusal or wrong
    brands = session.exec(select(Brand).where(Brand.warehouse_id == staff.warehouse_id).order_by(col(Brand.name))).all()
    return screen(
        session,
        request,
        staff,
        "stock.html",
        title="Stock",
        refusal=refusal,
        done=done,
        location=found,
        shelves=shelves,
        brands=brands,
        kept=kept,
        working=working,
        which_brand=isinstance(refusal, WhichBrand),
    )


@get("/stock", sync_to_thread=True)
def stock_page(request: Http, location: FromQuery[str] = "", done: FromQuery[UUID | None] = None) -> Response[Any]:
    return show(
        request,
        Role.STOCK,
        lambda session, staff: _page(session, request, staff, location=location.strip(), done=done),
    )


@post("/stock", sync_to_thread=True)
def stock_receive(request: Http, data: URLEncodedBody[ReceiptForm]) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        return receive_goods(
            session,
            data.action,
            data.location,
            data.item,
            data.quantity,
            staff,
            lot=data.lot,
            reference=data.reference,
            brand_id=data.brand,
        )

    return act(
        request,
        data,
        Role.STOCK,
        work,
        then=lambda outcome: f"/floor/stock?location={outcome.data['location']}",
        again=lambda session, staff, refusal: _page(
            session, request, staff, refusal=refusal, location=data.location, kept=data
        ),
    )


def _shelf(session: Session, staff: Staff, form: ShelfForm) -> tuple[Location, Shelf]:
    location = find_location(session, staff.warehouse_id, form.location)
    return location, shelf_of(session, location, form.brand, form.sku, form.lot)


def _back(outcome: Outcome) -> str:
    return f"/floor/stock?location={outcome.data['location']}"


def _shelf_again(request: Http, form: ShelfForm) -> Any:
    return lambda session, staff, refusal: _page(
        session, request, staff, refusal=refusal, location=form.location, working=form
    )


@post("/stock/move", sync_to_thread=True)
def stock_move(request: Http, data: URLEncodedBody[MoveForm]) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        source, shelf = _shelf(session, staff, data)
        return put_away(session, data.action, source, shelf, data.target, data.quantity, staff)

    return act(request, data, Role.STOCK, work, then=_back, again=_shelf_again(request, data))


@post("/stock/count", sync_to_thread=True)
def stock_count(request: Http, data: URLEncodedBody[CountForm]) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        location, shelf = _shelf(session, staff, data)
        return count(session, data.action, location, shelf, data.expected, data.counted, staff)

    return act(request, data, Role.STOCK, work, then=_back, again=_shelf_again(request, data))
