# SPDX-License-Identifier: Apache-2.0
"""What a late change gives the floor to do again: more to fetch, something to take out, a parcel to open.

Every verb wants the shipment locked. They run in the scope of whoever asked for the change, a brand's too.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import or_, text
from sqlmodel import Session, col, select

from wms.dispatch.models import Label
from wms.dispatch.purchases import take_out_of_use
from wms.dispatch.service import void_labels
from wms.floor.models import PickList, PickListState, PutBack
from wms.floor.picking import add_tasks, complete_if_picked
from wms.floor.scans import clean
from wms.platform.clock import now
from wms.shipments.models import Package, PackageState, Shipment, ShipmentLine, ShipmentState
from wms.shipments.packages import package_lines, packages_of
from wms.shipments.service import is_held, lines_of, lock_shipment, move_to
from wms.stock.allocations import open_allocations, shrink, unpick

S = ShipmentState
_CLOSED: Final = frozenset({S.PACKED, S.LABELLED})
# Before the 18 digits of an SSCC, a GS1 barcode says that they are one.
_SSCC_PREFIX: Final = "00"
_SSCC_DIGITS: Final = 18


def add_delta_picks(session: Session, shipment: Shipment) -> int:
    """Has somebody fetch what was set aside for the shipment since its walk was planned; returns the new stops.

    They join the walk that still carries the shipment, into the same tote, or make a walk of their own that the next
    picker is given. A shipment that was picked is PICKING again, and so is one that was packed or labelled: its boxes
    stay closed and keep their labels, and what comes goes into a further box. One that is released is planned whole,
    and where nothing was added nothing changes.
    """
    session.flush()
    if not _lacks_stops(session, shipment):
        return 0
    if shipment.state is S.LABELLED:
        move_to(session, shipment, S.PACKED)
    if shipment.state is S.PACKED:
        move_to(session, shipment, S.PICKED)
    if shipment.state is S.PICKED:
        move_to(session, shipment, S.PICKING)
    if shipment.state is not S.PICKING:
        return 0
    pick_list, slot = _walk_for(session, shipment)
    return add_tasks(session, pick_list, {shipment.id: slot})


def _lacks_stops(session: Session, shipment: Shipment) -> bool:
    found = session.execute(
        text(
            "SELECT 1 FROM shipment_line n JOIN allocation a ON a.brand_id = n.brand_id AND a.shipment_line_id = n.id"
            " WHERE n.brand_id = :brand_id AND n.shipment_id = :id AND a.state = 'open' AND NOT EXISTS"
            "  (SELECT 1 FROM pick_task t WHERE t.brand_id = a.brand_id AND t.allocation_id = a.id) LIMIT 1"
        ),
        {"brand_id": shipment.brand_id, "id": shipment.id},
    )
    return found.first() is not None


def _walk_for(session: Session, shipment: Shipment) -> tuple[PickList, int]:
    """Returns the walk on which the shipment stands, locked so that it does not end now, and its slot."""
    found = session.execute(
        text(
            "SELECT w.id, t.slot FROM pick_list w JOIN pick_task t ON t.pick_list_id = w.id"
            " WHERE t.brand_id = :brand_id AND t.shipment_id = :id AND w.state <> 'done'"
            " ORDER BY w.number DESC LIMIT 1 FOR UPDATE OF w"
        ),
        {"brand_id": shipment.brand_id, "id": shipment.id},
    ).first()
    if found is not None:
        return session.get_one(PickList, found.id, populate_existing=True), found.slot
    pick_list = PickList(
        warehouse_id=shipment.warehouse_id,
        number=session.execute(text("SELECT nextval('pick_list_number')")).scalar_one(),
        state=PickListState.OPEN,
        created_at=now(session),
    )
    session.add(pick_list)
    # The tasks are inserted by a statement of their own and point at the list.
    session.flush()
    return pick_list, 1


def reopen(session: Session, shipment: Shipment, actor: str, reason: str) -> None:
    """Sends a packed or labelled shipment back to the bench: PICKED, its boxes cancelled, its labels out of use.

    Raises ``StateConflict`` from any other state, and ``LabelStateConflict`` once a box has left the house.
    """
    if shipment.state is S.LABELLED:
        void_labels(session, shipment, actor, reason)
    else:
        take_out_of_use(session, shipment, actor, reason)
    move_to(session, shipment, S.PICKED)
    for package in packages_of(session, shipment):
        _cancel(session, package)
    session.flush()


def take_out(session: Session, shipment: Shipment, goods: Mapping[UUID, int], actor: str, reason: str) -> list[PutBack]:
    """Takes so many pieces of each shipment line out of a shipment that is on the floor; returns what must be shelved.

    Pieces that nobody has fetched stay in their bins and are free again; the others wait as put-back tasks. A shipment
    that is packed or labelled is opened. What the lines want, and what is promised, is left to the caller.
    """
    if shipment.state in _CLOSED:
        reopen(session, shipment, actor, reason)
    lines = [line for line in lines_of(session, shipment) if goods.get(line.id)]
    left = {line.id: goods[line.id] for line in lines}
    allocations = open_allocations(session, shipment.brand_id, left)
    for allocation in sorted(allocations, key=lambda a: (a.sku_id, a.location_id, a.lot, a.id)):
        free = min(allocation.quantity - allocation.picked, left[allocation.shipment_line_id])
        if free:
            shrink(session, allocation, free)
            left[allocation.shipment_line_id] -= free
    fetched: dict[tuple[UUID, str], int] = {}
    for line in lines:
        if not left[line.id]:
            continue
        _empty_boxes(session, shipment, line, left[line.id], actor, reason)
        for lot, pieces in unpick(session, line.brand_id, line.id, left[line.id]):
            fetched[line.sku_id, lot] = fetched.get((line.sku_id, lot), 0) + pieces
        line.picked -= left[line.id]
        session.add(line)
    _end_stops(session, shipment)
    tasks = [
        PutBack(
            brand_id=shipment.brand_id,
            warehouse_id=shipment.warehouse_id,
            shipment_id=shipment.id,
            sku_id=sku_id,
            lot=lot,
            quantity=pieces,
            created_at=now(session),
        )
        for (sku_id, lot), pieces in fetched.items()
    ]
    session.add_all(tasks)
    session.flush()
    return tasks


def _empty_boxes(
    session: Session, shipment: Shipment, line: ShipmentLine, leaving: int, actor: str, reason: str
) -> None:
    """Cancels boxes, the newest first, until the pieces that leave the line lie in none; the rest is packed anew."""
    boxes = [
        (package, packed.quantity)
        for package in packages_of(session, shipment)
        for packed in package_lines(session, package)
        if packed.shipment_line_id == line.id
    ]
    too_many = sum(quantity for _, quantity in boxes) - (line.picked - leaving)
    for package, quantity in reversed(boxes):
        if too_many <= 0:
            return
        # A box that an addition left closed may carry a label still.
        take_out_of_use(session, shipment, actor, reason)
        _cancel(session, package)
        session.flush()
        too_many -= quantity


def _cancel(session: Session, package: Package) -> None:
    package.state = PackageState.CANCELLED
    package.label_verified_at = None
    session.add(package)


def _end_stops(session: Session, shipment: Shipment) -> None:
    """Ends the stops of which nothing is left to fetch."""
    session.flush()
    session.execute(
        text(
            "UPDATE pick_task t SET state = a.state FROM allocation a WHERE a.brand_id = t.brand_id"
            " AND a.id = t.allocation_id AND a.state <> 'open' AND t.state = 'open'"
            " AND t.brand_id = :brand_id AND t.shipment_id = :id"
        ),
        {"brand_id": shipment.brand_id, "id": shipment.id},
    )


def settle(session: Session, shipment: Shipment, actor: str) -> None:
    """Moves a shipment on to the bench where a change took the last pieces that were still to be fetched."""
    if shipment.state is not S.PICKING:
        return
    if not is_held(session, shipment):
        complete_if_picked(session, shipment, actor)
        return
    # Nothing is told as picked under a hold; that nothing is left to be fetched is true all the same.
    session.flush()
    lines = lines_of(session, shipment)
    if any(line.picked for line in lines) and all(line.picked == line.quantity for line in lines):
        move_to(session, shipment, S.PICKED)


def was_picked(session: Session, shipment: Shipment) -> bool:
    """Says whether all of the shipment was picked once, so that what is fetched now was added to it since."""
    told = session.execute(
        text(
            "SELECT 1 FROM order_event e JOIN shipment_line n ON n.brand_id = e.brand_id AND n.order_id = e.order_id"
            " WHERE n.brand_id = :brand_id AND n.shipment_id = :id AND e.kind = 'picked'"
            " AND e.data ->> 'shipment_id' = CAST(:id AS text) LIMIT 1"
        ),
        {"brand_id": shipment.brand_id, "id": shipment.id},
    )
    return told.first() is not None


def shipment_of_box(session: Session, warehouse_id: UUID, code: str) -> Shipment | None:
    """Returns the shipment of a box by its label, void ones too, or by its SSCC; ``None`` for any other code."""
    code = clean(code)
    digits = code.removeprefix(_SSCC_PREFIX) if len(code) > _SSCC_DIGITS else code
    labelled = select(Label.package_id).where(Label.barcode == code)
    package = session.exec(
        select(Package)
        .where(or_(col(Package.sscc) == digits, col(Package.id).in_(labelled)))
        .order_by(col(Package.id).desc())
        .limit(1)
    ).one_or_none()
    if package is None:
        return None
    shipment = lock_shipment(session, package.brand_id, package.shipment_id)
    return shipment if shipment.warehouse_id == warehouse_id else None
