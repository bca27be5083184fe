# SPDX-License-Identifier: Apache-2.0
"""The second level of stock: from which bin the promised goods will come, and the goods' way out of the building."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.platform.db import insert_rows
from wms.platform.ids import new_id
from wms.stock.ledger import Bin, BinChange, Cause, Leg, change_bins, post
from wms.stock.models import Account, Allocation, AllocationState, PromiseState
from wms.stock.promises import end_promises

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Demand:
    """What one shipment line still needs from the bins."""

    shipment_line_id: UUID
    sku_id: UUID
    quantity: int


@dataclass
class _Shelf:
    bin: Bin
    free: int


def allocate(
    session: Session,
    brand_id: UUID,
    warehouse_id: UUID,
    groups: Mapping[Key, Sequence[Demand]],
    *,
    apart_from: Bin | None = None,
) -> set[Key]:
    """Sets goods in pick bins aside, group by group in the given order; returns the groups that the bins cannot cover.

    A group (a shipment) is covered whole or not at all. The bins nearest to the start of the walk are emptied first;
    ``apart_from`` is a bin that somebody has just found empty.
    """
    shelves = _lock_shelves(
        session, brand_id, warehouse_id, {demand.sku_id for demands in groups.values() for demand in demands}
    )
    for shelf in [shelf for own in shelves.values() for shelf in own if shelf.bin == apart_from]:
        shelf.free = 0
    uncovered: set[Key] = set()
    rows: list[dict[str, Any]] = []
    changes: defaultdict[Bin, BinChange] = defaultdict(BinChange)
    for key, demands in groups.items():
        need: defaultdict[UUID, int] = defaultdict(int)
        for demand in demands:
            need[demand.sku_id] += demand.quantity
        if any(sum(shelf.free for shelf in shelves[sku_id]) < quantity for sku_id, quantity in need.items()):
            uncovered.add(key)
            continue
        for demand in demands:
            for bin_, quantity in _take(shelves[demand.sku_id], demand.quantity):
                changes[bin_].allocated += quantity
                rows.append(_row(brand_id, demand, bin_, quantity))
    insert_rows(session, Allocation, rows)
    change_bins(session, brand_id, changes)
    return uncovered


def _lock_shelves(
    session: Session, brand_id: UUID, warehouse_id: UUID, sku_ids: Iterable[UUID]
) -> defaultdict[UUID, list[_Shelf]]:
    rows = session.execute(
        text(
            "SELECT b.sku_id, b.location_id, b.lot, b.on_hand - b.allocated AS free, l.route_order FROM bin_stock b"
            " JOIN location l ON l.id = b.location_id"
            " WHERE b.brand_id = :brand_id AND b.sku_id = ANY(:sku_ids)"
            "  AND l.warehouse_id = :warehouse_id AND l.kind = 'pick'"
            " ORDER BY b.sku_id, b.location_id, b.lot FOR UPDATE OF b"
        ),
        {"brand_id": brand_id, "sku_ids": sorted(sku_ids), "warehouse_id": warehouse_id},
    ).all()
    shelves: defaultdict[UUID, list[_Shelf]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.route_order, row.location_id, row.lot)):
        shelves[row.sku_id].append(_Shelf(Bin(row.sku_id, row.location_id, row.lot), row.free))
    return shelves


def _take(shelves: list[_Shelf], quantity: int) -> Iterable[tuple[Bin, int]]:
    for shelf in shelves:
        taken = min(shelf.free, quantity)
        if taken > 0:
            shelf.free -= taken
            quantity -= taken
            yield shelf.bin, taken


def _row(brand_id: UUID, demand: Demand, bin_: Bin, quantity: int) -> dict[str, Any]:
    return {
        "brand_id": brand_id,
        "id": new_id(),
        "shipment_line_id": demand.shipment_line_id,
        "sku_id": demand.sku_id,
        "location_id": bin_.location_id,
        "lot": bin_.lot,
        "quantity": quantity,
        "picked": 0,
        "state": AllocationState.OPEN,
    }


def free_in_pick_bins(
    session: Session, brand_id: UUID, warehouse_id: UUID, sku_ids: Iterable[UUID], *, apart_from: Bin | None = None
) -> dict[UUID, int]:
    """Returns what lies in pick bins and is not allocated, per SKU; SKUs with nothing are absent."""
    rows = session.execute(
        text(
            "SELECT b.sku_id, b.location_id, b.lot, b.on_hand - b.allocated AS free FROM bin_stock b"
            " JOIN location l ON l.id = b.location_id WHERE b.brand_id = :brand_id AND b.sku_id = ANY(:sku_ids)"
            " AND l.warehouse_id = :warehouse_id AND l.kind = 'pick' AND b.on_hand > b.allocated"
        ),
        {"brand_id": brand_id, "sku_ids": list(sku_ids), "warehouse_id": warehouse_id},
    )
    free: defaultdict[UUID, int] = defaultdict(int)
    for row in rows:
        if Bin(row.sku_id, row.location_id, row.lot) != apart_from:
            free[row.sku_id] += row.free
    return dict(free)


def free_in_bin(session: Session, brand_id: UUID, bin_: Bin) -> tuple[int, int]:
    """Returns what lies in a bin and how much of it is not allocated, and keeps others from allocating more."""
    row = session.execute(
        text(
            "SELECT on_hand, on_hand - allocated AS free FROM bin_stock WHERE brand_id = :brand_id"
            " AND sku_id = :sku_id AND location_id = :location_id AND lot = :lot FOR UPDATE"
        ),
        {"brand_id": brand_id, "sku_id": bin_.sku_id, "location_id": bin_.location_id, "lot": bin_.lot},
    ).first()
    return (row.on_hand, row.free) if row else (0, 0)


def allocations_in_bin(session: Session, brand_id: UUID, bin_: Bin) -> Sequence[Allocation]:
    """Returns the open allocations in a bin, the newest first."""
    return session.exec(
        select(Allocation)
        .where(
            Allocation.brand_id == brand_id,
            Allocation.sku_id == bin_.sku_id,
            Allocation.location_id == bin_.location_id,
            Allocation.lot == bin_.lot,
            Allocation.state == AllocationState.OPEN,
        )
        .order_by(col(Allocation.id).desc())
    ).all()


def open_allocations(session: Session, brand_id: UUID, shipment_line_ids: Iterable[UUID]) -> Sequence[Allocation]:
    """Returns what is still to be picked for the lines, in no particular order."""
    return session.exec(
        select(Allocation).where(
            Allocation.brand_id == brand_id,
            col(Allocation.shipment_line_id).in_(list(shipment_line_ids)),
            Allocation.state == AllocationState.OPEN,
        )
    ).all()


def lock_allocation(session: Session, brand_id: UUID, allocation_id: UUID) -> Allocation:
    """Returns the allocation, locked, as it is now."""
    return session.exec(
        select(Allocation)
        .where(Allocation.brand_id == brand_id, Allocation.id == allocation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def pick(session: Session, allocation: Allocation, warehouse_id: UUID, quantity: int, cause: Cause) -> bool:
    """Carries goods of an allocation from their bin into the tote. ``False`` when this cause has done it before."""
    assert 0 < quantity <= allocation.quantity - allocation.picked
    bin_ = Bin(allocation.sku_id, allocation.location_id, allocation.lot)
    legs = [
        Leg(Account.BIN, bin_.sku_id, -quantity, bin_.location_id, bin_.lot),
        Leg(Account.TOTE, bin_.sku_id, quantity, lot=bin_.lot),
    ]
    if not post(session, allocation.brand_id, warehouse_id, cause, legs, allocated={bin_: -quantity}):
        return False
    allocation.picked += quantity
    if allocation.picked == allocation.quantity:
        allocation.state = AllocationState.PICKED
    session.add(allocation)
    return True


def shrink(session: Session, allocation: Allocation, missing: int) -> None:
    """Takes ``missing`` unpicked pieces off an allocation; what is left of it is picked or cancelled."""
    assert 0 < missing <= allocation.quantity - allocation.picked
    bin_ = Bin(allocation.sku_id, allocation.location_id, allocation.lot)
    change_bins(session, allocation.brand_id, {bin_: BinChange(allocated=-missing)})
    if allocation.quantity == missing:
        allocation.state = AllocationState.CANCELLED
    else:
        allocation.quantity -= missing
        if allocation.picked == allocation.quantity:
            allocation.state = AllocationState.PICKED
    session.add(allocation)


def picked_lots(
    session: Session, brand_id: UUID, shipment_line_ids: Iterable[UUID]
) -> dict[UUID, list[tuple[str, int]]]:
    """Returns what was picked for each line, as (lot, quantity) in the order in which it was allocated."""
    rows = session.exec(
        select(Allocation)
        .where(Allocation.brand_id == brand_id, col(Allocation.shipment_line_id).in_(list(shipment_line_ids)))
        .order_by(col(Allocation.id))
    ).all()
    lots: defaultdict[UUID, list[tuple[str, int]]] = defaultdict(list)
    for row in rows:
        if row.picked:
            lots[row.shipment_line_id].append((row.lot, row.picked))
    return dict(lots)


@dataclass(frozen=True)
class Outgoing:
    """Picked goods of one order line and lot that leave the building."""

    order_line_id: UUID
    sku_id: UUID
    lot: str
    quantity: int


def ship(session: Session, brand_id: UUID, warehouse_id: UUID, goods: Sequence[Outgoing], cause: Cause) -> bool:
    """Lets goods leave the building together with their promises. ``False`` when this cause has done it before."""
    by_lot: defaultdict[tuple[UUID, str], int] = defaultdict(int)
    by_line: defaultdict[UUID, int] = defaultdict(int)
    by_sku: defaultdict[UUID, int] = defaultdict(int)
    for item in goods:
        by_lot[item.sku_id, item.lot] += item.quantity
        by_line[item.order_line_id] += item.quantity
        by_sku[item.sku_id] += item.quantity
    legs = []
    for (sku_id, lot), quantity in by_lot.items():
        legs.append(Leg(Account.TOTE, sku_id, -quantity, lot=lot))
        legs.append(Leg(Account.SHIPPED, sku_id, quantity, lot=lot))
    promised = {sku_id: -quantity for sku_id, quantity in by_sku.items()}
    if not post(session, brand_id, warehouse_id, cause, legs, promised=promised):
        return False
    end_promises(session, brand_id, by_line, PromiseState.SHIPPED)
    return True
