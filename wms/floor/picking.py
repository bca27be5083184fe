# SPDX-License-Identifier: Apache-2.0
"""Picking: a cart is given shipments and totes, then walks from bin to bin. A scan fits, or it is refused."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, select

from wms.brands.models import Staff
from wms.catalog.models import Sku
from wms.floor.actions import Outcome, actor, once
from wms.floor.models import PickList, PickListState, PickTask, PickTaskState, Tote
from wms.floor.scans import HELD, WrongScan, check_item, check_location, find_tote, lock_against_holds
from wms.floor.walk import find_list, unfinished_lists, waiting_list, walk_of
from wms.orders.models import EventKind
from wms.platform.clock import now
from wms.platform.db import insert_rows
from wms.platform.errors import Conflict, Invalid, NotFound
from wms.platform.ids import new_id
from wms.shipments import missing as shelves
from wms.shipments.models import Shipment, ShipmentLine, ShipmentState
from wms.shipments.service import is_held, lock_shipment, move_to, record_for
from wms.stock.allocations import lock_allocation, pick
from wms.stock.ledger import Cause
from wms.stock.models import Allocation, AllocationState, Location

CART_SLOTS_MAX = 24


class CannotPick(Conflict):
    """The goods may not be picked now: the sentence says why."""

    code = "cannot_pick"


def plan_pick_list(session: Session, warehouse_id: UUID, cart_slots: int, staff: Staff) -> PickList | None:
    """Gives a cart the shipments that were released first, one tote slot each, and their stops in walking order.

    Shipments of a single line are batched apart from the others.
    Whoever still has a walk with something to do gets that one again, so a handheld that was lost loses nothing.
    Returns ``None`` when nothing waits. Carts that ask at the same moment are given different shipments.
    """
    if not 1 <= cart_slots <= CART_SLOTS_MAX:
        raise Invalid(f"A cart has 1 to {CART_SLOTS_MAX} slots.")
    for walk in unfinished_lists(session, staff):
        if walk.next_stop is not None:
            return walk.pick_list
        # A late change or a count may have taken the last stop of a walk away.
        finish_list(session, walk.pick_list)
    waiting = waiting_list(session, warehouse_id)
    if waiting is not None:
        waiting.state, waiting.staff_id = PickListState.WALKING, staff.id
        session.add(waiting)
        return waiting
    shipments = _claim(session, warehouse_id, cart_slots)
    if not shipments:
        return None
    number = session.execute(text("SELECT nextval('pick_list_number')")).scalar_one()
    pick_list = PickList(
        warehouse_id=warehouse_id,
        number=number,
        state=PickListState.WALKING,
        staff_id=staff.id,
        created_at=now(session),
    )
    session.add(pick_list)
    # The tasks are inserted by a statement of their own and point at the list.
    session.flush()
    slots = {shipment.id: slot for slot, shipment in enumerate(shipments, start=1)}
    add_tasks(session, pick_list, slots)
    for shipment in shipments:
        move_to(session, shipment, ShipmentState.PICKING)
        record_for(session, shipment, EventKind.PICKING_STARTED, {"pick_list": number}, actor(staff))
    return pick_list


def take_over(session: Session, action_id: UUID, pick_list: PickList, staff: Staff) -> Outcome:
    """Makes somebody's unfinished walk this person's own. What was scanned stays; the other one scans nothing more.

    Raises :class:`CannotPick` for a walk that is done.
    """

    def work() -> Outcome:
        session.refresh(pick_list, with_for_update=True)
        if pick_list.state is PickListState.DONE:
            raise CannotPick(f"Pick list {pick_list.number} is done already.")
        pick_list.staff_id = staff.id
        session.add(pick_list)
        return Outcome(f"Pick list {pick_list.number} is yours now.")

    return once(session, action_id, staff, "take_over", work)


_SINGLE = (
    "(SELECT count(*) FROM shipment_line n WHERE n.brand_id = s.brand_id AND n.shipment_id = s.id AND n.quantity > 0)"
    " = 1"
)
_CLAIM = (
    f"SELECT s.brand_id, s.id, {_SINGLE} AS is_single FROM shipment s"
    f" WHERE s.warehouse_id = :warehouse_id AND s.state = 'released' AND NOT {HELD}"
    " AND EXISTS (SELECT 1 FROM shipment_line n JOIN allocation a ON a.brand_id = n.brand_id"
    "  AND a.shipment_line_id = n.id AND a.state = 'open'"
    "  WHERE n.brand_id = s.brand_id AND n.shipment_id = s.id)"
    "{} ORDER BY s.released_at, s.id LIMIT :limit FOR UPDATE OF s SKIP LOCKED"
)


def _claim(session: Session, warehouse_id: UUID, limit: int) -> list[Shipment]:
    """Locks what waits longest and nobody else is claiming; all of it of one line, or all of it of several.

    A tote with one article is packed with one scan, so such shipments are worked off apart from the others.
    """
    oldest = session.execute(text(_CLAIM.format("")), {"warehouse_id": warehouse_id, "limit": 1}).first()
    if oldest is None:
        return []
    keys = session.execute(
        text(_CLAIM.format(f" AND ({_SINGLE}) = :is_single")),
        {"warehouse_id": warehouse_id, "limit": limit, "is_single": oldest.is_single},
    ).all()
    claimed = [lock_shipment(session, key.brand_id, key.id) for key in keys]
    # A hold that was placed while the rows were being locked is seen only now.
    lock_against_holds(session, claimed)
    return [shipment for shipment in claimed if not is_held(session, shipment)]


def add_tasks(session: Session, pick_list: PickList, slots: dict[UUID, int]) -> int:
    """Adds a stop for every open allocation of the shipments that has none yet, after the stops there are."""
    rows = session.execute(
        text(
            "SELECT a.brand_id, a.id, n.shipment_id FROM shipment_line n"
            " JOIN allocation a ON a.brand_id = n.brand_id AND a.shipment_line_id = n.id AND a.state = 'open'"
            " JOIN location l ON l.id = a.location_id"
            " WHERE n.shipment_id = ANY(:shipments) AND NOT EXISTS (SELECT 1 FROM pick_task t"
            "  WHERE t.brand_id = a.brand_id AND t.allocation_id = a.id)"
            " ORDER BY l.route_order, l.code, a.sku_id, a.id"
        ),
        {"shipments": list(slots)},
    ).all()
    after = session.execute(
        text("SELECT coalesce(max(sequence), 0) FROM pick_task WHERE pick_list_id = :id"), {"id": pick_list.id}
    ).scalar_one()
    tasks = [
        {
            "brand_id": row.brand_id,
            "id": new_id(),
            "pick_list_id": pick_list.id,
            "allocation_id": row.id,
            "shipment_id": row.shipment_id,
            "sequence": sequence,
            "slot": slots[row.shipment_id],
            "state": PickTaskState.OPEN,
        }
        for sequence, row in enumerate(rows, start=after + 1)
    ]
    insert_rows(session, PickTask, tasks)
    return len(tasks)


def bind_tote(
    session: Session, action_id: UUID, pick_list: PickList, slot: int, tote_code: str, staff: Staff
) -> Outcome:
    """Puts an empty tote into a slot of the cart: from now on it carries that slot's shipment.

    Raises :class:`WrongScan` when the tote is unknown or in use, or the slot has its tote already.
    """

    def work() -> Outcome:
        place = next((s for s in walk_of(session, pick_list).slots if s.number == slot), None)
        if place is None:
            raise NotFound(f"This cart has no slot {slot}.")
        lock_shipment(session, place.brand_id, place.shipment_id)
        tote = find_tote(session, pick_list.warehouse_id, tote_code)
        if tote.shipment_id == place.shipment_id:
            return Outcome(f"Tote {tote.code} stands in slot {slot}.")
        if tote.shipment_id is not None:
            raise WrongScan(f"Tote {tote.code} is in use. Take an empty one.")
        bound = tote_of(session, place.brand_id, place.shipment_id)
        if bound is not None:
            raise WrongScan(f"Slot {slot} already has tote {bound.code}.")
        if place.state is not ShipmentState.PICKING:
            raise CannotPick(f"The shipment of slot {slot} is {place.state}; it needs no tote.")
        tote.brand_id, tote.shipment_id = place.brand_id, place.shipment_id
        session.add(tote)
        return Outcome(f"Tote {tote.code} stands in slot {slot}.")

    return once(session, action_id, staff, "bind_tote", work)


def tote_of(session: Session, brand_id: UUID, shipment_id: UUID) -> Tote | None:
    """Returns the tote that carries the shipment."""
    return session.exec(select(Tote).where(Tote.brand_id == brand_id, Tote.shipment_id == shipment_id)).one_or_none()


@dataclass(frozen=True)
class _Work:
    """Everything one stop is about, its shipment and allocation locked as they are now."""

    pick_list: PickList
    shipment: Shipment
    allocation: Allocation
    sku: Sku
    location: Location

    @property
    def left(self) -> int:
        return self.allocation.quantity - self.allocation.picked


def find_task(session: Session, staff: Staff, list_id: UUID, task_id: UUID) -> PickTask:
    """Returns a stop of the person's own walk; raises :class:`NotFound`."""
    find_list(session, staff, list_id)
    task = session.exec(select(PickTask).where(PickTask.id == task_id, PickTask.pick_list_id == list_id)).one_or_none()
    if task is None:
        raise NotFound("This stop is not on your pick list.")
    return task


def _lock_work(session: Session, task: PickTask, staff: Staff) -> _Work:
    """Locks the shipment first and the rest after it, as every writer does; refuses what may not be picked."""
    pick_list = find_list(session, staff, task.pick_list_id)
    shipment = lock_shipment(session, task.brand_id, task.shipment_id)
    lock_against_holds(session, [shipment])
    allocation = lock_allocation(session, task.brand_id, task.allocation_id)
    if allocation.state is not AllocationState.OPEN:
        raise CannotPick("This stop is done already. Go on with the next one.")
    if shipment.state is not ShipmentState.PICKING:
        raise CannotPick(f"The shipment is {shipment.state}; nothing more is picked for it.")
    if is_held(session, shipment):
        raise CannotPick("This shipment was put on hold. Leave the goods and go on with the next stop.")
    sku = session.get_one(Sku, (allocation.brand_id, allocation.sku_id))
    location = session.get_one(Location, allocation.location_id)
    return _Work(pick_list, shipment, allocation, sku, location)


def confirm_pick(
    session: Session,
    action_id: UUID,
    task: PickTask,
    location_code: str,
    item_barcode: str,
    quantity: int,
    tote_code: str,
    staff: Staff,
) -> Outcome:
    """Records that ``quantity`` pieces went from the stop's bin into the shipment's tote.

    Raises :class:`WrongScan` for another location, article or tote and :class:`CannotPick` where the shipment may not
    be picked; nothing is recorded then. A part may be picked: the stop stays open for the rest.
    """

    def work() -> Outcome:
        stop = _lock_work(session, task, staff)
        check_location(stop.location.code, location_code)
        check_item(session, task.brand_id, stop.sku, item_barcode)
        _check_tote(session, stop, task, tote_code)
        if not 1 <= quantity <= stop.left:
            raise WrongScan(f"{stop.left} pieces are wanted here, not {quantity}.")
        cause = Cause(action_id, "pick", actor(staff), f"pick list {stop.pick_list.number}")
        pick(session, stop.allocation, stop.shipment.warehouse_id, quantity, cause)
        line = session.get_one(ShipmentLine, (task.brand_id, stop.allocation.shipment_line_id))
        line.picked += quantity
        session.add(line)
        if stop.left == 0:
            task.state = PickTaskState.PICKED
            session.add(task)
        complete_if_picked(session, stop.shipment, actor(staff))
        finish_list(session, stop.pick_list)
        return Outcome(f"{quantity} × {stop.sku.name} in tote {tote_code.strip().upper()}.")

    return once(session, action_id, staff, "pick", work)


def _check_tote(session: Session, stop: _Work, task: PickTask, scanned: str) -> None:
    tote = find_tote(session, stop.pick_list.warehouse_id, scanned)
    if (tote.brand_id, tote.shipment_id) == (task.brand_id, task.shipment_id):
        return
    right = tote_of(session, task.brand_id, task.shipment_id)
    if right is None:
        raise WrongScan(f"Slot {task.slot} has no tote yet. Scan one for it first.")
    raise WrongScan(f"Wrong tote: that is {tote.code}. This goes into {right.code}, slot {task.slot}.")


def report_short(
    session: Session, action_id: UUID, task: PickTask, location_code: str, missing: int, staff: Staff
) -> Outcome:
    """Records that ``missing`` of the wanted pieces are not in the bin.

    They are looked for in another bin, which becomes a stop of the same walk; what no bin has is decided by the
    brand's policy. The location is scanned here too: nobody reports a bin missing from afar.
    """

    def work() -> Outcome:
        stop = _lock_work(session, task, staff)
        check_location(stop.location.code, location_code)
        if not 1 <= missing <= stop.left:
            raise WrongScan(f"{stop.left} pieces are wanted here; {missing} cannot be missing.")
        cause = Cause(action_id, "short_pick", actor(staff), f"pick list {stop.pick_list.number}")
        shelves.report_short(session, stop.allocation, missing, stop.location, cause)
        if stop.allocation.state is not AllocationState.OPEN:
            task.state = PickTaskState.SHORT
            session.add(task)
        # What the room below changed about the shipment is read again before it is judged.
        session.flush()
        session.refresh(stop.shipment)
        added = add_tasks(session, stop.pick_list, {task.shipment_id: task.slot})
        complete_if_picked(session, stop.shipment, actor(staff))
        finish_list(session, stop.pick_list)
        if added:
            return Outcome("Noted. Another place has them: it comes later on this walk.")
        return Outcome(f"Noted: {missing} × {stop.sku.name} missing, and no other place has them.")

    return once(session, action_id, staff, "short", work)


def replan(session: Session, brand_id: UUID, shipment_id: UUID) -> None:
    """Gives a shipment's walk the stops that it lacks, and ends what has come to its end; again without harm.

    Runs in the brand's scope and sees this brand's stops only, so whether the walk is done is left to the picker's
    own transactions.
    """
    shipment = lock_shipment(session, brand_id, shipment_id)
    if shipment.state is not ShipmentState.PICKING:
        return
    lock_against_holds(session, [shipment])
    planned = session.exec(
        select(PickTask).where(PickTask.brand_id == brand_id, PickTask.shipment_id == shipment_id).limit(1)
    ).first()
    if planned is not None:
        pick_list = session.get_one(PickList, planned.pick_list_id, with_for_update=True)
        if add_tasks(session, pick_list, {shipment_id: planned.slot}):
            # The picker may have come to the end of the other stops meanwhile.
            pick_list.state, pick_list.done_at = PickListState.WALKING, None
            session.add(pick_list)
        complete_if_picked(session, shipment, "system")


def complete_if_picked(session: Session, shipment: Shipment, by: str) -> bool:
    """Moves a shipment on to the bench once nothing of it is left in the bins. Returns whether it did."""
    if shipment.state is not ShipmentState.PICKING:
        return False
    # The pieces just picked are still only in memory; the sum is taken in the database.
    session.flush()
    wanted, picked = session.execute(
        text(
            "SELECT coalesce(sum(quantity), 0), coalesce(sum(picked), 0) FROM shipment_line"
            " WHERE brand_id = :brand_id AND shipment_id = :id"
        ),
        {"brand_id": shipment.brand_id, "id": shipment.id},
    ).one()
    if picked == 0 or picked < wanted:
        return False
    move_to(session, shipment, ShipmentState.PICKED)
    record_for(session, shipment, EventKind.PICKED, {"pieces": int(picked)}, by)
    return True


def free_tote(session: Session, shipment: Shipment) -> None:
    """Gives the shipment's tote back to the pile of empty ones."""
    tote = tote_of(session, shipment.brand_id, shipment.id)
    if tote is not None:
        tote.brand_id = tote.shipment_id = None
        session.add(tote)


def finish_list(session: Session, pick_list: PickList) -> None:
    """Closes the walk once no stop of it is left, and gives back the totes of shipments that came to nothing.

    A tote that goods must be put back from is free when they are (`wms.floor.put_back`).
    """
    # The last stop's state is still only in memory.
    session.flush()
    # Whoever adds a stop to it at this moment does so before or finds it closed.
    session.refresh(pick_list, with_for_update=True)
    open_stop = session.execute(
        text(
            "SELECT 1 FROM pick_task t"
            " JOIN allocation a ON a.brand_id = t.brand_id AND a.id = t.allocation_id AND a.state = 'open'"
            " JOIN shipment s ON s.brand_id = t.brand_id AND s.id = t.shipment_id AND s.state = 'picking'"
            " WHERE t.pick_list_id = :id AND t.state = 'open' LIMIT 1"
        ),
        {"id": pick_list.id},
    ).first()
    if open_stop is not None:
        return
    pick_list.state, pick_list.done_at = PickListState.DONE, now(session)
    session.add(pick_list)
    session.execute(
        text(
            "UPDATE tote o SET brand_id = NULL, shipment_id = NULL FROM pick_task t JOIN shipment s"
            " ON s.brand_id = t.brand_id AND s.id = t.shipment_id AND s.state = 'cancelled'"
            " WHERE t.pick_list_id = :id AND o.brand_id = s.brand_id AND o.shipment_id = s.id"
            " AND NOT EXISTS (SELECT 1 FROM put_back p WHERE p.brand_id = s.brand_id AND p.shipment_id = s.id"
            "  AND p.state = 'open')"
        ),
        {"id": pick_list.id},
    )
