# SPDX-License-Identifier: Apache-2.0
"""Shipments that wait for stock are served when it arrives, the longest waiting first."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.orders.models import Hold, HoldKind
from wms.orders.service import STOCK_HOLD_OWNER, lift_hold
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.service import lines_of, lock_shipment
from wms.stock.allocations import free_in_pick_bins
from wms.stock.promises import Want, available, promise


def serve_waiting(session: Session, brand_id: UUID, warehouse_id: UUID, sku_id: UUID) -> None:
    """Promises what arrived of one SKU to whoever waits, and lifts the holds of those who now have everything."""
    waiting = []
    # Shipments come before counters, as with everybody else who takes or gives back promises.
    for hold in _waiting(session, brand_id, warehouse_id, sku_id):
        assert hold.shipment_id is not None, "A stock hold belongs to one shipment."
        shipment = lock_shipment(session, brand_id, hold.shipment_id)
        session.refresh(hold)  # Its order may have been cancelled while this waited for the lock.
        if shipment.state is ShipmentState.HELD and hold.lifted_at is None:
            waiting.append((hold, shipment))
    free = available(session, brand_id, warehouse_id, [sku_id], lock=True).get(sku_id, 0)
    for hold, shipment in waiting:
        free -= _promise_missing(session, shipment, hold.order_id, sku_id, free)
        if is_covered(session, shipment, hold.order_id):
            lift_hold(session, hold, "system")


def _waiting(session: Session, brand_id: UUID, warehouse_id: UUID, sku_id: UUID) -> Sequence[Hold]:
    concerned = text(
        "hold.shipment_id IN (SELECT l.shipment_id FROM shipment_line l JOIN shipment s"
        " ON s.brand_id = l.brand_id AND s.id = l.shipment_id"
        " WHERE l.brand_id = :b AND l.order_id = hold.order_id AND l.sku_id = :s AND s.warehouse_id = :w"
        "  AND s.state = 'held')"
        # One that gave its stock back wants none before that hold is lifted.
        " AND NOT EXISTS (SELECT 1 FROM hold o WHERE o.brand_id = :b AND o.order_id = hold.order_id"
        "  AND o.release_stock AND o.lifted_at IS NULL)"
    ).bindparams(b=brand_id, s=sku_id, w=warehouse_id)
    return session.exec(
        select(Hold)
        .where(
            Hold.brand_id == brand_id,
            Hold.kind == HoldKind.OUT_OF_STOCK,
            Hold.owner == STOCK_HOLD_OWNER,
            col(Hold.lifted_at).is_(None),
            concerned,
        )
        .order_by(col(Hold.placed_at), col(Hold.id))
    ).all()


def _promise_missing(session: Session, shipment: Shipment, order_id: UUID, sku_id: UUID, free: int) -> int:
    """Promises up to ``free`` pieces to the order's lines of the SKU; returns how many that were."""
    lines = [line for line in lines_of(session, shipment) if (line.order_id, line.sku_id) == (order_id, sku_id)]
    promised = promised_to(session, shipment)
    wants, given = [], 0
    for line in lines:
        quantity = min(line.quantity - promised[line.id], free - given)
        if quantity > 0:
            wants.append(Want(line.order_line_id, sku_id, quantity))
            given += quantity
    promise(session, shipment.brand_id, shipment.warehouse_id, wants)
    return given


def is_covered(session: Session, shipment: Shipment, order_id: UUID | None = None) -> bool:
    """Says whether all of a held shipment, or of one order in it, is promised and lies in pick bins that nobody else
    has allocated."""
    lines = [line for line in lines_of(session, shipment) if order_id in (None, line.order_id)]
    promised = promised_to(session, shipment)
    if any(promised[line.id] < line.quantity for line in lines):
        return False
    free = free_in_pick_bins(session, shipment.brand_id, shipment.warehouse_id, {line.sku_id for line in lines})
    for line in lines:
        free[line.sku_id] = free.get(line.sku_id, 0) - line.quantity
    return all(quantity >= 0 for quantity in free.values())


def promised_to(session: Session, shipment: Shipment) -> dict[UUID, int]:
    """Returns how much of each line of a held shipment is promised.

    A promise is made to an order line, which may be split over shipments. Those on the floor have all they need, so
    whatever the order line lacks is lacking in its held shipments, and in the youngest of them first.
    """
    session.flush()  # The statement below must see lines that were shortened a moment ago.
    rows = session.execute(
        text(
            "WITH held AS (SELECT l.id, l.shipment_id, l.order_line_id, l.quantity,"
            "   sum(l.quantity) OVER (PARTITION BY l.order_line_id) AS total,"
            "   sum(l.quantity) OVER (PARTITION BY l.order_line_id ORDER BY l.shipment_id) - l.quantity AS older"
            "  FROM shipment_line l JOIN shipment s ON s.brand_id = l.brand_id AND s.id = l.shipment_id"
            "  WHERE l.brand_id = :brand_id AND s.state = 'held' AND l.order_line_id IN"
            "   (SELECT order_line_id FROM shipment_line WHERE brand_id = :brand_id AND shipment_id = :id)),"
            " live AS (SELECT order_line_id, sum(quantity) AS quantity FROM promise WHERE brand_id = :brand_id"
            "  AND state = 'live' AND order_line_id IN (SELECT order_line_id FROM held) GROUP BY order_line_id)"
            " SELECT h.id, greatest(0, least(h.quantity, h.total - h.older"
            "   - (o.quantity - o.cancelled - o.shipped - coalesce(p.quantity, 0))))::int AS promised"
            " FROM held h JOIN order_line o ON o.brand_id = :brand_id AND o.id = h.order_line_id"
            " LEFT JOIN live p ON p.order_line_id = h.order_line_id WHERE h.shipment_id = :id"
        ),
        {"brand_id": shipment.brand_id, "id": shipment.id},
    )
    return {row.id: row.promised for row in rows}
