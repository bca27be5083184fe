# SPDX-License-Identifier: Apache-2.0
"""The open shipments that go to some doors: where intake looks for company, and what a brand may be pointed to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.platform.clock import now
from wms.shipments.clock import Member
from wms.shipments.joining import OpenShipment, Terms
from wms.shipments.models import ShipmentState

# Two new orders for one door that arrive at the same moment queue by the door's bucket, so that one finds the other.
_BUCKETS: Final = 1024


def find_hosts(session: Session, brand_id: UUID, keys: Collection[str], at: datetime) -> list[OpenShipment]:
    """Returns the brand's held shipments to these doors, locked until the transaction ends.

    Whoever else looks for the same doors waits, so that two orders that arrive at once still find each other.
    """
    if not keys:
        return []
    session.execute(
        text(
            "SELECT pg_advisory_xact_lock(hashtext(:brand), bucket) FROM (SELECT DISTINCT"
            " abs(hashtext(key) % :buckets) AS bucket FROM unnest(CAST(:keys AS text[])) AS key ORDER BY 1) AS wanted"
        ),
        {"brand": str(brand_id), "keys": sorted(keys), "buckets": _BUCKETS},
    )
    found = session.execute(
        text(
            "SELECT s.id FROM shipment s JOIN recipient r ON r.brand_id = s.brand_id AND r.id = s.recipient_id"
            " WHERE s.brand_id = :brand_id AND r.key = ANY(:keys) AND s.state = 'held' AND s.release_at > :at"
            " ORDER BY s.id FOR UPDATE OF s"
        ),
        {"brand_id": brand_id, "keys": sorted(keys), "at": at},
    )
    return read_open(session, brand_id, found.scalars().all())


@dataclass(frozen=True)
class Coded:
    """Where a combine code leads: the door of its order, and the order's held shipments."""

    key: str
    shipment_ids: frozenset[UUID]


def find_by_codes(session: Session, brand_id: UUID, codes: Collection[str]) -> dict[str, Coded]:
    """Returns where each combine code leads; codes that nobody gave out are absent."""
    if not codes:
        return {}
    rows = session.execute(
        text(
            "SELECT o.combine_code, r.key, array_remove(array_agg(DISTINCT s.id), NULL) AS shipment_ids FROM orders o"
            " JOIN recipient r ON r.brand_id = o.brand_id AND r.id = o.recipient_id"
            " LEFT JOIN shipment_line l ON l.brand_id = o.brand_id AND l.order_id = o.id AND l.quantity > 0"
            " LEFT JOIN shipment s ON s.brand_id = l.brand_id AND s.id = l.shipment_id AND s.state = 'held'"
            " WHERE o.brand_id = :brand_id AND o.combine_code = ANY(:codes) GROUP BY o.combine_code, r.key"
        ),
        {"brand_id": brand_id, "codes": sorted(codes)},
    )
    return {row.combine_code: Coded(row.key, frozenset(row.shipment_ids)) for row in rows}


_OPEN = text(
    "SELECT s.id, s.warehouse_id, s.service, s.release_at, s.state, r.key, o.currency,"
    " o.payment_state = 'cod' AS is_cod, o.accepted_at, o.latest_release, o.addon_asked_at"
    " FROM shipment s JOIN recipient r ON r.brand_id = s.brand_id AND r.id = s.recipient_id"
    " JOIN orders o ON o.brand_id = s.brand_id AND o.state <> 'cancelled' AND o.id IN"
    "  (SELECT l.order_id FROM shipment_line l"
    "   WHERE l.brand_id = s.brand_id AND l.shipment_id = s.id AND l.quantity > 0)"
    " WHERE s.brand_id = :brand_id AND s.id = ANY(:ids) ORDER BY s.id, o.accepted_at, o.id"
)


def read_open(session: Session, brand_id: UUID, shipment_ids: Iterable[UUID]) -> list[OpenShipment]:
    """Returns the shipments with what their orders have in common; one that carries nothing any more is absent."""
    session.flush()  # Lines that moved a moment ago are read where they are now.
    found: dict[UUID, OpenShipment] = {}
    for row in session.execute(_OPEN, {"brand_id": brand_id, "ids": list(shipment_ids)}):
        terms = Terms(brand_id, row.warehouse_id, row.key, row.service, row.currency, row.is_cod)
        shipment = found.setdefault(row.id, OpenShipment(row.id, terms, row.release_at, [], ShipmentState(row.state)))
        shipment.members.append(Member(row.accepted_at, row.latest_release, row.addon_asked_at))
    return list(found.values())


def suggestions(session: Session, brand_id: UUID, limit: int = 100) -> list[list[str]]:
    """Returns groups of orders for one door that are held apart and could travel together, as their references.

    Terms and clocks are compared when a merge is asked for; this only finds the doors.
    """
    rows = session.execute(
        text(
            "SELECT array_agg(DISTINCT o.ref) AS refs FROM shipment s"
            " JOIN recipient r ON r.brand_id = s.brand_id AND r.id = s.recipient_id AND r.key <> ''"
            " JOIN shipment_line l ON l.brand_id = s.brand_id AND l.shipment_id = s.id AND l.quantity > 0"
            " JOIN orders o ON o.brand_id = l.brand_id AND o.id = l.order_id"
            " WHERE s.brand_id = :brand_id AND s.state = 'held' AND s.release_at > :at"
            " GROUP BY r.key, s.warehouse_id, s.service, o.currency, o.payment_state = 'cod'"
            " HAVING count(DISTINCT s.id) > 1 ORDER BY min(s.release_at) LIMIT :limit"
        ),
        {"brand_id": brand_id, "at": now(session), "limit": limit},
    )
    return [sorted(row.refs) for row in rows]
