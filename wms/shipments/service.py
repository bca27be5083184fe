# SPDX-License-Identifier: Apache-2.0
"""What leaves together: one shipment's states, members and story."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.orders.models import EventKind, Order, OrderState, Recipient
from wms.orders.story import NewEvent, record
from wms.platform.errors import Conflict, NotFound
from wms.shipments.models import Shipment, ShipmentLine, ShipmentState

S = ShipmentState

TRANSITIONS: Final[Mapping[ShipmentState, frozenset[ShipmentState]]] = {
    S.HELD: frozenset({S.RELEASED, S.CANCELLED}),
    S.RELEASED: frozenset({S.PICKING, S.CANCELLED}),
    S.PICKING: frozenset({S.PICKED, S.CANCELLED}),
    S.PICKED: frozenset({S.PACKED, S.PICKING, S.CANCELLED}),
    S.PACKED: frozenset({S.LABELLING, S.PICKED, S.CANCELLED}),
    S.LABELLING: frozenset({S.LABELLED, S.PACKED}),
    S.LABELLED: frozenset({S.HANDED_OVER, S.PACKED}),
    S.HANDED_OVER: frozenset({S.DELIVERED}),
    S.DELIVERED: frozenset(),
    S.CANCELLED: frozenset(),
}


class StateConflict(Conflict):
    """Somebody else was faster, or the shipment's state does not allow this."""

    code = "shipment_state"


def move_to(session: Session, shipment: Shipment, target: ShipmentState) -> None:
    """Moves the shipment as it was read to ``target``, or raises :class:`StateConflict`: exactly one mover wins."""
    if target not in TRANSITIONS[shipment.state]:
        raise StateConflict(f"This shipment is {shipment.state}; it cannot become {target}.", state=shipment.state)
    won = session.execute(
        text(
            "UPDATE shipment SET state = :target, version = version + 1"
            " WHERE brand_id = :brand_id AND id = :id AND state = :state AND version = :version RETURNING version"
        ),
        {
            "target": target,
            "brand_id": shipment.brand_id,
            "id": shipment.id,
            "state": shipment.state,
            "version": shipment.version,
        },
    ).first()
    if won is None:
        raise StateConflict("This shipment was changed by somebody else in this moment.")
    session.refresh(shipment)


def lock_shipment(session: Session, brand_id: UUID, shipment_id: UUID) -> Shipment:
    """Returns the shipment as it is now and keeps others from changing it until the transaction ends."""
    shipment = session.exec(
        select(Shipment)
        .where(Shipment.brand_id == brand_id, Shipment.id == shipment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if shipment is None:
        raise NotFound("There is no such shipment.")
    return shipment


def lines_of(session: Session, shipment: Shipment) -> Sequence[ShipmentLine]:
    """Returns the lines that leave with the shipment, in the order in which they were planned."""
    return session.exec(
        select(ShipmentLine)
        .where(ShipmentLine.brand_id == shipment.brand_id, ShipmentLine.shipment_id == shipment.id)
        .order_by(col(ShipmentLine.id))
    ).all()


def member_orders(session: Session, shipment: Shipment) -> Sequence[Order]:
    """Returns the orders of which something leaves with the shipment, the oldest first.

    One whose lines were all taken out, as a cancelled member's are, is told nothing more of it.
    """
    members = select(ShipmentLine.order_id).where(
        ShipmentLine.brand_id == shipment.brand_id,
        ShipmentLine.shipment_id == shipment.id,
        ShipmentLine.quantity > 0,
    )
    return session.exec(
        select(Order)
        .where(Order.brand_id == shipment.brand_id, col(Order.id).in_(members))
        .order_by(col(Order.accepted_at), col(Order.id))
    ).all()


def shipments_of_order(session: Session, brand_id: UUID, order_id: UUID) -> Sequence[Shipment]:
    """Returns the shipments that carry a line of the order, the oldest first."""
    carrying = select(ShipmentLine.shipment_id).where(
        ShipmentLine.brand_id == brand_id, ShipmentLine.order_id == order_id
    )
    return session.exec(
        select(Shipment).where(Shipment.brand_id == brand_id, col(Shipment.id).in_(carrying)).order_by(col(Shipment.id))
    ).all()


def changeable_until(order: Order, shipments: Sequence[Shipment]) -> datetime | None:
    """Returns until when the order can be changed freely, or ``None`` once the floor has any of it.

    The first of its shipments to be released decides: from then on the order cannot be changed as a whole.
    """
    waiting = [shipment.release_at for shipment in shipments if shipment.state is S.HELD]
    return min(waiting, default=None) if order.state is OrderState.ACCEPTED else None


def is_pending(session: Session, brand_id: UUID, order_id: UUID) -> bool:
    """Says whether some shipment of the order has yet to arrive. Read from the database, never from memory."""
    carrying = select(ShipmentLine.shipment_id).where(
        ShipmentLine.brand_id == brand_id, ShipmentLine.order_id == order_id, ShipmentLine.quantity > 0
    )
    pending = select(Shipment.id).where(
        Shipment.brand_id == brand_id,
        col(Shipment.id).in_(carrying),
        col(Shipment.state).not_in((S.DELIVERED, S.CANCELLED)),
    )
    return session.exec(pending.limit(1)).first() is not None


def ship_to(session: Session, shipment: Shipment) -> Recipient:
    """Returns whom the shipment goes to."""
    recipient = session.get(Recipient, (shipment.brand_id, shipment.recipient_id))
    assert recipient is not None, "A foreign key keeps every shipment's recipient."
    return recipient


def is_held(session: Session, shipment: Shipment) -> bool:
    """Says whether an active hold blocks the shipment: one of its own, or one of a member order."""
    return bool(
        session.execute(
            text(
                "SELECT 1 FROM hold h WHERE h.brand_id = :brand_id AND h.lifted_at IS NULL"
                " AND (h.shipment_id IS NULL OR h.shipment_id = :id)"
                " AND h.order_id IN (SELECT order_id FROM shipment_line"
                "                    WHERE brand_id = :brand_id AND shipment_id = :id) LIMIT 1"
            ),
            {"brand_id": shipment.brand_id, "id": shipment.id},
        ).first()
    )


def record_for(
    session: Session,
    shipment: Shipment,
    kind: EventKind,
    data: dict[str, Any] | None = None,
    actor: str = "system",
) -> None:
    """Tells the story of every member order what happened to its shipment."""
    told = {"shipment_id": str(shipment.id), **(data or {})}
    orders = session.exec(
        select(ShipmentLine.order_id)
        .where(
            ShipmentLine.brand_id == shipment.brand_id,
            ShipmentLine.shipment_id == shipment.id,
            ShipmentLine.quantity > 0,
        )
        .distinct()
    ).all()
    record(session, [NewEvent(shipment.brand_id, order_id, kind, told, actor) for order_id in sorted(orders)])
