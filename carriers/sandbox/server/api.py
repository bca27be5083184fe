# SPDX-License-Identifier: Apache-2.0
"""``/v1``: what a client of the carrier sees. The API key travels in ``x-api-key``."""

from typing import Annotated

from litestar import Response, get, post, put
from litestar.params import FromPath, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from carriers.sandbox.server import amendments, parcels, shipments
from carriers.sandbox.server.amendments import AmendmentBody
from carriers.sandbox.server.answers import Answer, to_json
from carriers.sandbox.server.parcels import ManifestBody
from carriers.sandbox.server.shipments import AdditionBody, ShipmentBody
from carriers.sandbox.server.wire import Wire, account_of, office_of, perform, read, reply


class VoidBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    tracking_number: str | None = None


class WebhookBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: Annotated[str, Field(pattern=r"^https?://")]
    secret: Annotated[str, Field(min_length=8)]


@post("/v1/shipments")
async def buy(request: Wire) -> Response[bytes]:
    """Buy a shipment: 201 bought (see each piece), 422 refused, 409 the key belongs to another body."""
    account, office = account_of(request), office_of(request)
    body = await read(request, ShipmentBody)
    return await perform(
        request,
        "purchase",
        lambda fault: shipments.buy(office.store, office.clock, account, body, fault),
    )


@get("/v1/shipments", sync_to_thread=True)
def find(request: Wire, key: Annotated[str, QueryParameter()]) -> Response[bytes]:
    """The shipment under a key."""
    return reply(shipments.find(office_of(request).store, account_of(request), key))


@get("/v1/shipments/{shipment_id:str}", sync_to_thread=True)
def show(request: Wire, shipment_id: FromPath[str]) -> Response[bytes]:
    """A shipment by the carrier's id."""
    return reply(shipments.show(office_of(request).store, account_of(request), shipment_id))


@post("/v1/shipments/{shipment_id:str}/pieces")
async def add(request: Wire, shipment_id: FromPath[str]) -> Response[bytes]:
    """Buy further pieces under the master number: answered like a shipment."""
    account, office = account_of(request), office_of(request)
    body = await read(request, AdditionBody)
    return await perform(
        request,
        "purchase",
        lambda fault: shipments.add(office.store, office.clock, account, shipment_id, body, fault),
    )


@post("/v1/shipments/{shipment_id:str}/amendments")
async def amend(request: Wire, shipment_id: FromPath[str]) -> Response[bytes]:
    """Ask about parcels on their way: 202 the answer comes later, 200 accepted, 422 refused."""
    account, office = account_of(request), office_of(request)
    body = await read(request, AmendmentBody)
    return await perform(request, "amendment", lambda _: office.amend(account, shipment_id, body))


@get("/v1/amendments", sync_to_thread=True)
def find_amendment(request: Wire, key: Annotated[str, QueryParameter()]) -> Response[bytes]:
    """The amendment under a key."""
    return reply(amendments.find(office_of(request).store, account_of(request), key))


@post("/v1/shipments/{shipment_id:str}/void")
async def void(request: Wire, shipment_id: FromPath[str]) -> Response[bytes]:
    """Void a piece or all: 200 done, 422 already collected."""
    account, office = account_of(request), office_of(request)
    body = await read(request, VoidBody)
    return await perform(
        request, "void", lambda _: shipments.void(office.store, account, shipment_id, body.tracking_number)
    )


@post("/v1/manifests")
async def close_manifest(request: Wire) -> Response[bytes]:
    """Close a manifest: 201, or 422 with the parcels that cannot be on it."""
    account, office = account_of(request), office_of(request)
    body = await read(request, ManifestBody)
    return await perform(request, "manifest", lambda _: office.close_manifest(account, body))


@get("/v1/manifests/{manifest_id:str}", sync_to_thread=True)
def show_manifest(request: Wire, manifest_id: FromPath[str]) -> Response[bytes]:
    """A manifest by the carrier's id."""
    return reply(parcels.show_manifest(office_of(request).store, account_of(request), manifest_id))


@get("/v1/tracking/{number:str}", sync_to_thread=True)
def track(request: Wire, number: FromPath[str]) -> Response[bytes]:
    """Everything that is known about a parcel or a master number."""
    return reply(parcels.track(office_of(request).store, account_of(request), number))


@get("/v1/ledger", sync_to_thread=True)
def ledger(request: Wire, after: Annotated[str, QueryParameter(pattern=r"^\d*$")] = "") -> Response[bytes]:
    """Every label with its state, a page at a time."""
    return reply(parcels.ledger(office_of(request).store, account_of(request), int(after or 0)))


@put("/v1/webhook")
async def register_webhook(request: Wire) -> Response[bytes]:
    """Where this account's events are pushed, and with which secret."""
    account = account_of(request)
    body = await read(request, WebhookBody)
    office_of(request).register_webhook(account, body.url, body.secret)
    return reply(Answer(200, to_json({"url": body.url})))


HANDLERS = [
    buy,
    find,
    show,
    add,
    amend,
    find_amendment,
    void,
    close_manifest,
    show_manifest,
    track,
    ledger,
    register_webhook,
]
