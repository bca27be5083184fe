# SPDX-License-Identifier: Apache-2.0
"""The dock: one scan per parcel, and the sheet that the driver signs."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from pydantic import Field
from sqlmodel import Session

from api.floor.door import Form, Http, act, screen, show
from api.floor.paper import pdf
from wms.brands.models import Role, Staff
from wms.dispatch.service import code_of, get_account, manifest_sheet
from wms.floor import dock
from wms.floor.actions import Outcome
from wms.platform.errors import WmsError


class ParcelForm(Form):
    label: Annotated[str, Field(max_length=120)]


@get("/dock", sync_to_thread=True)
def dock_page(request: Http) -> Response[Any]:
    def view(session: Session, staff: Staff) -> Response[Any]:
        gates = [dock.gate_of(session, account) for account in dock.accounts_of(session, staff.warehouse_id)]
        return screen(session, request, staff, "dock.html", title="Dock", gates=gates)

    return show(request, Role.DOCK, view)


def _gate_page(
    session: Session,
    request: Http,
    staff: Staff,
    account_id: UUID,
    refusal: WmsError | None = None,
    done: UUID | None = None,
) -> Response[Any]:
    gate = dock.gate_of(session, dock.find_account(session, staff, account_id))
    return screen(
        session, request, staff, "dock_gate.html", title="Dock", refusal=refusal, done=done, gate=gate, code_of=code_of
    )


@get("/dock/{account_id:uuid}", sync_to_thread=True)
def gate_page(request: Http, account_id: FromPath[UUID], done: FromQuery[UUID | None] = None) -> Response[Any]:
    return show(request, Role.DOCK, lambda session, staff: _gate_page(session, request, staff, account_id, done=done))


@post("/dock/{account_id:uuid}", sync_to_thread=True)
def gate_scan(request: Http, account_id: FromPath[UUID], data: URLEncodedBody[ParcelForm]) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        account = dock.find_account(session, staff, account_id)
        return dock.scan_out(session, data.action, account, data.label, staff)

    return act(
        request,
        data,
        Role.DOCK,
        work,
        then=f"/floor/dock/{account_id}",
        again=lambda session, staff, refusal: _gate_page(session, request, staff, account_id, refusal),
    )


@post("/dock/{account_id:uuid}/{manifest_id:uuid}/close", sync_to_thread=True)
def gate_close(
    request: Http, account_id: FromPath[UUID], manifest_id: FromPath[UUID], data: URLEncodedBody[Form]
) -> Response[Any]:
    def work(session: Session, staff: Staff) -> Outcome:
        return dock.close_manifest(session, data.action, dock.find_manifest(session, staff, manifest_id), staff)

    return act(
        request,
        data,
        Role.DOCK,
        work,
        then=f"/floor/dock/{account_id}",
        again=lambda session, staff, refusal: _gate_page(session, request, staff, account_id, refusal),
    )


@get("/dock/manifests/{manifest_id:uuid}", sync_to_thread=True)
def gate_sheet(request: Http, manifest_id: FromPath[UUID]) -> Response[Any]:
    def view(session: Session, staff: Staff) -> Response[Any]:
        manifest = dock.find_manifest(session, staff, manifest_id)
        name = code_of(get_account(session, manifest.account_id), manifest)
        return pdf(manifest_sheet(session, manifest), f"manifest-{name}.pdf")

    return show(request, Role.DOCK, view)
