# SPDX-License-Identifier: Apache-2.0
"""The desk puts an order on hold and lets it go again."""

from datetime import UTC, datetime
from uuid import UUID

from sqlmodel import Session

from wms.brands.models import Staff, Warehouse
from wms.brands.service import time_zone_of
from wms.floor.actions import Outcome, actor, once
from wms.orders.models import HoldKind, Order
from wms.shipments.holds import WAREHOUSE, HoldIn, lift, place


def hold_order(
    session: Session,
    action_id: UUID,
    order: Order,
    kind: HoldKind,
    staff: Staff,
    *,
    until: datetime | None = None,
    release_stock: bool = False,
    note: str = "",
) -> Outcome:
    """Places a hold of the warehouse on the order. ``until`` is a wall time of the building; the action names the hold.

    Raises whatever :func:`wms.shipments.holds.place` does.
    """

    def work() -> Outcome:
        zone = time_zone_of(session.get_one(Warehouse, staff.warehouse_id))
        wanted = HoldIn(
            kind=kind,
            handle=f"desk-{action_id}",
            until=None if until is None else until.replace(tzinfo=zone).astimezone(UTC),
            release_stock=release_stock,
            note=note,
        )
        place(session, order, wanted, WAREHOUSE, actor(staff))
        return Outcome(f"Order {order.ref} is on hold.")

    return once(session, action_id, staff, "hold", work)


def lift_hold(session: Session, action_id: UUID, order: Order, handle: str, staff: Staff) -> Outcome:
    """Lifts a hold that the warehouse placed; raises whatever :func:`wms.shipments.holds.lift` does."""

    def work() -> Outcome:
        lift(session, order, handle, WAREHOUSE, actor(staff))
        return Outcome(f"The hold on order {order.ref} is lifted.")

    return once(session, action_id, staff, "lift", work)
