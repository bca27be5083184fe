# SPDX-License-Identifier: Apache-2.0
"""From an accepted order to its rows: all rows of all orders of one call, one statement a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from wms.brands.models import Brand, Policy
from wms.intake.address import doubts
from wms.intake.schemas import OrderIn, instant_text
from wms.orders.models import EventKind, Order, OrderEvent, OrderLine, OrderState, Recipient
from wms.orders.story import NewEvent, event_row, record
from wms.platform.db import insert_rows
from wms.platform.ids import new_id
from wms.shipments.joining import Joiner, OpenShipment
from wms.shipments.models import Shipment, ShipmentLine, ShipmentState
from wms.shipments.release import hold_for_stock
from wms.stock.promises import Want, promise
from wms.stock.service import tell_of_stock


@dataclass(frozen=True)
class Promised:
    """How much of one line stock covers, and how much of it the brand's policy cancels at once."""

    sku_id: UUID
    quantity: int
    cancelled: int


@dataclass
class Plan:
    """One order on its way into the tables."""

    order: OrderIn
    digest: bytes
    country: str
    policy: Policy
    promised: list[Promised]
    joiner: Joiner
    shipment: OpenShipment  # Its own, or the one of somebody else that it joins.
    is_late: bool
    order_id: UUID = field(default_factory=new_id)
    recipient_id: UUID = field(default_factory=new_id)
    line_ids: list[UUID] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.line_ids = [new_id() for _ in self.order.lines]
        self.warnings = doubts(self.order.recipient, self.country)
        self._own_shipment = self.shipment.id

    @property
    def key(self) -> str:
        return self.joiner.terms.key

    @property
    def joins(self) -> bool:
        """Whether the order travels in a shipment that another order opened."""
        return self.shipment.id != self._own_shipment

    @property
    def shipment_id(self) -> UUID:
        return self.shipment.id

    @property
    def release_at(self) -> datetime:
        return self.shipment.release_at

    @property
    def latest_release(self) -> datetime | None:
        return self.joiner.members[0].latest_release

    @property
    def missing(self) -> set[UUID]:
        """The articles of which something was neither promised nor cancelled: they are on backorder."""
        return {
            promised.sku_id
            for line, promised in zip(self.order.lines, self.promised, strict=True)
            if line.quantity > promised.quantity + promised.cancelled
        }


def write_plans(session: Session, brand: Brand, plans: Sequence[Plan], actor: str, at: datetime) -> None:
    """Writes the plans' rows but for their promises."""
    if not plans:
        return
    moment = at.isoformat()
    insert_rows(session, Recipient, [_recipient(brand.id, plan) for plan in plans])
    insert_rows(session, Order, [_order(brand, plan, moment) for plan in plans])
    insert_rows(session, OrderLine, [row for plan in plans for row in _lines(brand.id, plan)])
    insert_rows(session, Shipment, [_shipment(brand, plan, moment) for plan in plans if not plan.joins])
    insert_rows(session, ShipmentLine, [row for plan in plans for row in _shipment_lines(brand.id, plan)])
    insert_rows(session, OrderEvent, [_accepted(brand.id, plan, actor, moment) for plan in plans])
    record(session, [_late(brand.id, plan) for plan in plans if plan.is_late])
    _tell_of_shortages(session, brand, [plan for plan in plans if _is_short(plan)], actor)


def promise_plans(session: Session, brand: Brand, plans: Sequence[Plan]) -> None:
    """Promises the plans' stock. This comes last, because the counters are what other orders wait for."""
    promise(
        session,
        brand.id,
        brand.warehouse_id,
        [
            Want(line_id, promised.sku_id, promised.quantity)
            for plan in plans
            for line_id, promised in zip(plan.line_ids, plan.promised, strict=True)
            if promised.quantity
        ],
    )
    missing = {sku_id for plan in plans for sku_id in plan.missing}
    tell_of_stock(session, brand.id, brand.warehouse_id, missing)


def _recipient(brand_id: UUID, plan: Plan) -> dict[str, Any]:
    to = plan.order.recipient
    return {
        "brand_id": brand_id,
        "id": plan.recipient_id,
        "name": to.name,
        "company": to.company,
        "street": to.street,
        "city": to.city,
        "region": to.region,
        "postcode": to.postcode,
        "country": plan.country,
        "phone": to.phone,
        "email": to.email,
        "key": plan.key,
        "warnings": plan.warnings,
    }


def _order(brand: Brand, plan: Plan, moment: str) -> dict[str, Any]:
    order = plan.order
    return {
        "brand_id": brand.id,
        "id": plan.order_id,
        "ref": order.ref,
        "warehouse_id": brand.warehouse_id,
        "recipient_id": plan.recipient_id,
        "state": OrderState.ACCEPTED,
        "service": order.service or plan.policy.default_service,
        "ship_by": instant_text(order.ship_by),
        "latest_release": instant_text(plan.latest_release),
        "late_since": moment if plan.is_late else None,
        "payment_state": order.payment,
        "currency": order.currency or plan.policy.default_currency,
        "shipping_charge_minor": order.shipping_charge_minor,
        "cod_amount_minor": order.cod_amount_minor,
        "notes": order.notes,
        "content_sha256": "\\x" + plan.digest.hex(),
        "accepted_at": moment,
        "version": 1,
    }


def _lines(brand_id: UUID, plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "brand_id": brand_id,
            "id": line_id,
            "order_id": plan.order_id,
            "line_no": number,
            "sku_id": promised.sku_id,
            "quantity": line.quantity,
            "cancelled": promised.cancelled,
            "shipped": 0,
            "unit_price_minor": line.unit_price_minor,
            "awaiting_payment": False,
        }
        for number, (line, line_id, promised) in enumerate(
            zip(plan.order.lines, plan.line_ids, plan.promised, strict=True), start=1
        )
    ]


def _shipment(brand: Brand, plan: Plan, moment: str) -> dict[str, Any]:
    return {
        "brand_id": brand.id,
        "id": plan.shipment_id,
        "warehouse_id": brand.warehouse_id,
        "recipient_id": plan.recipient_id,
        "state": ShipmentState.HELD,
        "service": plan.order.service or plan.policy.default_service,
        "release_at": plan.release_at.isoformat(),
        "late_since": moment if plan.is_late else None,
        "pending_changes": 0,
        "version": 0,
    }


def _shipment_lines(brand_id: UUID, plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "brand_id": brand_id,
            "id": new_id(),
            "shipment_id": plan.shipment_id,
            "order_id": plan.order_id,
            "order_line_id": line_id,
            "sku_id": promised.sku_id,
            "quantity": line.quantity - promised.cancelled,
            "picked": 0,
        }
        for line, line_id, promised in zip(plan.order.lines, plan.line_ids, plan.promised, strict=True)
        if line.quantity > promised.cancelled
    ]


def _accepted(brand_id: UUID, plan: Plan, actor: str, moment: str) -> dict[str, Any]:
    data = {
        "ref": plan.order.ref,
        "shipment_id": str(plan.shipment_id),
        "release_at": plan.release_at.isoformat(),
    }
    event = NewEvent(brand_id, plan.order_id, EventKind.ACCEPTED, data, actor)
    return event_row(event, seq=1, state=OrderState.ACCEPTED, at=moment)


def _late(brand_id: UUID, plan: Plan) -> NewEvent:
    """The promise was lost before the order came: it takes the next cut-off, and the brand is told."""
    told = {"ship_by": instant_text(plan.order.ship_by), "latest_release": instant_text(plan.latest_release)}
    return NewEvent(brand_id, plan.order_id, EventKind.LATE, told)


def _is_short(plan: Plan) -> bool:
    return any(
        promised.quantity < line.quantity for line, promised in zip(plan.order.lines, plan.promised, strict=True)
    )


def _tell_of_shortages(session: Session, brand: Brand, short: Sequence[Plan], actor: str) -> None:
    """Cancelled quantities are told line by line; what is on backorder makes its shipment wait for stock."""
    events = [
        NewEvent(
            brand.id,
            plan.order_id,
            EventKind.LINE_CANCELLED,
            {"line": number, "sku": line.sku, "quantity": promised.cancelled, "reason": "out_of_stock"},
            actor,
        )
        for plan in short
        for number, (line, promised) in enumerate(zip(plan.order.lines, plan.promised, strict=True), start=1)
        if promised.cancelled
    ]
    record(session, events)
    hold_for_stock(session, brand.id, [(plan.order_id, plan.shipment_id) for plan in short if plan.missing])
