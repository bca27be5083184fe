# SPDX-License-Identifier: Apache-2.0
"""Orders that travel together: joining two shipments into one, and taking one apart again.

Each order keeps its reference, lines, payment and story; only its lines move from one shipment to another.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.brands.models import Brand, ConsolidateUntil
from wms.money.models import Adjustment, AdjustmentKind, AdjustmentState
from wms.money.service import owe, waive
from wms.orders.models import EventKind, Order, OrderState
from wms.orders.recipients import contact_differences
from wms.orders.service import STOCK_HOLD_OWNER, active_holds, lift_hold, stock_hold_handle
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.platform.errors import Conflict, Invalid
from wms.shipments.clock import reschedule
from wms.shipments.doors import read_open
from wms.shipments.joining import SENTENCES, STAGES, Blocker, Joiner, can_join
from wms.shipments.models import Package, Shipment, ShipmentLine, ShipmentState
from wms.shipments.packages import packages_of
from wms.shipments.service import is_held, lines_of, lock_shipment, member_orders, move_to, ship_to
from wms.stock.allocations import Demand, allocate, cancel_allocations

S = ShipmentState
_COMBINED: Final = "combined:"


class CannotCombine(Conflict):
    """These shipments may not become one; ``blockers`` lists every reason."""

    code = "cannot_combine"

    def __init__(self, blockers: Sequence[Blocker]) -> None:
        reasons = [{"code": blocker.value, "detail": SENTENCES[blocker]} for blocker in blockers]
        super().__init__(" ".join(SENTENCES[blocker] for blocker in blockers), blockers=reasons)


class CannotSeparate(Conflict):
    """The order cannot leave its shipment as it stands."""

    code = "cannot_separate"


def live_members(session: Session, shipment: Shipment) -> list[Order]:
    """Returns the orders of which something leaves with the shipment, the oldest first."""
    session.flush()
    carried = {line.order_id for line in lines_of(session, shipment) if line.quantity}
    return [
        order
        for order in member_orders(session, shipment)
        if order.id in carried and order.state is not OrderState.CANCELLED
    ]


def host_first(session: Session, shipments: Sequence[Shipment]) -> list[Shipment]:
    """Returns the shipments so that the first takes the others in: the furthest, then the one of the oldest order."""

    def rank(shipment: Shipment) -> tuple[int, datetime, UUID]:
        stage = STAGES.index(shipment.state) if shipment.state in STAGES else len(STAGES)
        oldest = min((order.accepted_at for order in live_members(session, shipment)), default=shipment.release_at)
        return -stage, oldest, shipment.id

    return sorted(shipments, key=rank)


def blockers_between(
    session: Session, host: Shipment, guest: Shipment, until: ConsolidateUntil | None = None
) -> list[Blocker]:
    """Returns everything that keeps the guest's orders out of the host. ``until``: by default what the policy says."""
    if host.brand_id != guest.brand_id:
        return [Blocker.BRAND]
    policy = session.get_one(Brand, host.brand_id).policy
    pair = {one.id: one for one in read_open(session, host.brand_id, [host.id, guest.id])}
    if len(pair) < 2 or guest.state not in STAGES:
        return [Blocker.STAGE]
    at, theirs = now(session), pair[guest.id]
    shown = guest.release_at if guest.state is S.HELD else None
    joiner = Joiner(theirs.terms, tuple(theirs.members), shown)
    found = can_join(policy, pair[host.id], joiner, at, until or policy.consolidate_until)
    is_packed_pair = host.state is S.PACKED and guest.state is S.PACKED
    if guest.state not in (S.HELD, S.RELEASED) and not is_packed_pair:
        found.append(Blocker.STAGE)
    if host.state is not S.HELD and (is_held(session, host) or is_held(session, guest)):
        found.append(Blocker.HOLD)
    # A guest that is due counts as gone, unless it waits for something else than the clock.
    if guest.state is S.HELD and at >= guest.release_at and not is_held(session, guest):
        found.append(Blocker.CLOCK)
    return list(dict.fromkeys(found))


def merge(
    session: Session, host: Shipment, guest: Shipment, actor: str, until: ConsolidateUntil | None = None
) -> Shipment:
    """Moves everything of the guest into the host; the guest is cancelled, being empty. Returns the host.

    Where the host was released already, the guest's goods are set aside in the bins; whoever has begun to walk for the
    host must be told to fetch them too. Two packed shipments become one of all their boxes. Raises
    :class:`CannotCombine`, and then nothing is written.
    """
    host, guest = _lock_both(session, host, guest)
    blockers = blockers_between(session, host, guest, until)
    if blockers:
        raise CannotCombine(blockers)
    newcomers = live_members(session, guest)
    if host.state is not S.HELD and guest.state is S.HELD:
        _send_to_floor(session, host, guest, newcomers, actor)
    elif host.state in (S.PICKING, S.PICKED) and guest.state is S.RELEASED:
        _tell(session, newcomers, EventKind.PICKING_STARTED, host, actor)
    if guest.state is S.PACKED:
        _move_boxes(session, guest, host)
    _move_lines(session, guest, host, [order.id for order in newcomers])
    move_to(session, guest, S.CANCELLED)
    _touch(session, host)
    reschedule(session, host)
    _tell_combined(session, host, actor)
    settle_shipping(session, host)
    return host


def split_off(session: Session, shipment: Shipment, order_ids: Collection[UUID], actor: str = "system") -> Shipment:
    """Lets these orders leave with a shipment of their own, and returns it.

    Held and released ones keep what is promised and set aside for them. Later, whatever was picked must have been taken
    out before: the new shipment is held and due at once, so that it is released again. Raises :class:`Invalid` where an
    order is no member or nobody would be left, and :class:`CannotSeparate` where goods are in the tote or the
    shipment has gone too far.
    """
    shipment = lock_shipment(session, shipment.brand_id, shipment.id)
    members = live_members(session, shipment)
    leaving = [order for order in members if order.id in order_ids]
    if len(leaving) < len(set(order_ids)):
        raise Invalid("Not all of these orders travel with this shipment.")
    if len(leaving) == len(members):
        raise Invalid("No order would be left in the shipment.")
    if shipment.state not in STAGES:
        raise CannotSeparate(f"This shipment is {shipment.state}; nothing can be taken out of it.")
    lines = [line for line in lines_of(session, shipment) if line.order_id in order_ids]
    if any(line.picked for line in lines):
        raise CannotSeparate("Goods of this order are in the tote. They must be taken out first.")
    is_on_floor = shipment.state in STAGES[STAGES.index(S.PICKING) :]
    if is_on_floor:
        cancel_allocations(session, shipment.brand_id, [line.id for line in lines])
    own = Shipment(
        brand_id=shipment.brand_id,
        warehouse_id=shipment.warehouse_id,
        recipient_id=leaving[0].recipient_id,
        state=S.HELD if is_on_floor else shipment.state,
        service=shipment.service,
        release_at=now(session) if is_on_floor else shipment.release_at,
        released_at=None if is_on_floor else shipment.released_at,
        late_since=min((order.late_since for order in leaving if order.late_since), default=None),
    )
    session.add(own)
    session.flush()  # Lines and holds refer to it.
    _move_lines(session, shipment, own, [order.id for order in leaving])
    staying = [order for order in members if order.id not in order_ids]
    if shipment.recipient_id not in {order.recipient_id for order in staying}:
        shipment.recipient_id = staying[0].recipient_id
    _touch(session, shipment)
    if not is_on_floor:
        reschedule(session, own)
    reschedule(session, shipment)
    _tell(session, leaving, EventKind.SEPARATED, own, actor, {"from_shipment_id": str(shipment.id)})
    _tell(session, staying, EventKind.SEPARATED, shipment, actor, {"left": [order.ref for order in leaving]})
    settle_shipping(session, own)
    settle_shipping(session, shipment)
    return own


def settle_shipping(session: Session, shipment: Shipment) -> None:
    """Makes the shipping charges of a shipment what they should be: the oldest order pays, the others get theirs back.

    A refund that is not settled yet is waived once its order travels alone again. An order of which something leaves
    with another shipment saved no parcel.
    """
    for number, order in enumerate(live_members(session, shipment)):
        due = _refund(session, order)
        if number == 0 and due is not None and due.state is AdjustmentState.DUE:
            waive(session, due)
        elif number > 0 and due is None and not _travels_elsewhere(session, order, shipment):
            cause = f"{_COMBINED}{shipment.id}:{order.version}"
            kind = AdjustmentKind.SHIPPING_REFUND_DUE
            owe(session, order, kind, order.shipping_charge_minor, cause=cause, reason="combined")


def shipping_refund_cause(shipment_id: UUID) -> str:
    """Returns the cause of the refund for a new order that joined a shipment as it came."""
    return f"{_COMBINED}{shipment_id}"


def _refund(session: Session, order: Order) -> Adjustment | None:
    """Returns the order's shipping refund that is due or settled."""
    return session.exec(
        select(Adjustment)
        .where(
            Adjustment.brand_id == order.brand_id,
            Adjustment.order_id == order.id,
            Adjustment.kind == AdjustmentKind.SHIPPING_REFUND_DUE,
            col(Adjustment.cause).startswith(_COMBINED),
            col(Adjustment.state).in_((AdjustmentState.DUE, AdjustmentState.SETTLED)),
        )
        .limit(1)
    ).first()


def _travels_elsewhere(session: Session, order: Order, shipment: Shipment) -> bool:
    found = session.execute(
        text(
            "SELECT 1 FROM shipment_line l JOIN shipment s ON s.brand_id = l.brand_id AND s.id = l.shipment_id"
            " WHERE l.brand_id = :brand_id AND l.order_id = :order_id AND l.quantity > 0"
            "  AND s.id <> :id AND s.state <> 'cancelled' LIMIT 1"
        ),
        {"brand_id": order.brand_id, "order_id": order.id, "id": shipment.id},
    )
    return found.first() is not None


def _lock_both(session: Session, host: Shipment, guest: Shipment) -> tuple[Shipment, Shipment]:
    if host.id == guest.id:
        raise Invalid("These orders travel together already.")
    for one in sorted((host, guest), key=lambda shipment: shipment.id):
        lock_shipment(session, one.brand_id, one.id)
    return host, guest


def _send_to_floor(session: Session, host: Shipment, guest: Shipment, newcomers: Sequence[Order], actor: str) -> None:
    """Sets the guest's goods aside in the bins, as the release of the host did with its own."""
    demands = [Demand(line.id, line.sku_id, line.quantity) for line in lines_of(session, guest) if line.quantity]
    if allocate(session, host.brand_id, host.warehouse_id, {guest.id: demands}):
        raise CannotCombine([Blocker.STOCK])
    _tell(session, newcomers, EventKind.RELEASED, host, actor)
    if host.state is not S.RELEASED:
        _tell(session, newcomers, EventKind.PICKING_STARTED, host, actor)


def _move_boxes(session: Session, source: Shipment, target: Shipment) -> None:
    after = max((package.number for package in _all_boxes(session, target)), default=0)
    for package in packages_of(session, source):
        after += 1
        package.shipment_id, package.number = target.id, after
        session.add(package)


def _all_boxes(session: Session, shipment: Shipment) -> Sequence[Package]:
    return session.exec(
        select(Package).where(Package.brand_id == shipment.brand_id, Package.shipment_id == shipment.id)
    ).all()


def _move_lines(session: Session, source: Shipment, target: Shipment, order_ids: Collection[UUID]) -> None:
    """Moves the orders' lines, with all that is set aside for them, and their holds on the shipment."""
    there = {line.order_line_id: line for line in lines_of(session, target)}
    for line in lines_of(session, source):
        if line.order_id not in order_ids:
            continue
        twin = there.get(line.order_line_id)
        if twin is None:
            line.shipment_id = target.id
            session.add(line)
        else:
            _fold(session, line, twin)
    for hold in active_holds(session, source.brand_id, order_ids):
        if hold.shipment_id != source.id:
            continue
        handle = stock_hold_handle(target.id) if hold.owner == STOCK_HOLD_OWNER else hold.handle
        known = {(one.owner, one.handle) for one in active_holds(session, source.brand_id, [hold.order_id])}
        if handle != hold.handle and (hold.owner, handle) in known:
            lift_hold(session, hold, "system")
            continue
        hold.shipment_id, hold.handle = target.id, handle
        session.add(hold)
    session.flush()


def _fold(session: Session, line: ShipmentLine, twin: ShipmentLine) -> None:
    """Adds a part of an order line to the part of it that is there already."""
    keys = {"brand_id": line.brand_id, "line": line.id, "twin": twin.id}
    for table in ("allocation", "package_line"):
        statement = (
            f"UPDATE {table} SET shipment_line_id = :twin WHERE brand_id = :brand_id AND shipment_line_id = :line"
        )
        session.execute(text(statement), keys)
    twin.quantity += line.quantity
    twin.picked += line.picked
    session.add(twin)
    session.delete(line)


def _touch(session: Session, shipment: Shipment) -> None:
    """Whoever read the shipment before its members changed loses against whoever reads it now."""
    shipment.version += 1
    session.add(shipment)
    session.flush()


def _tell_combined(session: Session, host: Shipment, actor: str) -> None:
    members = live_members(session, host)
    told = {"refs": [order.ref for order in members], "release_at": host.release_at.isoformat()}
    _tell(session, members, EventKind.COMBINED, host, actor, told)


def _tell(
    session: Session,
    orders: Iterable[Order],
    kind: EventKind,
    shipment: Shipment,
    actor: str,
    data: Mapping[str, object] | None = None,
) -> None:
    told = {"shipment_id": str(shipment.id), **(data or {})}
    record(session, [NewEvent(shipment.brand_id, order.id, kind, told, actor) for order in orders])
    for order in orders:
        session.refresh(order)


def warnings_between(session: Session, host: Shipment, guest: Shipment) -> list[str]:
    """Returns what somebody should know before the guest joins the host, as sentences."""
    found = contact_differences(ship_to(session, host), ship_to(session, guest))
    if is_held(session, guest) or is_held(session, host):
        found.append("One of them is on hold; if it still is at the release, it is left behind.")
    return found
