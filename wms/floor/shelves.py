# SPDX-License-Identifier: Apache-2.0
"""The shelves: receiving what arrived into a location, looking into one, putting away, counting."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.brands.models import Brand, Staff
from wms.catalog.models import Sku
from wms.floor.actions import Outcome, actor, once
from wms.floor.scans import WrongScan, clean, find_location, skus_scanned
from wms.platform.errors import Conflict, Invalid, NotFound
from wms.shipments.missing import count_down
from wms.stock.ledger import Cause, NotEnoughStock
from wms.stock.models import Location
from wms.stock.service import Goods, found, move, receive

RECEIPT_MAX = 100_000


class WhichBrand(WrongScan):
    """Articles of several brands carry the code; the person has to say whose goods these are."""

    code = "which_brand"


class ShelfConflict(Conflict):
    """What lies there is not as the screen said, or is spoken for; nothing was booked."""

    code = "shelf_conflict"


@dataclass(frozen=True)
class Shelf:
    """Some pieces of one article and lot in a location."""

    brand_id: UUID
    sku_id: UUID
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
            "SELECT s.brand_id, s.sku_id, b.name AS brand, b.colour, k.code AS sku, k.name, s.lot, s.on_hand,"
            " s.allocated FROM bin_stock s JOIN brand b ON b.id = s.brand_id"
            " JOIN sku k ON k.brand_id = s.brand_id AND k.id = s.sku_id"
            " WHERE s.location_id = :id AND s.on_hand > 0 ORDER BY b.name, k.name, s.lot"
        ),
        {"id": location.id},
    ).mappings()
    return [Shelf(**row) for row in rows]


def article(session: Session, barcode: str, brand_id: UUID | None = None) -> Sku:
    """Returns the one article that carries the code; raises :class:`WrongScan` or :class:`WhichBrand`."""
    known = skus_scanned(session, barcode, brand_id)
    if not known:
        raise WrongScan(f"Unknown code “{clean(barcode)}”. Is the article in the catalogue?")
    if len({sku.brand_id for sku in known}) > 1:
        names = [session.get_one(Brand, sku.brand_id).name for sku in known]
        raise WhichBrand(f"This code is used by {' and '.join(sorted(set(names)))}. Choose whose goods these are.")
    return known[0]


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


def shelf_of(session: Session, location: Location, brand_id: UUID, sku_id: UUID, lot: str) -> Shelf:
    """Returns one article and lot as it lies in the location; raises :class:`NotFound` where none of it does."""
    for shelf in content_of(session, location):
        if (shelf.brand_id, shelf.sku_id, shelf.lot) == (brand_id, sku_id, lot):
            return shelf
    raise NotFound(f"Nothing of this lies in {location.code} any more. Look into the place again.")


def put_away(
    session: Session, action_id: UUID, source: Location, shelf: Shelf, target_code: str, quantity: int, staff: Staff
) -> Outcome:
    """Carries pieces that nobody is about to pick into another location, once per ``action_id``."""

    def work() -> Outcome:
        target = find_location(session, staff.warehouse_id, target_code)
        free = shelf.on_hand - shelf.allocated
        if not 1 <= quantity <= free:
            raise ShelfConflict(f"{free} pieces can be moved from here; the others are about to be picked.")
        goods, cause = Goods(shelf.sku_id, quantity, shelf.lot), Cause(action_id, "put_away", actor(staff))
        try:
            move(session, shelf.brand_id, source, target, goods, cause)
        except NotEnoughStock as refusal:
            raise ShelfConflict("These pieces are promised to orders, or were just taken. Look again.") from refusal
        return Outcome(f"{quantity} × {shelf.name} moved to {target.code}.", {"location": source.code})

    return once(session, action_id, staff, "put_away", work)


def count(
    session: Session, action_id: UUID, location: Location, shelf: Shelf, expected: int, counted: int, staff: Staff
) -> Outcome:
    """Books what a count found more or less than the books said when it began (``expected``), once per ``action_id``.

    Whoever was to get missing pieces gets others, or waits (:func:`~wms.shipments.missing.count_down`). Raises
    :class:`ShelfConflict` where somebody took or brought pieces while they were being counted.
    """

    def work() -> Outcome:
        if not 0 <= counted <= RECEIPT_MAX:
            raise Invalid("Type how many pieces you counted.")
        if shelf.on_hand != expected:
            raise ShelfConflict(f"The books now say {shelf.on_hand}, not {expected}: somebody was here. Count again.")
        cause = Cause(action_id, "count", actor(staff))
        difference = counted - expected
        if difference < 0:
            count_down(session, shelf.brand_id, location, Goods(shelf.sku_id, -difference, shelf.lot), cause)
        elif difference > 0:
            found(session, shelf.brand_id, location, Goods(shelf.sku_id, difference, shelf.lot), cause)
        more = f"{difference} more than" if difference > 0 else f"{-difference} less than" if difference else "just as"
        return Outcome(f"{counted} × {shelf.name} counted: {more} the books said.", {"location": location.code})

    return once(session, action_id, staff, "count", work)
