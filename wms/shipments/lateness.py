# SPDX-License-Identifier: Apache-2.0
"""Orders that are held beyond their promise: flagged once, told to the brand, and due for the next cut-off."""

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select, tuple_

from wms.brands.models import Brand, Warehouse
from wms.brands.service import time_zone_of
from wms.orders.models import EventKind, Order
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.platform.db import json_text
from wms.shipments.cutoffs import next_release

# A member `o`, with an active hold, of a shipment `s` that should have been released by now.
_MISSED = (
    " FROM shipment s JOIN shipment_line l ON l.brand_id = s.brand_id AND l.shipment_id = s.id"
    " JOIN hold h ON h.brand_id = l.brand_id AND h.order_id = l.order_id AND h.lifted_at IS NULL"
    "  AND (h.shipment_id IS NULL OR h.shipment_id = s.id)"
    " JOIN orders o ON o.brand_id = l.brand_id AND o.id = l.order_id"
    " WHERE s.state = 'held' AND l.quantity > 0 AND o.latest_release < :now"
)


def flag_late(session: Session, limit: int = 500) -> int:
    """Flags up to ``limit`` shipments whose held orders missed their latest release; returns how many.

    Whatever is not held is the release loop's, however far that is behind. An order that is late already moves on to
    the cut-off after without being told again.
    """
    at = now(session)
    missed = session.execute(
        text(
            f"SELECT s.brand_id, s.id FROM shipment s WHERE (s.brand_id, s.id) IN (SELECT s.brand_id, s.id{_MISSED})"
            " ORDER BY s.brand_id, s.id LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"now": at, "limit": limit},
    ).all()
    # A statement that begins under the locks sees the holds that were lifted while the one above ran.
    keys = json_text([{"brand_id": row.brand_id, "id": row.id} for row in missed])
    members = session.execute(
        text(
            f"SELECT DISTINCT s.brand_id, s.id AS shipment_id, o.id AS order_id{_MISSED}"
            " AND (s.brand_id, s.id) IN (SELECT k.brand_id, k.id"
            "  FROM json_to_recordset(:keys) AS k(brand_id uuid, id uuid))"
        ),
        {"now": at, "keys": keys},
    ).all()
    _move_on(session, {(row.brand_id, row.order_id) for row in members})
    session.execute(
        text(
            "UPDATE shipment s SET late_since = :now FROM json_to_recordset(:keys) AS k(brand_id uuid, id uuid)"
            " WHERE s.brand_id = k.brand_id AND s.id = k.id AND s.late_since IS NULL"
        ),
        {
            "now": at,
            "keys": json_text([{"brand_id": row.brand_id, "id": row.shipment_id} for row in members]),
        },
    )
    return len(missed)


def _move_on(session: Session, keys: set[tuple[UUID, UUID]]) -> None:
    """Sends these orders to their next cut-off, or to none, and tells those brands that did not know yet."""
    at = now(session)
    orders = session.exec(
        select(Order)
        .where(tuple_(col(Order.brand_id), col(Order.id)).in_(keys))
        .order_by(col(Order.brand_id), col(Order.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    told = []
    for order in orders:
        brand = session.get_one(Brand, order.brand_id)
        zone = time_zone_of(session.get_one(Warehouse, order.warehouse_id))
        missed, order.latest_release = order.latest_release, next_release(brand.policy, order.service, zone, at)
        if order.late_since is None:
            order.late_since = at
            instants = {"missed": missed, "latest_release": order.latest_release}
            data = {name: None if instant is None else instant.isoformat() for name, instant in instants.items()}
            told.append(NewEvent(order.brand_id, order.id, EventKind.LATE, data))
        session.add(order)
    session.flush()  # The story is written by statements of its own.
    record(session, told)
