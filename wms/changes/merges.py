# SPDX-License-Identifier: Apache-2.0
"""Several orders into one parcel: what stands against it, and doing it, order by order through the one door."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from wms.brands.models import Brand
from wms.changes.case import lock_live
from wms.changes.models import Change, ChangeKind
from wms.changes.schemas import Merge
from wms.changes.service import ChangeRefTaken, ask
from wms.orders.models import Order, Recipient
from wms.orders.recipients import why_not_same
from wms.orders.service import find_order
from wms.platform.errors import Invalid
from wms.shipments.consolidation import blockers_between, host_first, merge, warnings_between
from wms.shipments.joining import SENTENCES, Blocker
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.service import shipments_of_order


@dataclass(frozen=True)
class Obstacle:
    """Why one order cannot travel with the others, as a code and a sentence."""

    ref: str
    code: str
    detail: str


@dataclass
class Checked:
    """What a merge would come to. ``into`` is the order whose shipment takes the others in."""

    into: str
    release_at: datetime
    blockers: list[Obstacle] = field(default_factory=list)
    warnings: list[Obstacle] = field(default_factory=list)
    parcels_saved: int = 0


class _TakeBack(Exception):
    """Ends the trial: everything that it did is undone."""


def check_merge(session: Session, brand: Brand, refs: Sequence[str], actor: str) -> Checked:
    """Returns what merging these orders would come to, by doing it and taking it back.

    Raises ``NotFound`` for an order that there is not and ``Invalid`` for fewer than two.
    """
    orders = _orders(session, brand, refs)
    lock_live(session, brand.id, [order.id for order in orders])
    try:
        with session.begin_nested():
            checked = _try(session, orders, actor)
            raise _TakeBack
    except _TakeBack:
        return checked


def _try(session: Session, orders: Sequence[Order], actor: str) -> Checked:
    shipments = {order.ref: _travels_in(session, order) for order in orders}
    live = {one.id: one for one in shipments.values() if one is not None}
    stuck = [Obstacle(ref, "stage", "Nothing of it is left to send.") for ref, one in shipments.items() if one is None]
    if not live:
        return Checked(orders[0].ref, orders[0].accepted_at, stuck)
    host = host_first(session, list(live.values()))[0]
    into = next(order for order in orders if shipments[order.ref] is host)
    checked = Checked(into.ref, host.release_at, stuck)
    for order in orders:
        guest = shipments[order.ref]
        if guest is None or guest.id == host.id or guest.state is ShipmentState.CANCELLED:
            continue
        blockers = blockers_between(session, host, guest)
        checked.blockers += [_obstacle(session, into, order, blocker) for blocker in blockers]
        if not blockers:
            checked.warnings += [
                Obstacle(order.ref, "attention", one) for one in warnings_between(session, host, guest)
            ]
            merge(session, host, guest, actor)
            checked.parcels_saved += 1
    checked.release_at = host.release_at
    return checked


def _obstacle(session: Session, into: Order, order: Order, blocker: Blocker) -> Obstacle:
    if blocker is not Blocker.RECIPIENT:
        return Obstacle(order.ref, blocker, SENTENCES[blocker])
    pair = [session.get_one(Recipient, (one.brand_id, one.recipient_id)) for one in (into, order)]
    return Obstacle(order.ref, blocker, " ".join(why_not_same(*pair)) or SENTENCES[blocker])


def merge_orders(
    session: Session, brand: Brand, refs: Sequence[str], ref: str, actor: str, *, acknowledge_warnings: bool = False
) -> list[Change]:
    """Lets the orders travel together, and returns the answer of each that had to join: refusals are stored too.

    The same ``ref`` again is answered from before. Raises ``NotFound``, ``Invalid`` for fewer than two orders, and
    :class:`ChangeRefTaken` where the reference was used for other orders.
    """
    orders = _orders(session, brand, refs)
    lock_live(session, brand.id, [order.id for order in orders])
    before = _known(session, brand.id, orders, ref)
    if before:
        return before
    live = {order.ref: _travels_in(session, order) for order in orders}
    ranked = host_first(session, list({one.id: one for one in live.values() if one is not None}.values()))
    into = next((order for order in orders if ranked and live[order.ref] is ranked[0]), orders[0])
    request = Merge(ref=ref, into=into.ref, acknowledge_warnings=acknowledge_warnings)
    apart = [order for order in orders if order is not into and live[order.ref] is not live[into.ref]]
    return [ask(session, brand, order.ref, request, actor) for order in apart]


def _known(session: Session, brand_id: UUID, orders: Sequence[Order], ref: str) -> list[Change]:
    found = session.exec(
        select(Change)
        .where(
            Change.brand_id == brand_id,
            Change.ref == ref,
            Change.kind == ChangeKind.MERGE,
            col(Change.order_id).in_([order.id for order in orders]),
        )
        .order_by(col(Change.id))
    ).all()
    if {change.request["into"] for change in found} - {order.ref for order in orders}:
        raise ChangeRefTaken(f"The reference {ref} was used to merge other orders.")
    return list(found)


def _orders(session: Session, brand: Brand, refs: Sequence[str]) -> list[Order]:
    unique = list(dict.fromkeys(refs))
    if len(unique) < 2:
        raise Invalid("Two orders or more can travel together.")
    return [find_order(session, brand.id, ref) for ref in unique]


def _travels_in(session: Session, order: Order) -> Shipment | None:
    """Returns the shipment of the order that has not left; of several, the one that is not on the floor yet."""
    over = (ShipmentState.CANCELLED, ShipmentState.HANDED_OVER, ShipmentState.DELIVERED)
    live = [one for one in shipments_of_order(session, order.brand_id, order.id) if one.state not in over]
    return min(live, key=lambda one: (one.state is not ShipmentState.HELD, one.id), default=None)
