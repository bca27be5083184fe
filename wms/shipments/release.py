# SPDX-License-Identifier: Apache-2.0
"""The release loop: shipments whose clock has run out go to the floor, set-wise, by whichever worker comes first."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.orders.models import EventKind, Hold, HoldKind
from wms.orders.service import STOCK_HOLD_OWNER, stock_hold_handle
from wms.orders.story import NewEvent, record
from wms.platform import metrics
from wms.platform.clock import now
from wms.platform.db import insert_rows
from wms.platform.ids import new_id
from wms.shipments.consolidation import split_off
from wms.shipments.service import lock_shipment
from wms.stock.allocations import Demand, allocate

# An active hold `h` on the order of line `l`, or on this very shipment of it.
_HOLD = (
    "hold h WHERE h.brand_id = l.brand_id AND h.order_id = l.order_id AND h.lifted_at IS NULL"
    " AND (h.shipment_id IS NULL OR h.shipment_id = l.shipment_id)"
)


def release_due(session: Session, limit: int = 500) -> int:
    """Releases up to ``limit`` due shipments and returns how many left the edit window.

    Members that are held, and those whose goods are not in the bins, go on waiting in a shipment of their own, and the
    others leave. Whoever waits for stock gets an ``out_of_stock`` hold, which is lifted when stock arrives.
    """
    due = session.execute(
        text(
            "SELECT s.brand_id, s.id, s.warehouse_id FROM shipment s"
            " WHERE s.state = 'held' AND s.release_at <= :now"
            "  AND EXISTS (SELECT 1 FROM shipment_line l WHERE l.brand_id = s.brand_id AND l.shipment_id = s.id"
            f"   AND l.quantity > 0 AND NOT EXISTS (SELECT 1 FROM {_HOLD}))"
            " ORDER BY s.release_at, s.id LIMIT :limit FOR UPDATE OF s SKIP LOCKED"
        ),
        {"now": now(session), "limit": limit},
    ).all()
    blocked = _split_held(session, [row.id for row in due])
    due = [row for row in due if row.id not in blocked]
    islands: defaultdict[tuple[UUID, UUID], list[UUID]] = defaultdict(list)
    for row in due:
        islands[row.brand_id, row.warehouse_id].append(row.id)
    for (brand_id, warehouse_id), shipment_ids in sorted(islands.items()):
        _release(session, brand_id, warehouse_id, shipment_ids)
    metrics.SHIPMENTS_RELEASED.inc(len(due))
    return len(due)


def _split_held(session: Session, shipment_ids: list[UUID]) -> set[UUID]:
    """Takes held members out of the shipments; returns those of which every member is held after all.

    A hold that was committed while the statement before waited is only seen by one that begins under the locks.
    """
    rows = session.execute(
        text(
            f"SELECT l.brand_id, l.shipment_id, l.order_id, EXISTS (SELECT 1 FROM {_HOLD}) AS is_held"
            " FROM shipment_line l WHERE l.shipment_id = ANY(:ids) AND l.quantity > 0 AND l.shipment_id IN"
            " (SELECT l.shipment_id FROM shipment_line l WHERE l.shipment_id = ANY(:ids)"
            f"  AND EXISTS (SELECT 1 FROM {_HOLD}))"
        ),
        {"ids": shipment_ids},
    ).all()
    members: defaultdict[tuple[UUID, UUID], dict[UUID, bool]] = defaultdict(dict)
    for row in rows:
        members[row.brand_id, row.shipment_id][row.order_id] = row.is_held
    blocked = set()
    for (brand_id, shipment_id), orders in sorted(members.items()):
        held = {order_id for order_id, is_held in orders.items() if is_held}
        if len(held) == len(orders):
            blocked.add(shipment_id)
        elif held:
            split_off(session, lock_shipment(session, brand_id, shipment_id), held)
    return blocked


def _release(session: Session, brand_id: UUID, warehouse_id: UUID, shipment_ids: list[UUID]) -> None:
    by_shipment = _demands(session, brand_id, shipment_ids)
    uncovered = allocate(
        session,
        brand_id,
        warehouse_id,
        {id_: [demand for own in orders.values() for demand in own] for id_, orders in by_shipment.items()},
    )
    waiting = _split_uncovered(session, brand_id, warehouse_id, {id_: by_shipment[id_] for id_ in sorted(uncovered)})
    released = [shipment_id for shipment_id in shipment_ids if shipment_id not in waiting]
    session.execute(
        text(
            "UPDATE shipment SET state = 'released', released_at = :now, version = version + 1"
            " WHERE brand_id = :brand_id AND id = ANY(:ids) AND state = 'held'"
        ),
        {"now": now(session), "brand_id": brand_id, "ids": released},
    )
    record(
        session,
        [
            NewEvent(brand_id, order_id, EventKind.RELEASED, {"shipment_id": str(shipment_id)})
            for shipment_id in released
            for order_id in sorted(by_shipment[shipment_id])
        ],
    )
    _wait_for_stock(session, brand_id, waiting)


def _demands(session: Session, brand_id: UUID, shipment_ids: list[UUID]) -> dict[UUID, dict[UUID, list[Demand]]]:
    """Returns what each shipment needs from the bins, by member order."""
    lines = session.execute(
        text(
            "SELECT id, shipment_id, order_id, sku_id, quantity FROM shipment_line"
            " WHERE brand_id = :brand_id AND shipment_id = ANY(:ids) AND quantity > 0 ORDER BY id"
        ),
        {"brand_id": brand_id, "ids": shipment_ids},
    )
    found: dict[UUID, dict[UUID, list[Demand]]] = {id_: {} for id_ in shipment_ids}
    for line in lines:
        found[line.shipment_id].setdefault(line.order_id, []).append(Demand(line.id, line.sku_id, line.quantity))
    return found


def _split_uncovered(
    session: Session, brand_id: UUID, warehouse_id: UUID, uncovered: dict[UUID, dict[UUID, list[Demand]]]
) -> dict[UUID, list[UUID]]:
    """Lets those members go whose goods are in the bins; returns the shipments that wait, with their orders.

    Takes the members that wait out of ``uncovered``.
    """
    waiting: dict[UUID, list[UUID]] = {}
    for shipment_id, orders in uncovered.items():
        short = set(orders)
        if len(orders) > 1:
            short = allocate(session, brand_id, warehouse_id, orders)
        if len(short) == len(orders):
            waiting[shipment_id] = sorted(short)
            continue
        apart = split_off(session, lock_shipment(session, brand_id, shipment_id), short)
        waiting[apart.id] = sorted(short)
        for order_id in short:
            del orders[order_id]
    return waiting


def _wait_for_stock(session: Session, brand_id: UUID, members: dict[UUID, list[UUID]]) -> None:
    waiting = [(shipment_id, order_id) for shipment_id, orders in members.items() for order_id in orders]
    at = now(session).isoformat()
    insert_rows(
        session,
        Hold,
        [stock_hold_row(brand_id, order_id, shipment_id, at) for shipment_id, order_id in waiting],
    )
    record(
        session,
        [
            NewEvent(
                brand_id,
                order_id,
                EventKind.HELD,
                {"kind": HoldKind.OUT_OF_STOCK, "shipment_id": str(shipment_id)},
            )
            for shipment_id, order_id in waiting
        ],
    )


def stock_hold_row(brand_id: UUID, order_id: UUID, shipment_id: UUID, placed_at: str) -> dict[str, Any]:
    """Returns the hold under which one shipment waits for stock; ``wms.shipments.waiting`` lifts it."""
    return {
        "brand_id": brand_id,
        "id": new_id(),
        "order_id": order_id,
        "shipment_id": shipment_id,
        "kind": HoldKind.OUT_OF_STOCK,
        "owner": STOCK_HOLD_OWNER,
        "handle": stock_hold_handle(shipment_id),
        "note": "",
        "release_stock": False,
        "placed_at": placed_at,
    }
