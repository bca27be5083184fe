# SPDX-License-Identifier: Apache-2.0
"""Packing at a bench: scan the tote, scan the items, weigh, label, scan the label."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from pydantic import Field
from sqlmodel import Session

from api.floor.door import Form, Http, View, act, check_form, enter, screen, show
from api.floor.paper import pdf
from wms.brands.models import Role, Staff
from wms.floor import packing
from wms.floor.actions import Outcome
from wms.floor.bench import bench_of, waiting_at_bench
from wms.floor.packing import WeightDoubted, find_package, find_shipment
from wms.floor.papers import packing_slip
from wms.floor.put_back import tasks_of_shipment
from wms.platform.db import WAREHOUSE, in_transaction
from wms.platform.errors import Unauthenticated, WmsError
from wms.shipments.models import Shipment

Code = Annotated[str, Field(max_length=120)]


class ItemForm(Form):
    item: Code
    quantity: int = 1


class CloseForm(Form):
    carton: Code
    weight: int
    confirm: bool = False


class LabelForm(Form):
    label: Code


class PrintForm(Form):
    reason: Annotated[str, Field(max_length=120)] = ""


def _address(shipment: Shipment) -> str:
    return f"/floor/pack/{shipment.brand_id}/{shipment.id}"


def _tote_page(session: Session, request: Http, staff: Staff, refusal: WmsError | None = None) -> Response[Any]:
    return screen(
        session,
        request,
        staff,
        "pack_tote.html",
        title="Pack",
        refusal=refusal,
        waiting=waiting_at_bench(session, staff.warehouse_id),
    )


@get("/pack", sync_to_thread=True)
def pack_tote_page(request: Http, tote: FromQuery[str] = "") -> Response[Any]:
    """Opens the bench of a tote. Looking changes nothing, so the scan is part of the address."""

    def view(session: Session, staff: Staff) -> Response[Any]:
        if not tote.strip():
            return _tote_page(session, request, staff)
        try:
            shipment = packing.open_tote(session, tote, staff)
        except WmsError as refusal:
            return _tote_page(session, request, staff, refusal)
        return Redirect(_address(shipment), status_code=303)

    return show(request, Role.PACKER, view)


def _bench_page(
    session: Session,
    request: Http,
    staff: Staff,
    shipment: Shipment,
    *,
    refusal: WmsError | None = None,
    done: UUID | None = None,
    weight: int | None = None,
    carton: str = "",
    closing: bool = False,
) -> Response[Any]:
    bench = bench_of(session, shipment)
    best = bench.box_carton.code if bench.box_carton else ""
    held: WmsError | None = None
    try:
        packing.refuse_if_blocked(session, shipment)
    except WmsError as error:
        held = error
    return screen(
        session,
        request,
        staff,
        "pack_bench.html",
        title="Pack " + ", ".join(order.ref for order in bench.orders[:3]),
        refusal=refusal or held,
        done=done,
        bench=bench,
        take_out=tasks_of_shipment(session, shipment),
        at=_address(shipment),
        weight=weight,
        best=best,
        carton=carton or best,
        closing=closing or bench.left == 0,
        doubted=isinstance(refusal, WeightDoubted),
    )


def _again(request: Http, brand_id: UUID, shipment_id: UUID, **kept: Any) -> Any:
    def page(session: Session, staff: Staff, refusal: WmsError) -> Response[Any]:
        shipment = find_shipment(session, staff, brand_id, shipment_id)
        return _bench_page(session, request, staff, shipment, refusal=refusal, **kept)

    return page


@get("/pack/{brand_id:uuid}/{shipment_id:uuid}", sync_to_thread=True)
def pack_page(
    request: Http,
    brand_id: FromPath[UUID],
    shipment_id: FromPath[UUID],
    closing: FromQuery[bool] = False,
    done: FromQuery[UUID | None] = None,
) -> Response[Any]:
    def view(session: Session, staff: Staff) -> Response[Any]:
        shipment = find_shipment(session, staff, brand_id, shipment_id)
        return _bench_page(session, request, staff, shipment, done=done, closing=closing)

    return show(request, Role.PACKER, view)


@post("/pack/{brand_id:uuid}/{shipment_id:uuid}/item", sync_to_thread=True)
def pack_item(
    request: Http, brand_id: FromPath[UUID], shipment_id: FromPath[UUID], data: URLEncodedBody[ItemForm]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        shipment = find_shipment(session, staff, brand_id, shipment_id)
        return packing.scan_item(session, data.action, shipment, data.item, data.quantity, staff)

    then = f"/floor/pack/{brand_id}/{shipment_id}"
    return act(request, data, Role.PACKER, work, then=then, again=_again(request, brand_id, shipment_id))


@post("/pack/{brand_id:uuid}/{shipment_id:uuid}/empty", sync_to_thread=True)
def pack_empty(
    request: Http, brand_id: FromPath[UUID], shipment_id: FromPath[UUID], data: URLEncodedBody[Form]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        return packing.empty_box(session, data.action, find_shipment(session, staff, brand_id, shipment_id), staff)

    then = f"/floor/pack/{brand_id}/{shipment_id}"
    return act(request, data, Role.PACKER, work, then=then, again=_again(request, brand_id, shipment_id))


@post("/pack/{brand_id:uuid}/{shipment_id:uuid}/close", sync_to_thread=True)
def pack_close(
    request: Http, brand_id: FromPath[UUID], shipment_id: FromPath[UUID], data: URLEncodedBody[CloseForm]
) -> Response[Any]:
    """Closes the box; the one that holds the last piece also ends packing and asks for the labels."""

    def work(session: Session, staff: Staff) -> Outcome:
        shipment = find_shipment(session, staff, brand_id, shipment_id)
        outcome = packing.close_package(
            session, data.action, shipment, data.carton, data.weight, staff, confirmed=data.confirm
        )
        if packing.is_packed(session, shipment):
            packing.finish_packing(session, shipment, staff)
        return outcome

    return act(
        request,
        data,
        Role.PACKER,
        work,
        then=f"/floor/pack/{brand_id}/{shipment_id}",
        again=_again(request, brand_id, shipment_id, weight=data.weight, carton=data.carton, closing=True),
    )


@post("/pack/{brand_id:uuid}/{shipment_id:uuid}/finish", sync_to_thread=True)
def pack_finish(
    request: Http, brand_id: FromPath[UUID], shipment_id: FromPath[UUID], data: URLEncodedBody[Form]
) -> Response[Any]:
    """Ends packing where every box is closed already."""

    def work(session: Session, staff: Staff) -> Outcome:
        return packing.finish_packing(session, find_shipment(session, staff, brand_id, shipment_id), staff)

    then = f"/floor/pack/{brand_id}/{shipment_id}"
    return act(request, data, Role.PACKER, work, then=then, again=_again(request, brand_id, shipment_id))


@post("/pack/{brand_id:uuid}/{shipment_id:uuid}/labels", sync_to_thread=True)
def pack_ask_labels(
    request: Http, brand_id: FromPath[UUID], shipment_id: FromPath[UUID], data: URLEncodedBody[Form]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        shipment = find_shipment(session, staff, brand_id, shipment_id)
        return packing.ask_for_labels(session, data.action, shipment, staff)

    then = f"/floor/pack/{brand_id}/{shipment_id}"
    return act(request, data, Role.PACKER, work, then=then, again=_again(request, brand_id, shipment_id))


@post("/pack/{brand_id:uuid}/{shipment_id:uuid}/{package_id:uuid}/scan", sync_to_thread=True)
def pack_scan_label(
    request: Http,
    brand_id: FromPath[UUID],
    shipment_id: FromPath[UUID],
    package_id: FromPath[UUID],
    data: URLEncodedBody[LabelForm],
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        shipment = find_shipment(session, staff, brand_id, shipment_id)
        package = find_package(session, shipment, package_id)
        return packing.scan_label(session, data.action, shipment, package, data.label, staff)

    then = f"/floor/pack/{brand_id}/{shipment_id}"
    return act(request, data, Role.PACKER, work, then=then, again=_again(request, brand_id, shipment_id))


@post("/pack/{brand_id:uuid}/{shipment_id:uuid}/{package_id:uuid}/print", sync_to_thread=True)
def pack_print(
    request: Http,
    brand_id: FromPath[UUID],
    shipment_id: FromPath[UUID],
    package_id: FromPath[UUID],
    data: URLEncodedBody[PrintForm],
) -> Response[Any]:
    """Answers the label as a file. Not answered from a record when sent twice: each print is a print, with a reason."""

    def work(session: Session) -> Response[Any]:
        staff = enter(session, request, Role.PACKER)
        check_form(request, data.token)
        shipment = find_shipment(session, staff, brand_id, shipment_id)
        package = find_package(session, shipment, package_id)
        label = packing.print_box_label(session, shipment, package, data.reason, staff)
        return pdf(label, f"label-{package.sscc}.pdf")

    try:
        return in_transaction(WAREHOUSE, work)
    except Unauthenticated:
        raise
    except WmsError as refusal:
        caught = refusal
        again: Any = _again(request, brand_id, shipment_id)
        view: View = lambda session, staff: again(session, staff, caught)  # noqa: E731 - one line says it.
        return show(request, Role.PACKER, view)


@get("/pack/{brand_id:uuid}/{shipment_id:uuid}/{package_id:uuid}/slip", sync_to_thread=True)
def pack_slip(
    request: Http, brand_id: FromPath[UUID], shipment_id: FromPath[UUID], package_id: FromPath[UUID]
) -> Response[Any]:
    def view(session: Session, staff: Staff) -> Response[Any]:
        shipment = find_shipment(session, staff, brand_id, shipment_id)
        package = find_package(session, shipment, package_id)
        return pdf(packing_slip(session, shipment, package), f"packing-slip-{package.sscc}.pdf")

    return show(request, Role.PACKER, view)
