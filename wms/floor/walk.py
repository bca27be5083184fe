# SPDX-License-Identifier: Apache-2.0
"""A pick list as the picker sees it: the cart's slots, how far the walk is, and the one stop that comes next."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.brands.models import Staff
from wms.floor.models import PickList, PickListState
from wms.floor.scans import HELD
from wms.platform.errors import NotFound
from wms.shipments.models import ShipmentState


@dataclass(frozen=True)
class Slot:
    """One place on the cart: the shipment that stands there and its tote, once one was scanned."""

    number: int
    brand_id: UUID
    brand: str
    colour: str
    shipment_id: UUID
    state: ShipmentState
    held: bool
    tote: str | None
    pieces: int
    picked: int

    @property
    def wants_tote(self) -> bool:
        return self.tote is None and self.state is ShipmentState.PICKING and not self.held


@dataclass(frozen=True)
class Stop:
    """Fetch ``left`` pieces of one article from one location into the tote of one slot."""

    task_id: UUID
    brand_id: UUID
    brand: str
    colour: str
    shipment_id: UUID
    location: str
    lot: str
    sku_id: UUID
    sku: str
    name: str
    left: int
    slot: int
    tote: str | None
    held: bool


@dataclass(frozen=True)
class Walk:
    """A pick list, with its open stops in walking order."""

    pick_list: PickList
    slots: list[Slot]
    stops: list[Stop]
    stops_all: int

    @property
    def stops_done(self) -> int:
        return self.stops_all - len(self.stops)

    @property
    def next_stop(self) -> Stop | None:
        """The first stop that nothing stands against; a held shipment's stops are passed by."""
        return next((stop for stop in self.stops if not stop.held), None)

    @property
    def next_slot(self) -> Slot | None:
        """The first slot that still wants a tote."""
        return next((slot for slot in self.slots if slot.wants_tote), None)


_STOPS = text(
    "SELECT t.id AS task_id, t.brand_id, b.name AS brand, b.colour, t.shipment_id, l.code AS location, a.lot,"
    " a.sku_id, k.code AS sku, k.name, a.quantity - a.picked AS left, t.slot, o.code AS tote"
    " FROM pick_task t"
    " JOIN allocation a ON a.brand_id = t.brand_id AND a.id = t.allocation_id AND a.state = 'open'"
    " JOIN shipment s ON s.brand_id = t.brand_id AND s.id = t.shipment_id AND s.state = 'picking'"
    " JOIN location l ON l.id = a.location_id"
    " JOIN sku k ON k.brand_id = a.brand_id AND k.id = a.sku_id"
    " JOIN brand b ON b.id = t.brand_id"
    " LEFT JOIN tote o ON o.brand_id = t.brand_id AND o.shipment_id = t.shipment_id"
    " WHERE t.pick_list_id = :list_id AND t.state = 'open'"
    " ORDER BY t.sequence, t.slot"
)

_SLOTS = text(
    "SELECT t.slot AS number, t.brand_id, b.name AS brand, b.colour, t.shipment_id, s.state,"
    f" {HELD} AS held, o.code AS tote,"
    " (SELECT coalesce(sum(quantity), 0) FROM shipment_line n WHERE n.brand_id = s.brand_id AND n.shipment_id = s.id)"
    "  AS pieces,"
    " (SELECT coalesce(sum(picked), 0) FROM shipment_line n WHERE n.brand_id = s.brand_id AND n.shipment_id = s.id)"
    "  AS picked"
    " FROM (SELECT DISTINCT slot, brand_id, shipment_id FROM pick_task WHERE pick_list_id = :list_id) t"
    " JOIN shipment s ON s.brand_id = t.brand_id AND s.id = t.shipment_id"
    " JOIN brand b ON b.id = t.brand_id"
    " LEFT JOIN tote o ON o.brand_id = t.brand_id AND o.shipment_id = t.shipment_id"
    " ORDER BY t.slot"
)


def find_list(session: Session, staff: Staff, list_id: UUID) -> PickList:
    """Returns the person's own pick list; raises :class:`NotFound` for anybody else's."""
    pick_list = session.exec(
        select(PickList).where(PickList.id == list_id, PickList.staff_id == staff.id)
    ).one_or_none()
    if pick_list is None:
        raise NotFound("This is not one of your pick lists.")
    return pick_list


def find_left_list(session: Session, staff: Staff, list_id: UUID) -> PickList:
    """Returns any pick list of the person's building; raises :class:`NotFound`."""
    pick_list = session.get(PickList, list_id)
    if pick_list is None or pick_list.warehouse_id != staff.warehouse_id:
        raise NotFound("There is no such pick list in this building.")
    return pick_list


def walk_of(session: Session, pick_list: PickList) -> Walk:
    """Returns where the walk stands now."""
    values = {"list_id": pick_list.id}
    slots = [
        Slot(**{**row, "state": ShipmentState(row["state"])}) for row in session.execute(_SLOTS, values).mappings()
    ]
    # Asked once a shipment and not once a stop: an order may have hundreds of stops.
    held = {slot.shipment_id: slot.held for slot in slots}
    stops = [Stop(**row, held=held[row["shipment_id"]]) for row in session.execute(_STOPS, values).mappings()]
    stops_all = session.execute(
        text("SELECT count(*) FROM pick_task WHERE pick_list_id = :list_id AND state <> 'cancelled'"), values
    ).scalar_one()
    return Walk(pick_list, slots, stops, stops_all)


def unfinished_lists(session: Session, staff: Staff) -> list[Walk]:
    """Returns the person's walks that are not done, oldest first."""
    lists = session.exec(
        select(PickList)
        .where(PickList.staff_id == staff.id, col(PickList.state) != PickListState.DONE)
        .order_by(col(PickList.number))
    ).all()
    return [walk_of(session, pick_list) for pick_list in lists]


# A walk that nobody has taken yet: what late changes added to shipments that were off the cart already.
_WAITING_LISTS = (
    "pick_list w WHERE w.warehouse_id = :warehouse_id AND w.state = 'open' AND w.staff_id IS NULL"
    " AND EXISTS (SELECT 1 FROM pick_task t"
    "  JOIN allocation a ON a.brand_id = t.brand_id AND a.id = t.allocation_id AND a.state = 'open'"
    "  JOIN shipment s ON s.brand_id = t.brand_id AND s.id = t.shipment_id AND s.state = 'picking'"
    f"  WHERE t.pick_list_id = w.id AND t.state = 'open' AND NOT {HELD})"
)


def waiting_list(session: Session, warehouse_id: UUID) -> PickList | None:
    """Returns the oldest walk that nobody has taken yet, locked; two people who ask at once get different ones."""
    found = session.execute(
        text(f"SELECT w.id FROM {_WAITING_LISTS} ORDER BY w.number LIMIT 1 FOR UPDATE OF w SKIP LOCKED"),
        {"warehouse_id": warehouse_id},
    ).scalar_one_or_none()
    return session.get_one(PickList, found, populate_existing=True) if found else None


@dataclass(frozen=True)
class OthersWalk:
    """A walk that somebody else has begun and not ended."""

    list_id: UUID
    number: int
    picker: str
    since: datetime
    stops_left: int


def walks_of_others(session: Session, staff: Staff) -> list[OthersWalk]:
    """Returns the walks of this building that are somebody else's and have stops left, the oldest first."""
    rows = session.execute(
        text(
            "SELECT l.id AS list_id, l.number, coalesce(p.name, '') AS picker, l.created_at AS since,"
            " count(*) AS stops_left FROM pick_list l LEFT JOIN staff p ON p.id = l.staff_id"
            " JOIN pick_task t ON t.pick_list_id = l.id AND t.state = 'open'"
            " JOIN allocation a ON a.brand_id = t.brand_id AND a.id = t.allocation_id AND a.state = 'open'"
            " WHERE l.warehouse_id = :warehouse_id AND l.state <> 'done' AND l.staff_id IS DISTINCT FROM :staff_id"
            " GROUP BY l.id, p.name ORDER BY l.number LIMIT 50"
        ),
        {"warehouse_id": staff.warehouse_id, "staff_id": staff.id},
    ).mappings()
    return [OthersWalk(**row) for row in rows]


def shipments_waiting(session: Session, warehouse_id: UUID) -> int:
    """Returns how many shipments wait for a cart, or for what was added to them, and nothing stands against."""
    return int(
        session.execute(
            text(
                "SELECT (SELECT count(*) FROM shipment s WHERE s.warehouse_id = :warehouse_id"
                f" AND s.state = 'released' AND NOT {HELD}) + (SELECT count(*) FROM {_WAITING_LISTS})"
            ),
            {"warehouse_id": warehouse_id},
        ).scalar_one()
    )
