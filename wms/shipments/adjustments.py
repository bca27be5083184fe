# SPDX-License-Identifier: Apache-2.0
"""Corrections of stock as brands report them. Pieces that are missing can be promised or allocated, so this lives
where shipments are known and not in the stock room."""

from uuid import uuid5

from sqlmodel import Session

from wms.brands.models import Brand
from wms.catalog.service import find_sku
from wms.platform.errors import Invalid
from wms.shipments.missing import count_down
from wms.stock.bookings import booked_before, lot_complaint
from wms.stock.ledger import Cause
from wms.stock.schemas import AdjustmentIn, AdjustmentOut
from wms.stock.service import Goods, find_location, found


def book_adjustment(session: Session, brand: Brand, adjustment: AdjustmentIn, actor: str) -> AdjustmentOut:
    """Books pieces that turned up or are missing, once for the brand's reference.

    Missing pieces are made up for elsewhere, or the newest promises wait (:func:`~wms.shipments.missing.count_down`).
    Raises :class:`NotFound` for an unknown article or location, :class:`Invalid` for a quantity of zero or a wrong
    lot, :class:`NotEnoughStock` when the books hold fewer, :class:`ReferenceReused` for another correction.
    """
    if adjustment.quantity == 0:
        raise Invalid("A correction of zero pieces corrects nothing.")
    sku = find_sku(session, brand.id, adjustment.sku)
    if complaint := lot_complaint(sku, adjustment.lot):
        raise Invalid(complaint)
    location = find_location(session, brand.warehouse_id, adjustment.location)
    key = uuid5(brand.id, f"adjustment:{adjustment.reference}")
    cause = Cause(key, adjustment.reason.value, actor, adjustment.reference)
    goods = Goods(sku.id, adjustment.quantity, adjustment.lot)
    repeated = booked_before(session, brand.id, cause, location, [goods])
    if not repeated and adjustment.quantity > 0:
        found(session, brand.id, location, goods, cause)
    elif not repeated:
        count_down(session, brand.id, location, Goods(sku.id, -adjustment.quantity, adjustment.lot), cause)
    return AdjustmentOut(**adjustment.model_dump(), repeated=repeated)
