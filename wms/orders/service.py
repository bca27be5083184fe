# SPDX-License-Identifier: Apache-2.0
"""Orders: kept, not decided. Looking them up, and the holds that make them wait."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from wms.orders.models import EventKind, Hold, HoldKind, Order, OrderEvent, OrderLine
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.platform.errors import Conflict, NotFound

ACTIVE_HOLDS_MAX = 20
# Who places a hold lifts it. Stock holds are placed and lifted by the stock itself.
STOCK_HOLD_OWNER = "system"


class TooManyHolds(Conflict):
    """An order carries at most 20 active holds of people and programs."""

    code = "too_many_holds"


def find_order(session: Session, brand_id: UUID, ref: str) -> Order:
    """Returns the brand's order ``ref``; raises :class:`NotFound`."""
    order = session.exec(select(Order).where(Order.brand_id == brand_id, Order.ref == ref)).one_or_none()
    if order is None:
        raise NotFound(f"There is no order {ref}.")
    return order


def lines_of_order(session: Session, brand_id: UUID, order_id: UUID) -> Sequence[OrderLine]:
    """Returns the order's lines in the brand's own sequence."""
    return session.exec(
        select(OrderLine)
        .where(OrderLine.brand_id == brand_id, OrderLine.order_id == order_id)
        .order_by(col(OrderLine.line_no))
    ).all()


def events_of_order(session: Session, brand_id: UUID, order_id: UUID) -> Sequence[OrderEvent]:
    """Returns the order's story from its first event on."""
    return session.exec(
        select(OrderEvent)
        .where(OrderEvent.brand_id == brand_id, OrderEvent.order_id == order_id)
        .order_by(col(OrderEvent.seq))
    ).all()


def active_holds(session: Session, brand_id: UUID, order_ids: Iterable[UUID]) -> Sequence[Hold]:
    """Returns the holds that are not lifted on any of the orders."""
    return session.exec(
        select(Hold).where(
            Hold.brand_id == brand_id, col(Hold.order_id).in_(list(order_ids)), col(Hold.lifted_at).is_(None)
        )
    ).all()


def place_hold(
    session: Session,
    order: Order,
    kind: HoldKind,
    *,
    owner: str,
    handle: str,
    actor: str,
    shipment_id: UUID | None = None,
    until: datetime | None = None,
    release_stock: bool = False,
    note: str = "",
) -> Hold:
    """Makes the order (or one shipment of it) wait. The same owner and handle again is the same hold."""
    # Two that place the same hold at once queue here, so that the second finds the first one's.
    session.refresh(order, with_for_update={"key_share": True})
    active = active_holds(session, order.brand_id, [order.id])
    for hold in active:
        if (hold.owner, hold.handle) == (owner, handle):
            return hold
    # A count that finds less must never fail because people have many reasons to wait.
    if owner != STOCK_HOLD_OWNER and sum(hold.owner != STOCK_HOLD_OWNER for hold in active) >= ACTIVE_HOLDS_MAX:
        raise TooManyHolds(f"Order {order.ref} already carries {ACTIVE_HOLDS_MAX} holds.")
    hold = Hold(
        brand_id=order.brand_id,
        order_id=order.id,
        shipment_id=shipment_id,
        kind=kind,
        owner=owner,
        handle=handle,
        note=note,
        until=until,
        release_stock=release_stock,
        placed_at=now(session),
    )
    session.add(hold)
    data = {"kind": kind, "owner": owner, "handle": handle}
    if shipment_id is not None:
        data["shipment_id"] = str(shipment_id)
    if until is not None:
        data["until"] = until.isoformat()
    record(session, [NewEvent(order.brand_id, order.id, EventKind.HELD, data, actor)])
    return hold


def stock_hold_handle(shipment_id: UUID) -> str:
    """Returns the handle of the hold under which a shipment waits for stock: one per shipment."""
    return f"stock-{shipment_id}"


def place_stock_hold(session: Session, brand_id: UUID, order_id: UUID, shipment_id: UUID) -> Hold:
    """Makes one shipment of an order wait until stock arrives."""
    return place_hold(
        session,
        session.get_one(Order, (brand_id, order_id)),
        HoldKind.OUT_OF_STOCK,
        owner=STOCK_HOLD_OWNER,
        handle=stock_hold_handle(shipment_id),
        actor="system",
        shipment_id=shipment_id,
    )


def lift_hold(session: Session, hold: Hold, actor: str, reason: str = "") -> None:
    """Lifts one hold; lifting it again changes nothing."""
    if hold.lifted_at is not None:
        return
    hold.lifted_at = now(session)
    session.add(hold)
    data = {"kind": hold.kind, "owner": hold.owner, "handle": hold.handle}
    if reason:
        data["reason"] = reason
    record(session, [NewEvent(hold.brand_id, hold.order_id, EventKind.HOLD_LIFTED, data, actor)])
