# SPDX-License-Identifier: Apache-2.0
"""From our rows to the carrier port's request, and the print of a ship-to that a label is held against."""

import hashlib
from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, select

from carriers.port import Address, Money, Parcel, ShipmentRequest
from wms.brands.models import Brand, Warehouse
from wms.dispatch.models import CarrierAccount, Label, LabelPurchase
from wms.orders.models import Recipient
from wms.shipments.models import Package, Shipment
from wms.shipments.packages import packages_of
from wms.shipments.service import member_orders, ship_to

# Phone and e-mail are missing on purpose: they may change on a label that is bought, the door may not.
SHIP_TO_FIELDS: Final = ("name", "company", "street", "city", "region", "postcode", "country")
_REFERENCE_CHARACTERS = 60


def ship_to_sha256(recipient: Recipient) -> bytes:
    """Returns the SHA-256 of whom and where a label sends its parcel: the fields, as written, joined by U+001F.

    In SQL: ``sha256(convert_to(concat_ws(E'\\x1f', name, company, ...), 'UTF8'))``.
    """
    return hashlib.sha256("\x1f".join(getattr(recipient, name) for name in SHIP_TO_FIELDS).encode()).digest()


def labels_of(session: Session, purchase: LabelPurchase) -> Sequence[Label]:
    """Returns the purchase's labels by the number of their package."""
    return session.exec(
        select(Label)
        .join(Package, (col(Package.brand_id) == Label.brand_id) & (col(Package.id) == Label.package_id))
        .where(Label.brand_id == purchase.brand_id, Label.purchase_id == purchase.id)
        .order_by(col(Package.number))
    ).all()


def build_request(
    session: Session, purchase: LabelPurchase, shipment: Shipment, account: CarrierAccount
) -> ShipmentRequest:
    """Returns what the carrier is asked for. A parcel's reference is its package's id, so answers find their row."""
    brand = session.get(Brand, purchase.brand_id)
    warehouse = session.get(Warehouse, shipment.warehouse_id)
    assert brand is not None
    assert warehouse is not None
    package_ids = [label.package_id for label in labels_of(session, purchase)]
    packages = [package for package in packages_of(session, shipment) if package.id in package_ids]
    refs = ", ".join(order.ref for order in member_orders(session, shipment))
    return ShipmentRequest(
        key=purchase.key,
        reference=refs[:_REFERENCE_CHARACTERS],
        service=account.services[shipment.service],
        ship_from=_ship_from(brand, warehouse),
        ship_to=address_of(ship_to(session, shipment)),
        parcels=tuple(_parcel(package) for package in packages),
        cod=_cash_on_delivery(session, shipment),
        contents_value=_contents_value(session, shipment),
    )


def _parcel(package: Package) -> Parcel:
    return Parcel(package.id.hex, package.weight_g, package.length_mm, package.width_mm, package.height_mm)


def _lines(street: str) -> tuple[str, str]:
    """Splits one to three written lines into the two that carriers know."""
    first, *rest = [line.strip() for line in street.split("\n") if line.strip()] or [""]
    return first, ", ".join(rest)


def address_of(recipient: Recipient) -> Address:
    """Returns a recipient as a carrier is told it."""
    line1, line2 = _lines(recipient.street)
    return Address(
        name=recipient.name,
        company=recipient.company,
        line1=line1,
        line2=line2,
        city=recipient.city,
        region=recipient.region,
        postcode=recipient.postcode,
        country=recipient.country,
        phone=recipient.phone,
        email=recipient.email,
    )


def _ship_from(brand: Brand, warehouse: Warehouse) -> Address:
    """The brand in front, the building behind it: the shopper bought from the brand."""
    door = warehouse.address
    line1, line2 = _lines(door.get("street", ""))
    return Address(
        name=brand.name,
        company=door.get("company", ""),
        line1=line1,
        line2=line2,
        city=door.get("city", ""),
        region=door.get("region", ""),
        postcode=door.get("postcode", ""),
        country=door.get("country", ""),
        phone=door.get("phone", ""),
        email=door.get("email", ""),
    )


def _cash_on_delivery(session: Session, shipment: Shipment) -> Money | None:
    """What the driver collects. An order in several shipments is paid in full with its first one, and once."""
    owed = session.execute(
        text(
            "SELECT o.currency, sum(o.cod_amount_minor) AS amount FROM orders o"
            " WHERE o.brand_id = :brand_id AND o.payment_state = 'cod' AND o.cod_amount_minor > 0"
            "  AND :id = (SELECT s.id FROM shipment_line l"
            "   JOIN shipment s ON s.brand_id = l.brand_id AND s.id = l.shipment_id"
            "   WHERE l.brand_id = o.brand_id AND l.order_id = o.id AND l.quantity > 0 AND s.state <> 'cancelled'"
            "   ORDER BY s.id LIMIT 1)"
            "  AND o.id IN (SELECT order_id FROM shipment_line"
            "               WHERE brand_id = :brand_id AND shipment_id = :id AND quantity > 0)"
            " GROUP BY o.currency ORDER BY o.currency"
        ),
        {"brand_id": shipment.brand_id, "id": shipment.id},
    ).all()
    # One driver collects one currency; consolidation never joins orders whose terms differ.
    return Money(int(owed[0].amount), owed[0].currency) if owed else None


def _contents_value(session: Session, shipment: Shipment) -> Money | None:
    """What the goods inside were sold for, where they were sold in one currency."""
    values = session.execute(
        text(
            "SELECT o.currency, sum(l.quantity * ol.unit_price_minor) AS amount FROM shipment_line l"
            " JOIN order_line ol ON ol.brand_id = l.brand_id AND ol.id = l.order_line_id"
            " JOIN orders o ON o.brand_id = l.brand_id AND o.id = l.order_id"
            " WHERE l.brand_id = :brand_id AND l.shipment_id = :id GROUP BY o.currency"
        ),
        {"brand_id": shipment.brand_id, "id": shipment.id},
    ).all()
    return Money(int(values[0].amount), values[0].currency) if len(values) == 1 else None
