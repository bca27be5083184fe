# SPDX-License-Identifier: Apache-2.0
"""Receipts as brands report them: booked once for each of the brand's own references, for ever."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid5

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.brands.models import Brand
from wms.catalog.models import Sku
from wms.catalog.service import skus_by_code
from wms.platform.errors import Conflict, Invalid
from wms.stock.ledger import Cause
from wms.stock.models import Account, Location, LocationKind, StockMove
from wms.stock.schemas import ReceiptIn, ReceiptLine, ReceiptOut
from wms.stock.service import Goods, find_location, receive


class ReferenceReused(Conflict):
    """The reference booked other goods before."""

    code = "reference_reused"


def book_receipt(session: Session, brand: Brand, receipt: ReceiptIn, actor: str) -> ReceiptOut:
    """Takes the goods of a receipt into their location, or finds that its reference has booked them before.

    Raises :class:`Invalid` naming every line that cannot be, :class:`NotFound` for an unknown location and
    :class:`ReferenceReused` when the reference stands for other goods.
    """
    location = _location(session, brand.warehouse_id, receipt.location)
    goods = _goods(session, brand.id, receipt.lines)
    cause = Cause(uuid5(brand.id, f"receipt:{receipt.reference}"), "receipt", actor, receipt.reference)
    repeated = booked_before(session, brand.id, cause, location, goods)
    if not repeated:
        receive(session, brand.id, location, goods, cause)
    return ReceiptOut(reference=receipt.reference, location=location.code, lines=receipt.lines, repeated=repeated)


def booked_before(session: Session, brand_id: UUID, cause: Cause, location: Location, goods: Sequence[Goods]) -> bool:
    """Says whether the cause moved just these goods at this location before, now or in a transaction under way.

    Raises :class:`ReferenceReused` when it moved others.
    """
    # Two requests with one reference wait here for each other, so that the second sees what the first has booked.
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": str(cause.group_id)})
    moves = session.exec(
        select(StockMove).where(
            StockMove.brand_id == brand_id,
            StockMove.group_id == cause.group_id,
            StockMove.account == Account.BIN,
        )
    ).all()
    if not moves:
        return False
    booked = {(move.location_id, move.sku_id, move.lot): (move.quantity, move.reason) for move in moves}
    wanted: defaultdict[tuple[UUID, str], int] = defaultdict(int)
    for item in goods:
        wanted[item.sku_id, item.lot] += item.quantity
    if booked != {(location.id, *what): (quantity, cause.reason) for what, quantity in wanted.items()}:
        raise ReferenceReused(f"The reference {cause.reference} booked other goods before.")
    return True


def lot_complaint(sku: Sku, lot: str) -> str | None:
    """Says what is wrong with naming this lot (or none) for the article."""
    if sku.lot_tracked and not lot:
        return f"{sku.code} is kept by lots: name the lot."
    if lot and not sku.lot_tracked:
        return f"{sku.code} is not kept by lots: leave the lot out."
    return None


def _location(session: Session, warehouse_id: UUID, code: str | None) -> Location:
    if code is not None:
        return find_location(session, warehouse_id, code)
    wanted = select(Location).where(Location.warehouse_id == warehouse_id, Location.kind == LocationKind.RECEIVING)
    location = session.exec(wanted.order_by(col(Location.route_order), col(Location.code))).first()
    if location is None:
        raise Invalid("This building has no receiving area: name the location.")
    return location


def _goods(session: Session, brand_id: UUID, lines: Sequence[ReceiptLine]) -> list[Goods]:
    skus: Mapping[str, Sku] = skus_by_code(session, brand_id, (line.sku for line in lines))
    goods, errors = [], []
    for place, line in enumerate(lines):
        sku = skus.get(line.sku)
        if sku is None:
            errors.append({"field": f"lines.{place}.sku", "message": f"There is no SKU {line.sku}."})
        elif complaint := lot_complaint(sku, line.lot):
            errors.append({"field": f"lines.{place}.lot", "message": complaint})
        else:
            goods.append(Goods(sku.id, line.quantity, line.lot))
    if errors:
        raise Invalid("Nothing was booked: `errors` names each line and what is wrong with it.", errors=errors)
    return goods
