# SPDX-License-Identifier: Apache-2.0
"""Goods that a late change took out of a shipment: carried from the bench back into a bin, scan by scan."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, select

from wms.brands.models import Staff
from wms.catalog.models import Sku
from wms.floor.actions import Outcome, actor, once
from wms.floor.models import PutBack, PutBackState
from wms.floor.picking import free_tote
from wms.floor.scans import WrongScan, check_item, clean, find_location, skus_scanned
from wms.platform.errors import NotFound
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.service import lock_shipment
from wms.stock.ledger import Cause, Leg, post
from wms.stock.models import Account
from wms.stock.service import tell_of_stock


@dataclass(frozen=True)
class Task:
    """So many pieces of one article and lot that wait to be shelved.

    ``place`` is where most of the same lie; ``tote`` is what they lie in, where it is still the shipment's.
    """

    id: UUID
    brand_id: UUID
    brand: str
    colour: str
    shipment_id: UUID
    refs: str
    sku_id: UUID
    sku: str
    name: str
    lot: str
    left: int
    tote: str | None
    place: str | None
    created_at: datetime


_TASKS = (
    "SELECT p.id, p.brand_id, b.name AS brand, b.colour, p.shipment_id, p.sku_id, k.code AS sku, k.name, p.lot,"
    " p.quantity - p.done AS left, o.code AS tote, p.created_at,"
    " coalesce((SELECT string_agg(DISTINCT r.ref, ', ') FROM shipment_line n JOIN orders r"
    "  ON r.brand_id = n.brand_id AND r.id = n.order_id"
    "  WHERE n.brand_id = p.brand_id AND n.shipment_id = p.shipment_id), '') AS refs,"
    " (SELECT l.code FROM bin_stock s JOIN location l ON l.id = s.location_id"
    "  WHERE s.brand_id = p.brand_id AND s.sku_id = p.sku_id AND s.lot = p.lot"
    "  AND l.warehouse_id = p.warehouse_id AND l.kind = 'pick' ORDER BY s.on_hand DESC, l.code LIMIT 1) AS place"
    " FROM put_back p JOIN brand b ON b.id = p.brand_id"
    " JOIN sku k ON k.brand_id = p.brand_id AND k.id = p.sku_id"
    " LEFT JOIN tote o ON o.brand_id = p.brand_id AND o.shipment_id = p.shipment_id"
    " WHERE p.warehouse_id = :warehouse_id AND p.state = 'open'{} ORDER BY p.created_at, p.id LIMIT 200"
)


def tasks_of(session: Session, warehouse_id: UUID) -> list[Task]:
    """Returns what waits to be shelved in the building, the oldest 200 first."""
    rows = session.execute(text(_TASKS.format("")), {"warehouse_id": warehouse_id}).mappings()
    return [Task(**row) for row in rows]


def tasks_of_shipment(session: Session, shipment: Shipment) -> list[Task]:
    """Returns what is to be taken out of a shipment and has not been shelved."""
    rows = session.execute(
        text(_TASKS.format(" AND p.brand_id = :brand_id AND p.shipment_id = :id")),
        {"warehouse_id": shipment.warehouse_id, "brand_id": shipment.brand_id, "id": shipment.id},
    ).mappings()
    return [Task(**row) for row in rows]


def count_tasks(session: Session, warehouse_id: UUID) -> int:
    """Returns how many put-back tasks are open in the building."""
    return int(
        session.execute(
            text("SELECT count(*) FROM put_back WHERE warehouse_id = :id AND state = 'open'"), {"id": warehouse_id}
        ).scalar_one()
    )


def task_of_item(session: Session, warehouse_id: UUID, barcode: str) -> Task:
    """Returns the oldest task about the scanned article; raises :class:`WrongScan` where there is none."""
    found = skus_scanned(session, barcode)
    wanted = {sku.id for sku in found}
    task = next((task for task in tasks_of(session, warehouse_id) if task.sku_id in wanted), None)
    if task is not None:
        return task
    if found:
        raise WrongScan(f"Nothing of {found[0].name} waits to be put back.")
    raise WrongScan(f"Unknown code “{clean(barcode)}”. Scan the code on the article.")


def find_put_back(session: Session, staff: Staff, task_id: UUID) -> PutBack:
    """Returns a task of the person's building; raises :class:`NotFound`."""
    task = session.exec(
        select(PutBack).where(PutBack.id == task_id, PutBack.warehouse_id == staff.warehouse_id)
    ).one_or_none()
    if task is None:
        raise NotFound("There is no such task in this building.")
    return task


def put_back(
    session: Session,
    action_id: UUID,
    task: PutBack,
    item_barcode: str,
    location_code: str,
    quantity: int,
    staff: Staff,
) -> Outcome:
    """Records that ``quantity`` pieces of a task lie in the scanned bin: TOTE -> BIN, and whoever waits is served.

    The tote of a shipment that was cancelled is free once the last piece is out of it. Raises :class:`WrongScan` for
    another article, no location, or more pieces than wait; nothing is recorded then.
    """

    def work() -> Outcome:
        shipment = lock_shipment(session, task.brand_id, task.shipment_id)
        session.refresh(task, with_for_update=True)
        left = task.quantity - task.done
        if task.state is not PutBackState.OPEN:
            raise WrongScan("These are shelved already. Go on with the next ones.")
        sku = session.get_one(Sku, (task.brand_id, task.sku_id))
        check_item(session, task.brand_id, sku, item_barcode)
        location = find_location(session, staff.warehouse_id, location_code)
        if not 1 <= quantity <= left:
            raise WrongScan(f"{left} pieces wait here, not {quantity}.")
        legs = [
            Leg(Account.TOTE, sku.id, -quantity, lot=task.lot),
            Leg(Account.BIN, sku.id, quantity, location.id, task.lot),
        ]
        post(session, task.brand_id, task.warehouse_id, Cause(action_id, "put_back", actor(staff)), legs)
        tell_of_stock(session, task.brand_id, task.warehouse_id, [sku.id])
        task.done += quantity
        if task.done == task.quantity:
            task.state = PutBackState.DONE
        session.add(task)
        session.flush()
        if shipment.state is ShipmentState.CANCELLED and not tasks_of_shipment(session, shipment):
            free_tote(session, shipment)
        return Outcome(f"{quantity} × {sku.name} lie in {location.code} again.")

    return once(session, action_id, staff, "put_back", work)
