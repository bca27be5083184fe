# SPDX-License-Identifier: Apache-2.0
"""The release loop: shipments whose clock has run out go to the floor, set-wise, by whichever worker comes first."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, text
from sqlmodel import Session

from wms.orders.models import EventKind, Hold, HoldKind
from wms.orders.service import STOCK_HOLD_OWNER, stock_hold_handle
from wms.orders.story import NewEvent, record
from wms.platform import metrics
from wms.platform.clock import now
from wms.platform.db import after_commit, insert_rows
from wms.platform.errors import WmsError
from wms.platform.ids import new_id
from wms.stock.allocations import Demand, allocate
from wms.stock.service import tell_of_stock

log = structlog.get_logger()


def release_due(session: Session, limit: int = 500) -> int:
    """Releases up to ``limit`` due shipments and returns how many left the edit window.

    One whose goods are not in the bins is not released: it gets an ``out_of_stock`` hold of its own, which is lifted
    when stock arrives.
    """
    due = session.execute(
        text(
            "SELECT s.brand_id, s.id, s.warehouse_id FROM shipment s"
            " WHERE s.state = 'held' AND s.release_at <= :now"
            "  AND NOT EXISTS (SELECT 1 FROM shipment_line l JOIN hold h"
            "   ON h.brand_id = l.brand_id AND h.order_id = l.order_id AND h.lifted_at IS NULL"
            "   AND (h.shipment_id IS NULL OR h.shipment_id = s.id)"
            "   WHERE l.brand_id = s.brand_id AND l.shipment_id = s.id)"
            " ORDER BY s.release_at, s.id LIMIT :limit FOR UPDATE OF s SKIP LOCKED"
        ),
        {"now": now(session), "limit": limit},
    ).all()
    # A hold that was committed after the statement above began is only seen by one that begins under the locks.
    held = _held_after_all(session, [row.id for row in due])
    due = [row for row in due if (row.brand_id, row.id) not in held]
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


def _held_after_all(session: Session, shipment_ids: list[UUID]) -> set[tuple[UUID, UUID]]:
    rows = session.execute(
        text(
            "SELECT l.brand_id, l.shipment_id FROM shipment_line l JOIN hold h"
            " ON h.brand_id = l.brand_id AND h.order_id = l.order_id AND h.lifted_at IS NULL"
            " AND (h.shipment_id IS NULL OR h.shipment_id = l.shipment_id)"
            " WHERE l.shipment_id = ANY(:ids)"
        ),
        {"ids": shipment_ids},
    )
    return {(row.brand_id, row.shipment_id) for row in rows}


def _release(session: Session, brand_id: UUID, warehouse_id: UUID, shipment_ids: list[UUID]) -> int:
    """Returns how many went to the floor."""
    lines = session.execute(
        text(
            "SELECT id, shipment_id, order_id, sku_id, quantity FROM shipment_line"
            " WHERE brand_id = :brand_id AND shipment_id = ANY(:ids) AND quantity > 0 ORDER BY id"
        ),
        {"brand_id": brand_id, "ids": shipment_ids},
    ).all()
    by_shipment: dict[UUID, list[Row[tuple[UUID, UUID, UUID, UUID, int]]]] = {id_: [] for id_ in shipment_ids}
    for line in lines:
        by_shipment[line.shipment_id].append(line)
    uncovered = allocate(
        session,
        brand_id,
        warehouse_id,
        {
            shipment_id: [Demand(line.id, line.sku_id, line.quantity) for line in own]
            for shipment_id, own in by_shipment.items()
        },
    )
    released = [shipment_id for shipment_id in shipment_ids if shipment_id not in uncovered]
    session.execute(
        text(
            "UPDATE shipment SET state = 'released', released_at = :now, version = version + 1"
            " WHERE brand_id = :brand_id AND id = ANY(:ids) AND state = 'held'"
        ),
        {"now": now(session), "brand_id": brand_id, "ids": released},
    )
    members = {id_: sorted({line.order_id for line in own}) for id_, own in by_shipment.items()}
    record(
        session,
        [
            NewEvent(brand_id, order_id, EventKind.RELEASED, {"shipment_id": str(shipment_id)})
            for shipment_id in released
            for order_id in members[shipment_id]
        ],
    )
    hold_for_stock(
        session, brand_id, [(order_id, id_) for id_ in shipment_ids if id_ in uncovered for order_id in members[id_]]
    )
    # One article of each is enough: whoever serves it looks at all that the shipment needs.
    tell_of_stock(session, brand_id, warehouse_id, {by_shipment[id_][0].sku_id for id_ in uncovered})
    return len(released)


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
