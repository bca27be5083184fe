# SPDX-License-Identifier: Apache-2.0
"""Goods in: receiving what arrived into a location, and looking into one."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.brands.models import Brand, Staff
from wms.catalog.models import Sku
from wms.floor.actions import Outcome, actor, once
from wms.floor.scans import WrongScan, clean, find_location, skus_scanned
from wms.platform.errors import Invalid
from wms.stock.ledger import Cause
from wms.stock.models import Location
from wms.stock.service import Goods, receive

RECEIPT_MAX = 100_000


class WhichBrand(WrongScan):
    """Articles of several brands carry the code; the person has to say whose goods these are."""

    code = "which_brand"


@dataclass(frozen=True)
class Shelf:
    """Some pieces of one article and lot in a location."""

    brand: str
    colour: str
    sku: str
    name: str
    lot: str
    on_hand: int
    allocated: int


def content_of(session: Session, location: Location) -> list[Shelf]:
    """Returns what lies in the location."""
    rows = session.execute(
        text(
            "SELECT b.name AS brand, b.colour, k.code AS sku, k.name, s.lot, s.on_hand, s.allocated FROM bin_stock s"
            " JOIN sku k ON k.brand_id = s.brand_id AND k.id = s.sku_id JOIN brand b ON b.id = s.brand_id"
            " WHERE s.location_id = :id AND s.on_hand > 0 ORDER BY b.name, k.name, s.lot"
        ),
        {"id": location.id},
    ).mappings()
    return [Shelf(**row) for row in rows]


def article(session: Session, barcode: str, brand_id: UUID | None = None) -> Sku:
    """Returns the one article that carries the code; raises :class:`WrongScan` or :class:`WhichBrand`."""
    found = skus_scanned(session, barcode, brand_id)
    if not found:
        raise WrongScan(f"Unknown code “{clean(barcode)}”. Is the article in the catalogue?")
    if len({sku.brand_id for sku in found}) > 1:
        names = [session.get_one(Brand, sku.brand_id).name for sku in found]
        raise WhichBrand(f"This code is used by {' and '.join(sorted(set(names)))}. Choose whose goods these are.")
    return found[0]


def receive_goods(
    session: Session,
    action_id: UUID,
    location_code: str,
    barcode: str,
    quantity: int,
    staff: Staff,
    *,
    lot: str = "",
    reference: str = "",
    brand_id: UUID | None = None,
) -> Outcome:
    """Books goods of a supplier into a location, once per ``action_id``."""

    def work() -> Outcome:
        location = find_location(session, staff.warehouse_id, location_code)
        sku = article(session, barcode, brand_id)
        if not 1 <= quantity <= RECEIPT_MAX:
            raise Invalid(f"Type how many pieces arrived: 1 to {RECEIPT_MAX}.")
        if sku.lot_tracked and not clean(lot):
            raise Invalid(f"{sku.name} is kept by lot. Type the lot that is printed on it.")
        goods = Goods(sku.id, quantity, clean(lot) if sku.lot_tracked else "")
        cause = Cause(action_id, "receipt", actor(staff), clean(reference))
        receive(session, sku.brand_id, location, [goods], cause)
        return Outcome(f"{quantity} × {sku.name} received into {location.code}.", {"location": location.code})

    return once(session, action_id, staff, "receive", work)
