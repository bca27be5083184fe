# SPDX-License-Identifier: Apache-2.0
"""The order's own event log, and the one writer of its state: an event that may not happen now is refused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.orders.models import EventKind, OrderEvent, OrderState
from wms.platform.clock import now
from wms.platform.db import insert_rows, json_text
from wms.platform.errors import Conflict
from wms.platform.ids import new_id

S, E = OrderState, EventKind

# How far an order is. A split order is as far as its furthest shipment, so an event never takes it back.
_PROGRESS: Final = (S.ACCEPTED, S.RELEASED, S.PICKING, S.PACKED, S.SHIPPED, S.DELIVERED)
_BEFORE_HANDOVER: Final = frozenset({S.ACCEPTED, S.RELEASED, S.PICKING, S.PACKED})
_OPEN: Final = _BEFORE_HANDOVER | {S.SHIPPED}
_ON_THE_FLOOR: Final = _OPEN - {S.ACCEPTED}
_LABELLED: Final = frozenset({S.PACKED, S.SHIPPED})
_ON_THE_ROAD: Final = frozenset({S.SHIPPED, S.DELIVERED})


@dataclass(frozen=True)
class Step:
    """The states in which an event may happen, and how far it takes the order (nowhere where ``to`` is ``None``)."""

    allowed: frozenset[OrderState]
    to: OrderState | None = None


STEPS: Final[dict[EventKind, Step]] = {
    E.HELD: Step(_OPEN),
    E.HOLD_LIFTED: Step(_OPEN),
    E.RELEASED: Step(_OPEN, S.RELEASED),
    E.PICKING_STARTED: Step(_ON_THE_FLOOR, S.PICKING),
    E.LINE_CANCELLED: Step(_OPEN),
    E.LINE_BACKORDERED: Step(_OPEN),
    E.PICKED: Step(_ON_THE_FLOOR - {S.RELEASED}),
    E.PACKED: Step(_ON_THE_FLOOR - {S.RELEASED}, S.PACKED),
    E.LABEL_BOUGHT: Step(_LABELLED),
    E.LABEL_REFUSED: Step(_LABELLED),
    E.LABEL_UNKNOWN: Step(_LABELLED),
    E.LABEL_VOIDED: Step(_LABELLED),
    E.HANDED_OVER: Step(_LABELLED, S.SHIPPED),
    E.IN_TRANSIT: Step(_ON_THE_ROAD),
    E.OUT_FOR_DELIVERY: Step(_ON_THE_ROAD),
    E.DELIVERY_EXCEPTION: Step(_ON_THE_ROAD),
    E.RETURNING: Step(_ON_THE_ROAD),
    E.RETURNED: Step(_ON_THE_ROAD),
    E.PARTLY_DELIVERED: Step(frozenset({S.SHIPPED})),
    E.DELIVERED: Step(frozenset({S.SHIPPED}), S.DELIVERED),
    E.CANCELLED: Step(_BEFORE_HANDOVER, S.CANCELLED),
    E.LATE: Step(_OPEN),
    E.CHANGE_APPLIED: Step(frozenset(S)),
    E.CHANGE_REQUESTED: Step(_OPEN),
    E.CHANGE_REFUSED: Step(frozenset(S)),
    E.LINE_ADDED: Step(_OPEN),
    E.ADDON_LAPSED: Step(_OPEN | {S.DELIVERED}),
    E.PAYMENT_REPORTED: Step(frozenset(S)),
    E.COMBINED: Step(_BEFORE_HANDOVER),
    E.SEPARATED: Step(_BEFORE_HANDOVER),
}


class EventNotAllowed(Conflict):
    """The order is not in a state in which this can happen."""

    code = "order_state"


def state_after(state: OrderState, kind: EventKind) -> OrderState | None:
    """Returns the state after the event, or ``None`` where the event is not allowed."""
    step = STEPS.get(kind)
    if step is None or state not in step.allowed:
        return None
    if step.to is None:
        return state
    if step.to is S.CANCELLED:
        return step.to
    return max(state, step.to, key=_PROGRESS.index)


def legal_triples() -> Iterable[tuple[OrderState | None, EventKind, OrderState]]:
    """Yields every allowed (state before, event, state after); the audit holds the log against them."""
    yield None, E.ACCEPTED, S.ACCEPTED
    for kind in STEPS:
        for state in S:
            after = state_after(state, kind)
            if after is not None:
                yield state, kind, after


@dataclass(frozen=True)
class NewEvent:
    """What happened to one order. ``actor`` is who did it: ``brand:…``, ``staff:…``, ``carrier:…`` or ``system``."""

    brand_id: UUID
    order_id: UUID
    kind: EventKind
    data: dict[str, Any] = field(default_factory=dict)
    actor: str = "system"


def record(session: Session, events: Sequence[NewEvent]) -> None:
    """Appends events to their orders' stories and moves the orders' states, set-wise.

    Locks the orders in key order. Raises :class:`EventNotAllowed`, and then nothing is written. The lock leaves keys
    alone: two transactions that have added rows to one order already would wait for each other otherwise.
    """
    if not events:
        return
    keys = [{"brand_id": e.brand_id, "order_id": e.order_id} for e in events]
    rows = session.execute(
        text(
            "SELECT o.brand_id, o.id, o.ref, o.state, o.version FROM orders o WHERE (o.brand_id, o.id) IN"
            " (SELECT k.brand_id, k.order_id FROM json_to_recordset(:keys) AS k(brand_id uuid, order_id uuid))"
            " ORDER BY o.brand_id, o.id FOR NO KEY UPDATE"
        ),
        {"keys": json_text(keys)},
    )
    orders = {(row.brand_id, row.id): [row.ref, OrderState(row.state), row.version] for row in rows}
    at = now(session)
    written = []
    for event in events:
        order = orders[event.brand_id, event.order_id]
        after = state_after(order[1], event.kind)
        if after is None:
            raise EventNotAllowed(
                f"Order {order[0]} is {order[1]}; '{event.kind}' cannot happen to it any more.",
                state=order[1],
            )
        order[1], order[2] = after, order[2] + 1
        written.append(event_row(event, seq=order[2], state=after, at=at.isoformat()))
    insert_rows(session, OrderEvent, written)
    session.execute(
        text(
            "UPDATE orders o SET state = n.state, version = n.version"
            " FROM json_to_recordset(:rows) AS n(brand_id uuid, id uuid, state text, version int)"
            " WHERE o.brand_id = n.brand_id AND o.id = n.id"
        ),
        {"rows": json_text([{"brand_id": b, "id": o, "state": v[1], "version": v[2]} for (b, o), v in orders.items()])},
    )


def event_row(event: NewEvent, *, seq: int, state: OrderState, at: str) -> dict[str, Any]:
    """Returns the row of one event; intake writes the first one of a new order beside the order itself."""
    return {
        "brand_id": event.brand_id,
        "order_id": event.order_id,
        "seq": seq,
        "id": new_id(),
        "kind": event.kind,
        "state": state,
        "data": event.data,
        "actor": event.actor,
        "at": at,
    }
