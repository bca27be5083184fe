# SPDX-License-Identifier: Apache-2.0
"""Goods that arrive, are moved and are counted."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, select

from wms.platform.errors import Invalid, NotFound
from wms.platform.jobs import enqueue
from wms.stock.ledger import Cause, Leg, post
from wms.stock.models import Account, Location, LocationKind


@dataclass(frozen=True)
class Goods:
    """So many pieces of one SKU and lot."""

    sku_id: UUID
    quantity: int
    lot: str = ""


def find_location(session: Session, warehouse_id: UUID, code: str) -> Location:
    """Returns the location with this code; raises :class:`NotFound`."""
    location = session.exec(
        select(Location).where(Location.warehouse_id == warehouse_id, Location.code == code.strip().upper())
    ).one_or_none()
    if location is None:
        raise NotFound(f"There is no location {code}.")
    return location


def receive(session: Session, brand_id: UUID, location: Location, goods: Sequence[Goods], cause: Cause) -> bool:
    """Takes goods from the supplier into a location. ``False`` when this cause has been received before.

    Whoever waits for these SKUs is served by a job, because waiting orders live above stock.
    """
    if not goods or any(item.quantity <= 0 for item in goods):
        raise Invalid("A receipt needs at least one piece of each article.")
    legs = []
    for item in merged(goods):
        legs.append(Leg(Account.SUPPLIER, item.sku_id, -item.quantity, lot=item.lot))
        legs.append(Leg(Account.BIN, item.sku_id, item.quantity, location.id, item.lot))
    if not post(session, brand_id, location.warehouse_id, cause, legs):
        return False
    tell_of_stock(session, brand_id, location.warehouse_id, {item.sku_id for item in goods})
    return True


def merged(goods: Iterable[Goods]) -> list[Goods]:
    """Returns the goods with equal SKU and lot added up."""
    total: defaultdict[tuple[UUID, str], int] = defaultdict(int)
    for item in goods:
        total[item.sku_id, item.lot] += item.quantity
    return [Goods(sku_id, quantity, lot) for (sku_id, lot), quantity in total.items()]


def tell_of_stock(session: Session, brand_id: UUID, warehouse_id: UUID, sku_ids: Iterable[UUID]) -> None:
    """Lets whoever waits for the SKUs be served soon: goods arrived or were given back, or somebody began to wait
    who could not see what arrived in that moment."""
    for sku_id in sorted(sku_ids):
        enqueue(
            session,
            "stock.arrived",
            {"brand_id": str(brand_id), "warehouse_id": str(warehouse_id), "sku_id": str(sku_id)},
            brand_id=brand_id,
            dedupe_key=f"{warehouse_id}:{sku_id}",
        )


def move(session: Session, brand_id: UUID, source: Location, target: Location, goods: Goods, cause: Cause) -> bool:
    """Carries goods that nobody has allocated from one location to another of the same building."""
    if goods.quantity <= 0:
        raise Invalid("Move at least one piece.")
    if source.id == target.id or source.warehouse_id != target.warehouse_id:
        raise Invalid("Move the goods to another location of the same building.")
    legs = [
        Leg(Account.BIN, goods.sku_id, -goods.quantity, source.id, goods.lot),
        Leg(Account.BIN, goods.sku_id, goods.quantity, target.id, goods.lot),
    ]
    if not post(session, brand_id, source.warehouse_id, cause, legs):
        return False
    if target.kind is LocationKind.PICK:
        tell_of_stock(session, brand_id, source.warehouse_id, [goods.sku_id])
    return True


def found(session: Session, brand_id: UUID, location: Location, goods: Goods, cause: Cause) -> bool:
    """Books goods that turned up in a location."""
    if goods.quantity <= 0:
        raise Invalid("Book at least one piece.")
    legs = [
        Leg(Account.ADJUSTMENT, goods.sku_id, -goods.quantity, lot=goods.lot),
        Leg(Account.BIN, goods.sku_id, goods.quantity, location.id, goods.lot),
    ]
    if not post(session, brand_id, location.warehouse_id, cause, legs):
        return False
    tell_of_stock(session, brand_id, location.warehouse_id, [goods.sku_id])
    return True


def lost(session: Session, brand_id: UUID, location: Location, goods: Goods, cause: Cause) -> bool:
    """Books goods that are not in a location after all. What was promised of them must have been given back before."""
    if goods.quantity <= 0:
        raise Invalid("Book at least one piece.")
    legs = [
        Leg(Account.BIN, goods.sku_id, -goods.quantity, location.id, goods.lot),
        Leg(Account.ADJUSTMENT, goods.sku_id, goods.quantity, lot=goods.lot),
    ]
    return post(session, brand_id, location.warehouse_id, cause, legs)
