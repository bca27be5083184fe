# SPDX-License-Identifier: Apache-2.0
"""The release loop: shipments whose clock has run out go to the floor, set-wise, by whichever worker comes first."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlmodel import Session

from wms.orders.models import EventKind, Hold, HoldKind
from wms.orders.service import STOCK_HOLD_OWNER, stock_hold_handle
from wms.orders.story import NewEvent, record
from wms.platform import metrics
from wms.platform.clock import now
from wms.platform.db import after_commit, insert_rows
from wms.platform.errors import WmsError
from wms.platform.ids import new_id
from wms.shipments.consolidation import split_off
from wms.shipments.service import lock_shipment
from wms.stock.allocations import Demand, allocate
from wms.stock.service import tell_of_stock

log = structlog.get_logger()

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
        released = _release_apart(session, brand_id, warehouse_id, shipment_ids)
        after_commit(session, partial(metrics.SHIPMENTS_RELEASED.inc, released))
    return len(due)


def _release_apart(session: Session, brand_id: UUID, warehouse_id: UUID, shipment_ids: list[UUID]) -> int:
    """Releases the shipments, and leaves out one that cannot be: it must not keep its neighbours from leaving.

    What is left out stays due, so the audit (M4) names it.
    """
    try:
        with session.begin_nested():
            return _release(session, brand_id, warehouse_id, shipment_ids)
    except WmsError as error:
        if len(shipment_ids) == 1:
            log.error("release_refused", shipment_id=str(shipment_ids[0]), code=error.code)
            return 0
    half = len(shipment_ids) // 2
    return _release_apart(session, brand_id, warehouse_id, shipment_ids[:half]) + _release_apart(
        session, brand_id, warehouse_id, shipment_ids[half:]
    )


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


def _release(session: Session, brand_id: UUID, warehouse_id: UUID, shipment_ids: list[UUID]) -> int:
    """Returns how many went to the floor."""
    by_shipment = _demands(session, brand_id, shipment_ids)
    uncovered = allocate(
        session,
        brand_id,
        warehouse_id,
        {id_: [demand for own in orders.values() for demand in own] for id_, orders in by_shipment.items()},
    )
    missing = {d.sku_id for id_ in uncovered for own in by_shipment[id_].values() for d in own}
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
    hold_for_stock(session, brand_id, [(order_id, id_) for id_, orders in waiting.items() for order_id in orders])
    tell_of_stock(session, brand_id, warehouse_id, missing)
    return len(released)


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


def hold_for_stock(session: Session, brand_id: UUID, waiting: Sequence[tuple[UUID, UUID]]) -> None:
    """Makes each shipment wait for stock, given as (order, shipment); ``wms.shipments.waiting`` lifts the holds.

    The caller then tells of the missing articles (:func:`~wms.stock.service.tell_of_stock`): what arrived while it
    looked went to whoever was waiting then.
    """
    at = now(session).isoformat()
    holds: list[dict[str, Any]] = [
        {
            "brand_id": brand_id,
            "id": new_id(),
            "order_id": order_id,
            "shipment_id": shipment_id,
            "kind": HoldKind.OUT_OF_STOCK,
            "owner": STOCK_HOLD_OWNER,
            "handle": stock_hold_handle(shipment_id),
            "note": "",
            "release_stock": False,
            "placed_at": at,
        }
        for order_id, shipment_id in waiting
    ]
    insert_rows(session, Hold, holds)
    told = ("kind", "owner", "handle", "shipment_id")
    record(
        session,
        [
            NewEvent(brand_id, hold["order_id"], EventKind.HELD, {name: str(hold[name]) for name in told})
            for hold in holds
        ],
    )
