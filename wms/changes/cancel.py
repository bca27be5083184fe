# SPDX-License-Identifier: Apache-2.0
"""Cancelling an order: it wins as long as nobody has started to walk for it."""

from uuid import UUID

from sqlmodel import Session

from wms.orders.models import EventKind, Order, OrderState
from wms.orders.service import active_holds, find_order, lift_hold, lines_of_order
from wms.orders.story import NewEvent, record
from wms.platform.errors import Conflict
from wms.shipments.models import ShipmentState
from wms.shipments.service import lock_shipments_of_order, move_to
from wms.stock.promises import promised_of_lines, release_promises
from wms.stock.service import tell_of_stock


class TooLate(Conflict):
    """The warehouse has passed the point up to which the order can be cancelled."""

    code = "too_late"


def cancel_order(session: Session, brand_id: UUID, ref: str, reason: str, actor: str) -> Order:
    """Cancels the whole order and gives its stock back; cancelling a cancelled order changes nothing.

    Raises :class:`TooLate` once a shipment of it was released: the row lock of the shipment decides the race.
    """
    order = find_order(session, brand_id, ref)
    shipments = lock_shipments_of_order(session, brand_id, order.id)
    session.refresh(order)  # Somebody else may have cancelled it while this waited for the locks.
    if order.state is OrderState.CANCELLED:
        return order
    live = [shipment for shipment in shipments if shipment.state is not ShipmentState.CANCELLED]
    for shipment in live:
        if shipment.state is not ShipmentState.HELD:
            raise TooLate(f"Order {ref} is {shipment.state}: it cannot be cancelled any more.", state=shipment.state)
    for shipment in live:
        move_to(session, shipment, ShipmentState.CANCELLED)
    lines = lines_of_order(session, brand_id, order.id)
    promised = promised_of_lines(session, brand_id, [line.id for line in lines])
    release_promises(session, brand_id, order.warehouse_id, promised)
    tell_of_stock(session, brand_id, order.warehouse_id, {line.sku_id for line in lines if line.id in promised})
    for line in lines:
        line.cancelled = line.quantity
        session.add(line)
    for hold in active_holds(session, brand_id, [order.id]):
        lift_hold(session, hold, actor)
    session.flush()  # The story below is written by set-wise statements that must see these lines.
    record(session, [NewEvent(brand_id, order.id, EventKind.CANCELLED, {"reason": reason}, actor)])
    session.refresh(order)
    return order
