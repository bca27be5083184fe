# SPDX-License-Identifier: Apache-2.0
"""``GET /v1/orders…``: an order as its brand sees it, and its story."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlmodel import Session

from api.brand.access import ApiRequest, needs
from api.brand.pages import Cursor, Limit, actor_kind, make_cursor, read_cursor
from api.problems import documented
from wms.brands.service import Grant
from wms.orders.models import EventKind, HoldKind, Order, OrderEvent, OrderState, PaymentState, Recipient
from wms.orders.service import active_holds, events_of_order, find_order, lines_of_order
from wms.platform.db import brand_scope, in_transaction
from wms.platform.errors import Invalid
from wms.shipments.models import PackageState, Shipment, ShipmentState
from wms.shipments.packages import packages_of
from wms.shipments.service import changeable_until, lines_of, shipments_of_order


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class RecipientOut(_Out):
    """Who gets it, in the words that were sent. ``warnings`` is what we doubt about the address."""

    name: str
    company: str
    street: str
    city: str
    region: str
    postcode: str
    country: str
    phone: str
    email: str
    warnings: list[str]


class LineOut(_Out):
    """One line. ``quantity`` is what was ordered; of that so much was cancelled and so much has left."""

    line: int
    sku: str
    quantity: int
    cancelled: int
    shipped: int
    unit_price_minor: int


class HoldOut(_Out):
    """A reason to wait; who placed it (`brand`, `warehouse` or `system`) lifts it."""

    kind: HoldKind
    owner: str
    handle: str
    note: str
    until: datetime | None = Field(description="Lifts by itself then.")
    release_stock: bool = Field(description="Others may have its stock meanwhile.")
    placed_at: datetime
    lifted_at: datetime | None


class PackageOut(_Out):
    """One box. Weight in grams; the tracking state is the carrier's own last word, put in common terms."""

    number: int
    state: PackageState
    sscc: str
    weight_g: int
    tracking_number: str | None
    tracking_status: str | None
    tracking_at: datetime | None
    handed_over_at: datetime | None


class ShipmentLineOut(_Out):
    line: int
    quantity: int


class ShipmentOut(_Out):
    """What leaves together. At ``release_at`` it goes to the floor, unless it is held."""

    id: UUID
    state: ShipmentState
    service: str
    release_at: datetime
    released_at: datetime | None
    late_since: datetime | None
    master_tracking: str | None
    lines: list[ShipmentLineOut]
    packages: list[PackageOut]


class OrderSummary(_Out):
    """An order in a list."""

    ref: str
    state: OrderState
    service: str
    payment: PaymentState
    ship_by: datetime | None
    late_since: datetime | None = Field(description="Since when its promise cannot be kept any more.")
    accepted_at: datetime


class OrderOut(OrderSummary):
    """An order with all that hangs on it."""

    until: datetime | None = Field(
        description="Until when it can be changed freely: the end of its edit window; null once it is on the floor."
    )
    latest_release: datetime | None = Field(
        description="Until when it must be released for the cut-off that it is meant for; null where none is promised."
    )
    currency: str
    shipping_charge_minor: int
    cod_amount_minor: int
    notes: str
    version: int = Field(description="Counts the events of its story.")
    recipient: RecipientOut
    lines: list[LineOut]
    holds: list[HoldOut]
    shipments: list[ShipmentOut]


class OrderPage(BaseModel):
    """Orders, the newest first."""

    items: list[OrderSummary]
    next_cursor: str | None = Field(description="Asks for the next page; null on the last.")


class EventOut(_Out):
    """One sentence of an order's story; ``seq`` counts from 1 without a gap."""

    seq: int
    id: UUID
    kind: EventKind
    data: dict[str, Any]
    actor: str = Field(description="`brand`, `warehouse`, `carrier` or `system`.")
    at: datetime


class Story(BaseModel):
    """All that happened to an order."""

    ref: str
    events: list[EventOut]


@get(
    "/orders/{ref:str}",
    operation_id="GetOrder",
    summary="Get an order",
    guards=[needs(Grant.ORDERS_READ)],
    tags=["Orders"],
    responses=documented(400, 401, 403, 404),
    sync_to_thread=True,
)
def get_order(request: ApiRequest, ref: FromPath[str]) -> OrderOut:
    """Get one order with its lines, holds, shipments and packages."""
    brand_id = request.auth.brand_id
    return in_transaction(brand_scope(brand_id), lambda session: order_out(session, find_order(session, brand_id, ref)))


@get(
    "/orders",
    operation_id="ListOrders",
    summary="List orders",
    guards=[needs(Grant.ORDERS_READ)],
    tags=["Orders"],
    responses=documented(400, 401, 403),
    sync_to_thread=True,
)
def get_orders(
    request: ApiRequest,
    order_state: Annotated[OrderState | None, QueryParameter(name="state", description="Only these.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> OrderPage:
    """List orders, the newest first."""
    brand_id, before = request.auth.brand_id, _order_id(read_cursor(cursor))

    def work(session: Session) -> OrderPage:
        rows = session.execute(
            text(
                "SELECT id, ref, state, service, payment_state AS payment, ship_by, late_since, accepted_at"
                " FROM orders"
                " WHERE brand_id = :brand_id AND (CAST(:before AS uuid) IS NULL OR id < :before)"
                " AND (CAST(:state AS text) IS NULL OR state = :state) ORDER BY id DESC LIMIT :limit"
            ),
            {"brand_id": brand_id, "before": before, "state": order_state, "limit": limit + 1},
        ).all()
        more = make_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None
        return OrderPage(items=[OrderSummary.model_validate(row) for row in rows[:limit]], next_cursor=more)

    return in_transaction(brand_scope(brand_id), work)


@get(
    "/orders/{ref:str}/events",
    operation_id="ListOrderEvents",
    summary="Get an order's story",
    guards=[needs(Grant.ORDERS_READ)],
    tags=["Orders"],
    responses=documented(400, 401, 403, 404),
    sync_to_thread=True,
)
def get_story(request: ApiRequest, ref: FromPath[str]) -> Story:
    """Get an order's story from its first event on."""
    brand_id = request.auth.brand_id

    def work(session: Session) -> Story:
        order = find_order(session, brand_id, ref)
        events = events_of_order(session, brand_id, order.id)
        return Story(ref=order.ref, events=[event_out(event) for event in events])

    return in_transaction(brand_scope(brand_id), work)


def event_out(event: OrderEvent) -> EventOut:
    """Returns an event as its brand sees it."""
    actor = actor_kind(event.actor)
    return EventOut(seq=event.seq, id=event.id, kind=event.kind, data=event.data, actor=actor, at=event.at)


def order_out(session: Session, order: Order) -> OrderOut:
    """Returns an order with all that hangs on it."""
    recipient = session.get_one(Recipient, (order.brand_id, order.recipient_id))
    shipments = shipments_of_order(session, order.brand_id, order.id)
    line_numbers, lines = _lines(session, order)
    holds = active_holds(session, order.brand_id, [order.id])
    return OrderOut(
        ref=order.ref,
        state=order.state,
        service=order.service,
        payment=order.payment_state,
        ship_by=order.ship_by,
        late_since=order.late_since,
        accepted_at=order.accepted_at,
        until=changeable_until(order, shipments),
        latest_release=order.latest_release,
        currency=order.currency,
        shipping_charge_minor=order.shipping_charge_minor,
        cod_amount_minor=order.cod_amount_minor,
        notes=order.notes,
        version=order.version,
        recipient=RecipientOut.model_validate(recipient),
        lines=lines,
        holds=[HoldOut.model_validate(hold) for hold in sorted(holds, key=lambda hold: hold.placed_at)],
        shipments=_shipments(session, shipments, line_numbers),
    )


def _lines(session: Session, order: Order) -> tuple[dict[UUID, int], list[LineOut]]:
    found = lines_of_order(session, order.brand_id, order.id)
    codes = {
        row.id: row.code
        for row in session.execute(
            text("SELECT id, code FROM sku WHERE brand_id = :brand_id AND id = ANY(:ids)"),
            {"brand_id": order.brand_id, "ids": [line.sku_id for line in found]},
        )
    }
    lines = [
        LineOut(
            line=line.line_no,
            sku=codes[line.sku_id],
            quantity=line.quantity,
            cancelled=line.cancelled,
            shipped=line.shipped,
            unit_price_minor=line.unit_price_minor,
        )
        for line in found
    ]
    return {line.id: line.line_no for line in found}, lines


def _shipments(session: Session, shipments: Sequence[Shipment], line_numbers: dict[UUID, int]) -> list[ShipmentOut]:
    """A shipment may carry other orders' lines too; only this order's are shown."""
    return [
        ShipmentOut(
            id=shipment.id,
            state=shipment.state,
            service=shipment.service,
            release_at=shipment.release_at,
            released_at=shipment.released_at,
            late_since=shipment.late_since,
            master_tracking=shipment.master_tracking,
            lines=[
                ShipmentLineOut(line=line_numbers[line.order_line_id], quantity=line.quantity)
                for line in lines_of(session, shipment)
                if line.order_line_id in line_numbers
            ],
            packages=[PackageOut.model_validate(package) for package in packages_of(session, shipment)],
        )
        for shipment in shipments
    ]


def _order_id(cursor: str) -> UUID | None:
    if not cursor:
        return None
    try:
        return UUID(cursor)
    except ValueError as error:
        raise Invalid("The cursor is not one that a page gave out.") from error


HANDLERS = (get_order, get_orders, get_story)
