# SPDX-License-Identifier: Apache-2.0
"""Paper: the packing slip that goes into a box, and the pick list for a day on which a handheld is dead."""

from sqlalchemy import text
from sqlmodel import Session

from labels.documents import PackingSlip, PickTask, SlipLine, SlipOrder, packing_slip_pdf, pick_list_pdf
from labels.documents import PickList as PickListPaper
from labels.model import Address
from labels.model import Brand as PaperBrand
from wms.brands.models import Brand, Warehouse
from wms.floor.walk import Walk
from wms.orders.models import Recipient
from wms.shipments.models import Package, Shipment
from wms.shipments.service import ship_to


def packing_slip(session: Session, shipment: Shipment, package: Package) -> bytes:
    """Returns the slip of one box as PDF: each order in it with its own lines. Without prices: it may be a present."""
    brand = session.get_one(Brand, shipment.brand_id)
    orders = _orders(session, package)
    boxes = session.execute(
        text("SELECT count(*) FROM package WHERE brand_id = :brand_id AND shipment_id = :id AND state <> 'cancelled'"),
        {"brand_id": shipment.brand_id, "id": shipment.id},
    ).scalar_one()
    return packing_slip_pdf(
        PackingSlip(
            brand=PaperBrand(brand.name, brand.logo_png, brand.colour),
            shipment_ref=", ".join(order.ref for order in orders[:3]),
            ship_to=_address(ship_to(session, shipment)),
            orders=orders,
            tracking_number=package.tracking_number or "",
            package=package.number,
            packages=boxes,
            message=brand.policy.packing_slip_message,
        )
    )


def _address(recipient: Recipient) -> Address:
    return Address(
        name=recipient.name,
        company=recipient.company,
        lines=tuple(recipient.street.split("\n")),
        city=recipient.city,
        region=recipient.region,
        postcode=recipient.postcode,
        country=recipient.country,
    )


def _orders(session: Session, package: Package) -> tuple[SlipOrder, ...]:
    rows = session.execute(
        text(
            "SELECT o.ref, o.accepted_at, k.code, k.name, ol.quantity, pl.quantity AS packed FROM package_line pl"
            " JOIN shipment_line n ON n.brand_id = pl.brand_id AND n.id = pl.shipment_line_id"
            " JOIN order_line ol ON ol.brand_id = n.brand_id AND ol.id = n.order_line_id"
            " JOIN orders o ON o.brand_id = n.brand_id AND o.id = n.order_id"
            " JOIN sku k ON k.brand_id = n.brand_id AND k.id = n.sku_id"
            " WHERE pl.brand_id = :brand_id AND pl.package_id = :id ORDER BY o.accepted_at, o.id, ol.line_no"
        ),
        {"brand_id": package.brand_id, "id": package.id},
    ).all()
    by_ref: dict[str, list[SlipLine]] = {}
    for row in rows:
        by_ref.setdefault(row.ref, []).append(SlipLine(row.code, row.name, row.quantity, row.packed))
    days = {row.ref: row.accepted_at.date() for row in rows}
    return tuple(SlipOrder(ref, tuple(lines), days[ref]) for ref, lines in by_ref.items())


def pick_list(session: Session, walk: Walk) -> bytes:
    """Returns what is left of a walk as PDF, in the order of the stops."""
    warehouse = session.get_one(Warehouse, walk.pick_list.warehouse_id)
    tasks = tuple(
        PickTask(stop.location, stop.sku, stop.name, stop.left, f"{stop.slot} {stop.tote or ''}".strip())
        for stop in walk.stops
        if not stop.held
    )
    cart = ", ".join(slot.tote or f"slot {slot.number}" for slot in walk.slots)
    return pick_list_pdf(PickListPaper(f"PICK-{walk.pick_list.number}", cart, warehouse.name, tasks))
