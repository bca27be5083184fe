# SPDX-License-Identifier: Apache-2.0
"""Holds: somebody's reason to let an order wait beyond its edit window. Who places one lifts it, one by one.

A hold is placed until hand-over and stops whatever the floor would do next. Stock stays promised meanwhile, unless the
hold gives it back; then lifting it promises anew, and what is gone by then is waited for.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.orders.models import Hold, HoldKind, Order
from wms.orders.service import active_holds, lift_hold, lines_of_order, place_hold, place_stock_hold
from wms.platform.clock import now
from wms.platform.db import json_text
from wms.platform.errors import Conflict, Denied, Invalid, NotFound
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.service import lines_of, lock_shipment, shipments_of_order
from wms.shipments.waiting import promised_to
from wms.stock.promises import Want, available, promise, promised_of_lines, release_promises
from wms.stock.service import tell_of_stock

BRAND: Final = "brand"
WAREHOUSE: Final = "warehouse"
HOLD_MAX: Final = timedelta(days=366)

# What each owner may wait for. Stock is waited for by the stock itself.
KINDS: Final[Mapping[str, frozenset[HoldKind]]] = {
    BRAND: frozenset(HoldKind) - {HoldKind.OUT_OF_STOCK, HoldKind.WAREHOUSE_REQUEST},
    WAREHOUSE: frozenset({HoldKind.WAREHOUSE_REQUEST, HoldKind.ADDRESS_REVIEW, HoldKind.FRAUD_REVIEW}),
}
_GONE: Final = frozenset({ShipmentState.HANDED_OVER, ShipmentState.DELIVERED, ShipmentState.CANCELLED})


class HoldIn(BaseModel):
    """A reason to wait. ``handle`` is the owner's own name for it, by which it is lifted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: HoldKind
    handle: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$", examples=["fraud-4711"])]
    until: Annotated[AwareDatetime | None, Field(description="Lifts by itself then")] = None
    release_stock: Annotated[bool, Field(description="Others may have its stock meanwhile")] = False
    note: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class TooLateToHold(Conflict):
    """All of the order has left, or its goods are on the floor already and cannot be given back."""

    code = "too_late"


class HandleTaken(Conflict):
    """The owner has an active hold of this handle that says something else."""

    code = "hold_handle_taken"


class NotYourHold(Denied):
    """Somebody else placed the hold and alone may lift it."""

    code = "not_your_hold"


def place(session: Session, order: Order, wanted: HoldIn, owner: str, actor: str) -> tuple[Hold, bool]:
    """Makes an order wait; returns the hold and whether it is new. The same hold again is the one that is there.

    Raises :class:`Invalid` for a kind that is not the owner's or an ``until`` that is not ahead,
    :class:`TooLateToHold`, :class:`HandleTaken`, and :class:`~wms.orders.service.TooManyHolds`.
    """
    if wanted.kind not in KINDS[owner]:
        raise Invalid(f"A hold for {wanted.kind} is not placed by the {owner}.", kinds=sorted(KINDS[owner]))
    shipments = _lock_shipments(session, order)
    session.refresh(order, with_for_update={"key_share": True})
    for hold in active_holds(session, order.brand_id, [order.id]):
        if (hold.owner, hold.handle) == (owner, wanted.handle):
            if _content(hold) != _content(wanted):
                raise HandleTaken(f"Order {order.ref} carries another hold {wanted.handle}. Lift it first.")
            return hold, False
    at = now(session)
    if wanted.until is not None and not at < wanted.until <= at + HOLD_MAX:
        raise Invalid(f"A hold ends in the future, and within {HOLD_MAX.days} days.")
    still_here = [shipment for shipment in shipments if shipment.state not in _GONE]
    if not still_here:
        raise TooLateToHold(f"Order {order.ref} is {order.state}: it cannot be held any more.", state=order.state)
    if wanted.release_stock and any(shipment.state is not ShipmentState.HELD for shipment in still_here):
        raise TooLateToHold(
            f"The goods of order {order.ref} are set aside already. It can be held with its stock only.",
            alternatives=["hold_with_stock"],
        )
    hold = place_hold(session, order, owner=owner, actor=actor, **wanted.model_dump())
    if wanted.release_stock:
        _give_stock_back(session, order)
    return hold, True


def lift(session: Session, order: Order, handle: str, owner: str, actor: str, reason: str = "") -> Hold:
    """Lifts the owner's hold of this handle; lifting it again changes nothing.

    Raises :class:`NotYourHold` where only somebody else has such a hold, and :class:`NotFound`.
    """
    shipments = _lock_shipments(session, order)
    session.refresh(order, with_for_update={"key_share": True})
    known = session.exec(
        select(Hold)
        .where(Hold.brand_id == order.brand_id, Hold.order_id == order.id, Hold.handle == handle)
        .order_by(col(Hold.lifted_at).desc().nulls_first(), col(Hold.id))
    ).all()
    own = [hold for hold in known if hold.owner == owner]
    if not own:
        others = [hold for hold in known if hold.lifted_at is None]
        if others:
            raise NotYourHold(f"Hold {handle} was placed by the {others[0].owner}, who alone lifts it.")
        raise NotFound(f"Order {order.ref} has no hold {handle}.")
    _lift(session, order, shipments, own[0], actor, reason)
    return own[0]


def lift_expired(session: Session, limit: int = 500) -> int:
    """Lifts up to ``limit`` holds whose ``until`` has come; returns how many there were."""
    expired = session.exec(
        select(Hold)
        .where(col(Hold.lifted_at).is_(None), col(Hold.until) <= now(session))
        .order_by(col(Hold.until), col(Hold.id))
        .limit(limit)
    ).all()
    # All locks at once and in key order, so that neither two sweepers nor a change wait for each other in a circle.
    session.execute(
        text(
            "SELECT 1 FROM shipment s WHERE (s.brand_id, s.id) IN (SELECT l.brand_id, l.shipment_id"
            " FROM shipment_line l JOIN json_to_recordset(:keys) AS k(brand_id uuid, order_id uuid)"
            "  ON l.brand_id = k.brand_id AND l.order_id = k.order_id) ORDER BY s.brand_id, s.id FOR UPDATE"
        ),
        {"keys": json_text([{"brand_id": hold.brand_id, "order_id": hold.order_id} for hold in expired])},
    )
    for hold in expired:
        order = session.get_one(Order, (hold.brand_id, hold.order_id), with_for_update={"key_share": True})
        session.refresh(hold)  # Its owner, or another sweeper, may have lifted it while this waited.
        _lift(session, order, shipments_of_order(session, order.brand_id, order.id), hold, "system")
    return len(expired)


def _lock_shipments(session: Session, order: Order) -> list[Shipment]:
    """Locks every shipment that carries the order, in key order, and returns those. Shipments come before orders."""
    locked: dict[UUID, Shipment] = {}
    while True:
        # The order may have moved to another shipment while this waited for the lock of the one before.
        carrying = [shipment.id for shipment in shipments_of_order(session, order.brand_id, order.id)]
        missing = [shipment_id for shipment_id in carrying if shipment_id not in locked]
        if not missing:
            return [locked[shipment_id] for shipment_id in carrying]
        for shipment_id in missing:
            locked[shipment_id] = lock_shipment(session, order.brand_id, shipment_id)


def _content(hold: Hold | HoldIn) -> tuple[object, ...]:
    return hold.kind, hold.until, hold.release_stock, hold.note


def _lift(
    session: Session, order: Order, shipments: Sequence[Shipment], hold: Hold, actor: str, reason: str = ""
) -> None:
    if hold.lifted_at is not None:
        return
    lift_hold(session, hold, actor, reason)
    if hold.release_stock and not _is_without_stock(session, order):
        _promise_anew(session, order, [shipment for shipment in shipments if shipment.state is ShipmentState.HELD])


def _is_without_stock(session: Session, order: Order) -> bool:
    return any(hold.release_stock for hold in active_holds(session, order.brand_id, [order.id]))


def _give_stock_back(session: Session, order: Order) -> None:
    # Add-ons that are not paid are in no shipment that could be promised anew; unpaid, they lapse by themselves.
    lines = [line for line in lines_of_order(session, order.brand_id, order.id) if not line.awaiting_payment]
    promised = promised_of_lines(session, order.brand_id, [line.id for line in lines])
    release_promises(session, order.brand_id, order.warehouse_id, promised)
    tell_of_stock(session, order.brand_id, order.warehouse_id, {line.sku_id for line in lines if line.id in promised})


def _promise_anew(session: Session, order: Order, shipments: Sequence[Shipment]) -> None:
    """Promises what the order lacks, as far as there is stock; a shipment that still lacks something waits for it."""
    lacking = []
    for shipment in shipments:
        promised = promised_to(session, shipment)
        lacking += [
            (shipment, line, line.quantity - promised[line.id])
            for line in lines_of(session, shipment)
            if line.order_id == order.id and line.quantity > promised[line.id]
        ]
    sku_ids = {line.sku_id for _, line, _ in lacking}
    free = available(session, order.brand_id, order.warehouse_id, sku_ids, lock=True)
    wants, short = [], set()
    for shipment, line, quantity in lacking:
        given = min(quantity, free.get(line.sku_id, 0))
        if given:
            free[line.sku_id] -= given
            wants.append(Want(line.order_line_id, line.sku_id, given))
        if given < quantity:
            short.add(shipment.id)
    promise(session, order.brand_id, order.warehouse_id, wants)
    for shipment_id in sorted(short):
        place_stock_hold(session, order.brand_id, order.id, shipment_id)
    # One that waited for stock before may have it all now.
    tell_of_stock(session, order.brand_id, order.warehouse_id, sku_ids)
