# SPDX-License-Identifier: Apache-2.0
"""The desk: find an order by anything that is printed on paper, and read its story. Nothing is changed in here."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.brands.models import Brand, Staff
from wms.floor.scans import clean
from wms.orders.models import Hold, Order, OrderEvent, Recipient
from wms.orders.service import active_holds, events_of_order
from wms.platform.errors import NotFound
from wms.shipments.models import Package, Shipment
from wms.shipments.packages import packages_of
from wms.shipments.service import shipments_of_order

FOUND_MAX = 20


@dataclass(frozen=True)
class Found:
    """One order that a search found."""

    brand_id: UUID
    order_id: UUID
    brand: str
    colour: str
    ref: str
    state: str


@dataclass(frozen=True)
class OrderLook:
    """One line of an order as it stands."""

    sku: str
    name: str
    quantity: int
    cancelled: int
    picked: int
    shipped: int


@dataclass(frozen=True)
class Story:
    """An order with everything that the desk reads out to a caller."""

    order: Order
    brand: Brand
    recipient: Recipient
    lines: list[OrderLook]
    shipments: list[tuple[Shipment, Sequence[Package]]]
    holds: Sequence[Hold]
    events: Sequence[OrderEvent]


def search(session: Session, warehouse_id: UUID, wanted: str) -> list[Found]:
    """Returns orders by the brand's ref, a tracking number (the master's too), an SSCC or a tote; at most 20."""
    code = clean(wanted)
    if not code:
        return []
    # A GS1 scanner may deliver the application identifier (00) in front of the SSCC.
    sscc = code.removeprefix("(00)") if code.startswith("(00)") else code[2:] if len(code) == 20 else code
    rows = session.execute(
        text(
            # Each way of finding a shipment uses an index of its own.
            "WITH printed AS ("
            " SELECT brand_id, shipment_id FROM package WHERE tracking_number = :code OR sscc = :sscc"
            " UNION SELECT brand_id, shipment_id FROM label_purchase WHERE master_tracking = :code"
            " UNION SELECT brand_id, shipment_id FROM tote"
            "  WHERE warehouse_id = :warehouse_id AND code = upper(:code) AND shipment_id IS NOT NULL"
            "), wanted AS ("
            " SELECT n.brand_id, n.order_id FROM printed p"
            "  JOIN shipment_line n ON n.brand_id = p.brand_id AND n.shipment_id = p.shipment_id"
            " UNION SELECT o.brand_id, o.id FROM brand b JOIN orders o ON o.brand_id = b.id AND o.ref = :code)"
            " SELECT o.brand_id, o.id AS order_id, b.name AS brand, b.colour, o.ref, o.state FROM wanted w"
            " JOIN orders o ON o.brand_id = w.brand_id AND o.id = w.order_id JOIN brand b ON b.id = o.brand_id"
            " WHERE o.warehouse_id = :warehouse_id ORDER BY o.accepted_at DESC, o.id LIMIT :limit"
        ),
        {"warehouse_id": warehouse_id, "code": code, "sscc": sscc, "limit": FOUND_MAX},
    ).mappings()
    return [Found(**row) for row in rows]


def order_of(session: Session, staff: Staff, brand_id: UUID, order_id: UUID) -> Order:
    """Returns one order of the person's building; raises :class:`NotFound`."""
    order = session.get(Order, (brand_id, order_id))
    if order is None or order.warehouse_id != staff.warehouse_id:
        raise NotFound("There is no such order in this building.")
    return order


def story_of(session: Session, staff: Staff, brand_id: UUID, order_id: UUID) -> Story:
    """Returns one order of the person's building with its story; raises :class:`NotFound`."""
    order = order_of(session, staff, brand_id, order_id)
    return Story(
        order=order,
        brand=session.get_one(Brand, brand_id),
        recipient=session.get_one(Recipient, (brand_id, order.recipient_id)),
        lines=order_lines(session, brand_id, order_id),
        shipments=[
            (shipment, packages_of(session, shipment)) for shipment in shipments_of_order(session, brand_id, order_id)
        ],
        holds=active_holds(session, brand_id, [order_id]),
        events=events_of_order(session, brand_id, order_id),
    )


def order_lines(session: Session, brand_id: UUID, order_id: UUID) -> list[OrderLook]:
    """Returns the order's lines with what was picked and shipped of each."""
    rows = session.execute(
        text(
            "SELECT k.code AS sku, k.name, l.quantity, l.cancelled, l.shipped,"
            " coalesce((SELECT sum(n.picked) FROM shipment_line n"
            "  WHERE n.brand_id = l.brand_id AND n.order_line_id = l.id), 0)::int AS picked"
            " FROM order_line l JOIN sku k ON k.brand_id = l.brand_id AND k.id = l.sku_id"
            " WHERE l.brand_id = :brand_id AND l.order_id = :order_id ORDER BY l.line_no"
        ),
        {"brand_id": brand_id, "order_id": order_id},
    ).mappings()
    return [OrderLook(**row) for row in rows]
