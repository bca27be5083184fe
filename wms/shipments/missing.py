# SPDX-License-Identifier: Apache-2.0
"""Goods that are not where the books say: a picker's short, or a count that finds less.

Whoever loses pieces in that bin gets them from another one. What no other bin has is decided by the brand's policy
for the line that was being picked, and falls on the newest promises for everybody else, in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from wms.brands.models import Brand, OnShortPick
from wms.orders.models import EventKind, OrderLine
from wms.orders.service import place_stock_hold
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.platform.errors import Conflict, Invalid
from wms.platform.jobs import enqueue
from wms.shipments.models import Shipment, ShipmentLine, ShipmentState
from wms.shipments.service import is_pending, lines_of, lock_shipment, move_to
from wms.shipments.waiting import promised_to
from wms.stock.allocations import (
    Demand,
    allocate,
    allocations_in_bin,
    free_in_bin,
    free_in_pick_bins,
    lock_allocation,
    shrink,
)
from wms.stock.ledger import Bin, Cause, NotEnoughStock
from wms.stock.models import Allocation, Location, LocationKind
from wms.stock.promises import available, newest_promises, release_promises
from wms.stock.service import Goods, lost, tell_of_stock


@dataclass(frozen=True)
class _Loss:
    """A shipment line lost so many allocated pieces."""

    shipment_line_id: UUID
    quantity: int


def report_short(session: Session, allocation: Allocation, missing: int, location: Location, cause: Cause) -> None:
    """Books ``missing`` pieces of an allocation as not there and serves its line from elsewhere, or by policy.

    Its shipment must be locked. New allocations may stand in other bins afterwards; the line may have become smaller.
    """
    shrink(session, allocation, missing)
    bin_ = Bin(allocation.sku_id, allocation.location_id, allocation.lot)
    losses = [_Loss(allocation.shipment_line_id, missing)]
    _book(session, allocation.brand_id, location, bin_, missing, losses, cause)


def count_down(session: Session, brand_id: UUID, location: Location, goods: Goods, cause: Cause) -> None:
    """Books pieces that a count did not find. Raises :class:`NotEnoughStock` where the books hold fewer than that."""
    bin_ = Bin(goods.sku_id, location.id, goods.lot)
    if goods.quantity <= 0:
        raise Invalid("A count that finds less misses at least one piece.")
    # Shipments come before bins, as with pickers, so that two workers never wait for each other.
    shipments = [
        lock_shipment(session, brand_id, shipment_id) for shipment_id in _shipments_in_bin(session, brand_id, bin_)
    ]
    on_hand, free = free_in_bin(session, brand_id, bin_)
    if goods.quantity > on_hand:
        raise NotEnoughStock(f"The books hold {on_hand} pieces here; {goods.quantity} cannot be missing.")
    losses, over = [], goods.quantity - free
    for found in allocations_in_bin(session, brand_id, bin_):
        if over <= 0:
            break
        allocation = lock_allocation(session, brand_id, found.id)
        taken = min(allocation.quantity - allocation.picked, over)
        if taken > 0:
            shrink(session, allocation, taken)
            losses.append(_Loss(allocation.shipment_line_id, taken))
            over -= taken
    _book(session, brand_id, location, bin_, goods.quantity, losses, cause)
    if losses:
        _tell_pickers(session, shipments)


def _tell_pickers(session: Session, shipments: Sequence[Shipment]) -> None:
    """Lets walks that are under way be planned anew: their stops live in a room above this one."""
    for shipment in shipments:
        if shipment.state is ShipmentState.PICKING:
            enqueue(
                session,
                "floor.replan",
                {"shipment_id": str(shipment.id), "brand_id": str(shipment.brand_id)},
                brand_id=shipment.brand_id,
                dedupe_key=str(shipment.id),
            )


def _shipments_in_bin(session: Session, brand_id: UUID, bin_: Bin) -> list[UUID]:
    """Returns the shipments that are to be picked from the bin, in the order in which they are locked."""
    line_ids = [allocation.shipment_line_id for allocation in allocations_in_bin(session, brand_id, bin_)]
    found = session.exec(
        select(ShipmentLine.shipment_id).where(ShipmentLine.brand_id == brand_id, col(ShipmentLine.id).in_(line_ids))
    )
    return sorted(set(found))


def _book(
    session: Session,
    brand_id: UUID,
    location: Location,
    bin_: Bin,
    missing: int,
    losses: Sequence[_Loss],
    cause: Cause,
) -> None:
    for loss in losses:
        elsewhere = free_in_pick_bins(session, brand_id, location.warehouse_id, [bin_.sku_id], apart_from=bin_)
        moved = min(loss.quantity, elsewhere.get(bin_.sku_id, 0))
        if moved:
            demand = Demand(loss.shipment_line_id, bin_.sku_id, moved)
            allocate(session, brand_id, location.warehouse_id, {loss: [demand]}, apart_from=bin_)
        if loss.quantity > moved:
            line = session.get_one(ShipmentLine, (brand_id, loss.shipment_line_id))
            _shorten(session, line, loss.quantity - moved, location.warehouse_id, cause)
    # What lies in quarantine was never sellable, so nobody was promised any of it.
    if location.kind is not LocationKind.QUARANTINE:
        free = available(session, brand_id, location.warehouse_id, [bin_.sku_id], lock=True).get(bin_.sku_id, 0)
        if free < missing:
            _break_newest(session, brand_id, location.warehouse_id, bin_.sku_id, missing - free)
    if not lost(session, brand_id, location, Goods(bin_.sku_id, missing, bin_.lot), cause):
        raise Conflict("These pieces were booked as missing before.")


def _shorten(session: Session, line: ShipmentLine, quantity: int, warehouse_id: UUID, cause: Cause) -> None:
    """Takes pieces that nobody can find off a shipment line: cancelled, or sent later, as the brand decided."""
    brand = session.get_one(Brand, line.brand_id)
    order_line = session.get_one(OrderLine, (line.brand_id, line.order_line_id))
    shipment = lock_shipment(session, line.brand_id, line.shipment_id)
    session.refresh(line)  # It may have been read before the lock.
    session.refresh(order_line, with_for_update={"key_share": True})
    line.quantity -= quantity
    session.add(line)
    release_promises(session, line.brand_id, warehouse_id, {line.order_line_id: quantity})
    told = {"line": order_line.line_no, "quantity": quantity, "reason": "not_found", "shipment_id": str(shipment.id)}
    if brand.policy.on_short_pick is OnShortPick.CANCEL_LINE:
        order_line.cancelled += quantity
        session.add(order_line)
        event = NewEvent(line.brand_id, line.order_id, EventKind.LINE_CANCELLED, told, cause.actor)
        record(session, [event])
    else:
        event = NewEvent(line.brand_id, line.order_id, EventKind.LINE_BACKORDERED, told, cause.actor)
        record(session, [event])
        _send_later(session, shipment, line, quantity)
    _close_if_empty(session, shipment, line.order_id, cause.actor)


def _send_later(session: Session, shipment: Shipment, line: ShipmentLine, quantity: int) -> None:
    """Splits the pieces off into a shipment of their own that waits for stock."""
    later = Shipment(
        brand_id=shipment.brand_id,
        warehouse_id=shipment.warehouse_id,
        recipient_id=shipment.recipient_id,
        service=shipment.service,
        release_at=now(session),
    )
    session.add(later)
    # The line's foreign key needs the shipment, and rows without a declared relationship are not sorted for us.
    session.flush()
    session.add(
        ShipmentLine(
            brand_id=line.brand_id,
            shipment_id=later.id,
            order_id=line.order_id,
            order_line_id=line.order_line_id,
            sku_id=line.sku_id,
            quantity=quantity,
        )
    )
    session.flush()  # The hold below looks for its shipment in the database.
    place_stock_hold(session, line.brand_id, line.order_id, later.id)
    tell_of_stock(session, line.brand_id, shipment.warehouse_id, [line.sku_id])


def _close_if_empty(session: Session, shipment: Shipment, order_id: UUID, actor: str) -> None:
    """Cancels a shipment that has nothing left. Its order is over with it where nothing is left of it at all, or
    where everything that is left has arrived."""
    session.flush()  # The lines are read again as they are now.
    if any(line.quantity for line in lines_of(session, shipment)):
        return
    move_to(session, shipment, ShipmentState.CANCELLED)
    lines = session.exec(
        select(OrderLine).where(OrderLine.brand_id == shipment.brand_id, OrderLine.order_id == order_id)
    ).all()
    if all(line.cancelled == line.quantity for line in lines):
        event = NewEvent(shipment.brand_id, order_id, EventKind.CANCELLED, {"reason": "not_found"}, actor)
        record(session, [event])
    elif any(line.shipped for line in lines) and not is_pending(session, shipment.brand_id, order_id):
        # Otherwise it waits for an add-on to be paid, and is over when that lapses.
        record(session, [NewEvent(shipment.brand_id, order_id, EventKind.DELIVERED, {"reason": "not_found"}, actor)])


def _break_newest(session: Session, brand_id: UUID, warehouse_id: UUID, sku_id: UUID, quantity: int) -> None:
    """Takes promises back from the newest orders that are not on the floor yet; their shipments wait for stock."""
    for promise in newest_promises(session, brand_id, warehouse_id, sku_id):
        left = min(promise.quantity, quantity)
        for line in _held_lines(session, brand_id, promise.order_line_id):
            shipment = lock_shipment(session, brand_id, line.shipment_id)
            if shipment.state is not ShipmentState.HELD:
                continue
            # The same order line may also be on the floor, where its goods are set aside already.
            taken = min(left, promised_to(session, shipment)[line.id])
            if taken:
                release_promises(session, brand_id, warehouse_id, {promise.order_line_id: taken})
                place_stock_hold(session, brand_id, line.order_id, shipment.id)
                tell_of_stock(session, brand_id, warehouse_id, [sku_id])
                left -= taken
                quantity -= taken
        if quantity == 0:
            return


def _held_lines(session: Session, brand_id: UUID, order_line_id: UUID) -> Sequence[ShipmentLine]:
    """Returns where an order line waits for its release, the youngest shipment first."""
    return session.exec(
        select(ShipmentLine)
        .join(
            Shipment,
            (col(Shipment.brand_id) == ShipmentLine.brand_id) & (col(Shipment.id) == ShipmentLine.shipment_id),
        )
        .where(
            ShipmentLine.brand_id == brand_id,
            ShipmentLine.order_line_id == order_line_id,
            Shipment.state == ShipmentState.HELD,
        )
        .order_by(col(ShipmentLine.shipment_id).desc())
    ).all()
