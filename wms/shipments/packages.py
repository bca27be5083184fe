# SPDX-License-Identifier: Apache-2.0
"""The boxes of a shipment: opened on the bench, handed over at the dock, delivered at the door."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import text
from sqlmodel import Session, col, select

from labels.codes import sscc
from wms.brands.models import Warehouse
from wms.orders.models import EventKind, Order, OrderLine
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.shipments.models import Package, PackageLine, PackageState, Shipment, ShipmentLine, ShipmentState
from wms.shipments.service import is_pending, lines_of, lock_shipment, member_orders, move_to
from wms.stock.allocations import Outgoing, picked_lots, ship
from wms.stock.ledger import Cause

_LEFT: Final = (PackageState.HANDED_OVER, PackageState.DELIVERED)


def packages_of(session: Session, shipment: Shipment) -> Sequence[Package]:
    """Returns the shipment's boxes by number, without cancelled ones."""
    return session.exec(
        select(Package)
        .where(
            Package.brand_id == shipment.brand_id,
            Package.shipment_id == shipment.id,
            Package.state != PackageState.CANCELLED,
        )
        .order_by(col(Package.number))
    ).all()


def package_lines(session: Session, package: Package) -> Sequence[PackageLine]:
    """Returns what lies in the box."""
    return session.exec(
        select(PackageLine).where(PackageLine.brand_id == package.brand_id, PackageLine.package_id == package.id)
    ).all()


def open_package(session: Session, shipment: Shipment) -> Package:
    """Returns a new, empty box with the next number and a licence plate (SSCC) of its own."""
    warehouse = session.get_one(Warehouse, shipment.warehouse_id)
    serial = session.execute(text("SELECT nextval('sscc_serial')")).scalar_one()
    numbers = session.exec(
        select(Package.number).where(Package.brand_id == shipment.brand_id, Package.shipment_id == shipment.id)
    ).all()
    package = Package(
        brand_id=shipment.brand_id,
        shipment_id=shipment.id,
        number=max(numbers, default=0) + 1,
        sscc=sscc(warehouse.gs1_company_prefix, serial),
    )
    session.add(package)
    # Lines are put into the box in the same transaction, and their foreign key needs it.
    session.flush()
    return package


def hand_over(session: Session, package: Package, actor: str) -> None:
    """Gives a box to the carrier: its goods leave stock, and with the last box the shipment and its orders are shipped.

    What may be handed over was decided before (`wms.dispatch`). Again changes nothing.
    """
    shipment = lock_shipment(session, package.brand_id, package.shipment_id)
    session.refresh(package)  # It may have been read before the lock.
    if package.state in _LEFT:
        return
    goods = _goods(session, shipment, package)
    cause = Cause(uuid5(package.id, "handed over"), "handed_over", actor, package.sscc)
    ship(session, package.brand_id, shipment.warehouse_id, goods, cause)
    by_line: defaultdict[UUID, int] = defaultdict(int)
    for item in goods:
        by_line[item.order_line_id] += item.quantity
    for line_id, quantity in sorted(by_line.items()):
        line = session.get_one(OrderLine, (package.brand_id, line_id))
        # A line that was split leaves with two shipments, whose own locks do not keep them apart here.
        session.refresh(line, with_for_update={"key_share": True})
        line.shipped += quantity
        session.add(line)
    package.state = PackageState.HANDED_OVER
    package.handed_over_at = now(session)
    session.add(package)
    session.flush()  # The boxes are read again to see whether this was the last one.
    boxes = packages_of(session, shipment)
    # The first box may be at the door already when the last one leaves.
    if all(box.state in _LEFT for box in boxes):
        move_to(session, shipment, ShipmentState.HANDED_OVER)
        told = {
            "shipment_id": str(shipment.id),
            "master_tracking": shipment.master_tracking,
            "tracking_numbers": [box.tracking_number for box in boxes],
        }
        record(
            session,
            [
                NewEvent(shipment.brand_id, order.id, EventKind.HANDED_OVER, told, actor)
                for order in member_orders(session, shipment)
            ],
        )


def _goods(session: Session, shipment: Shipment, package: Package) -> list[Outgoing]:
    """Returns the box's goods by lot: each line's lots are used up in the order in which they were allocated."""
    lines: dict[UUID, ShipmentLine] = {line.id: line for line in lines_of(session, shipment)}
    lots = picked_lots(session, shipment.brand_id, lines)
    for box in packages_of(session, shipment):
        if box.state in _LEFT:
            for packed in package_lines(session, box):
                _draw(lots[packed.shipment_line_id], packed.quantity)
    goods = []
    for packed in package_lines(session, package):
        line = lines[packed.shipment_line_id]
        for lot, quantity in _draw(lots[packed.shipment_line_id], packed.quantity):
            goods.append(Outgoing(line.order_line_id, line.sku_id, lot, quantity))
    return goods


def _draw(lots: list[tuple[str, int]], quantity: int) -> list[tuple[str, int]]:
    """Takes ``quantity`` pieces off the front of ``lots`` and returns them."""
    drawn = []
    while quantity:
        lot, there = lots.pop(0)
        taken = min(there, quantity)
        drawn.append((lot, taken))
        quantity -= taken
        if there > taken:
            lots.insert(0, (lot, there - taken))
    return drawn


def deliver(session: Session, package: Package, at: datetime, actor: str) -> None:
    """Records that the carrier delivered a box; with the last one its orders are delivered. Again changes nothing."""
    shipment = lock_shipment(session, package.brand_id, package.shipment_id)
    session.refresh(package)  # It may have been read before the lock.
    if package.state is not PackageState.HANDED_OVER:
        return
    package.state = PackageState.DELIVERED
    session.add(package)
    session.flush()  # The boxes are read again to see whether this was the last one.
    boxes = packages_of(session, shipment)
    if shipment.state is not ShipmentState.HANDED_OVER or any(box.state is not PackageState.DELIVERED for box in boxes):
        return
    move_to(session, shipment, ShipmentState.DELIVERED)
    told = {
        "shipment_id": str(shipment.id),
        "master_tracking": shipment.master_tracking,
        "tracking_numbers": [box.tracking_number for box in boxes],
        "delivered_at": at.isoformat(),
    }
    record(
        session,
        [
            NewEvent(shipment.brand_id, order.id, _arrival(session, order), told, actor)
            for order in member_orders(session, shipment)
        ],
    )


def _arrival(session: Session, order: Order) -> EventKind:
    # Two shipments of one order that arrive at once must not each take the other one for pending.
    session.refresh(order, with_for_update={"key_share": True})
    return EventKind.PARTLY_DELIVERED if is_pending(session, order.brand_id, order.id) else EventKind.DELIVERED
