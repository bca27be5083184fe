# SPDX-License-Identifier: Apache-2.0
"""The board: how much stands where, what is released next, what has waited longest, and what needs a person."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.dispatch.service import needing_person
from wms.floor.scans import HELD
from wms.platform.clock import now
from wms.shipments.models import ShipmentState

# The stages of the building, in the order a parcel meets them.
STAGES = (
    ShipmentState.HELD,
    ShipmentState.RELEASED,
    ShipmentState.PICKING,
    ShipmentState.PICKED,
    ShipmentState.PACKED,
    ShipmentState.LABELLING,
    ShipmentState.LABELLED,
)


@dataclass(frozen=True)
class Card:
    """One shipment on the board; ``at`` is the instant that the list is about."""

    brand_id: UUID
    shipment_id: UUID
    brand: str
    colour: str
    refs: str
    state: ShipmentState
    at: datetime
    note: str = ""


@dataclass(frozen=True)
class Doubt:
    """A purchase of labels that a person has to settle."""

    card: Card
    purchase_id: UUID


@dataclass(frozen=True)
class RefusedManifest:
    """A manifest that the carrier did not take."""

    account_id: UUID
    carrier: str
    reason: str


@dataclass(frozen=True)
class DeadJob:
    id: UUID
    kind: str
    error: str


@dataclass(frozen=True)
class Board:
    at: datetime
    counts: dict[ShipmentState, int]
    blocked: int
    left_today: int
    next_releases: list[Card]
    oldest: list[Card]
    late: list[Card]
    doubts: list[Doubt]
    refused_labels: list[Card]
    unanswered: list[Card]
    refused_manifests: list[RefusedManifest]
    dead: list[DeadJob]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing needs a person."""
        listed = (self.late, self.doubts, self.refused_labels, self.unanswered, self.refused_manifests, self.dead)
        return not any(listed)


_CARD = (
    "s.brand_id, s.id AS shipment_id, b.name AS brand, b.colour, s.state,"
    " coalesce((SELECT string_agg(DISTINCT o.ref, ', ') FROM shipment_line n JOIN orders o"
    "  ON o.brand_id = n.brand_id AND o.id = n.order_id"
    "  WHERE n.brand_id = s.brand_id AND n.shipment_id = s.id), '') AS refs"
)


def board_of(session: Session, warehouse_id: UUID, day_start: datetime) -> Board:
    """Returns the board of one building; ``day_start`` is when its calendar day began."""
    values: dict[str, object] = {"warehouse_id": warehouse_id, "day_start": day_start}
    counts = session.execute(
        text(
            "SELECT state, count(*) AS n FROM shipment WHERE warehouse_id = :warehouse_id"
            " AND state NOT IN ('handed_over', 'delivered', 'cancelled') GROUP BY state"
        ),
        values,
    )
    found = {ShipmentState(row.state): int(row.n) for row in counts}
    return Board(
        at=now(session),
        counts={stage: found.get(stage, 0) for stage in STAGES},
        blocked=int(
            session.execute(
                text(
                    "SELECT count(*) FROM shipment s WHERE s.warehouse_id = :warehouse_id"
                    f" AND s.state NOT IN ('handed_over', 'delivered', 'cancelled') AND {HELD}"
                ),
                values,
            ).scalar_one()
        ),
        left_today=int(
            session.execute(
                text(
                    "SELECT count(*) FROM package p JOIN shipment s ON s.brand_id = p.brand_id AND s.id = p.shipment_id"
                    " WHERE s.warehouse_id = :warehouse_id AND p.handed_over_at >= :day_start"
                ),
                values,
            ).scalar_one()
        ),
        next_releases=_cards(
            session,
            f"SELECT {_CARD}, s.release_at AS at FROM shipment s JOIN brand b ON b.id = s.brand_id"
            " WHERE s.warehouse_id = :warehouse_id AND s.state = 'held' ORDER BY s.release_at, s.id LIMIT 8",
            values,
        ),
        oldest=_cards(
            session,
            f"SELECT {_CARD}, s.released_at AS at FROM shipment s JOIN brand b ON b.id = s.brand_id"
            " WHERE s.warehouse_id = :warehouse_id AND s.released_at IS NOT NULL"
            " AND s.state NOT IN ('held', 'handed_over', 'delivered', 'cancelled')"
            " ORDER BY s.released_at, s.id LIMIT 8",
            values,
        ),
        late=_cards(
            session,
            f"SELECT {_CARD}, s.late_since AS at FROM shipment s JOIN brand b ON b.id = s.brand_id"
            " WHERE s.warehouse_id = :warehouse_id AND s.late_since IS NOT NULL"
            " AND s.state NOT IN ('handed_over', 'delivered', 'cancelled') ORDER BY s.late_since, s.id LIMIT 8",
            values,
        ),
        doubts=_doubts(session, warehouse_id),
        refused_labels=_cards(
            session,
            f"SELECT {_CARD}, c.asked_at AS at, coalesce(c.reason, '') AS note FROM shipment s"
            " JOIN brand b ON b.id = s.brand_id"
            # What an earlier purchase was refused for is history once there was another one.
            " JOIN LATERAL (SELECT state, asked_at, reason FROM label_purchase p WHERE p.brand_id = s.brand_id"
            "  AND p.shipment_id = s.id ORDER BY attempt DESC LIMIT 1) c ON c.state = 'refused'"
            " WHERE s.warehouse_id = :warehouse_id AND s.state = 'packed' ORDER BY c.asked_at, s.id LIMIT 20",
            values,
        ),
        unanswered=_cards(
            session,
            f"SELECT {_CARD}, a.asked_at AS at, 'The carrier does not answer: ' || replace(a.kind, '_', ' ') AS note"
            " FROM amendment a JOIN shipment s ON s.brand_id = a.brand_id AND s.id = a.shipment_id"
            " JOIN brand b ON b.id = s.brand_id WHERE s.warehouse_id = :warehouse_id AND a.needs_person"
            " ORDER BY a.asked_at, a.id LIMIT 20",
            values,
        ),
        refused_manifests=_refused_manifests(session, warehouse_id),
        dead=[
            DeadJob(row.id, row.kind, row.last_error or "")
            for row in session.execute(
                text("SELECT id, kind, last_error FROM job WHERE state = 'dead' ORDER BY created_at LIMIT 20")
            )
        ],
    )


def _doubts(session: Session, warehouse_id: UUID) -> list[Doubt]:
    purchases = needing_person(session, warehouse_id, limit=20)
    cards = _cards(
        session,
        f"SELECT {_CARD}, s.release_at AS at FROM shipment s JOIN brand b ON b.id = s.brand_id WHERE s.id = ANY(:ids)",
        {"ids": [purchase.shipment_id for purchase in purchases]},
    )
    by_shipment = {card.shipment_id: card for card in cards}
    return [
        Doubt(
            replace(by_shipment[one.shipment_id], at=one.asked_at, note=one.reason or "The carrier has not answered."),
            one.id,
        )
        for one in purchases
    ]


def _refused_manifests(session: Session, warehouse_id: UUID) -> list[RefusedManifest]:
    rows = session.execute(
        text(
            "SELECT m.account_id, a.code AS carrier, m.reason FROM manifest m JOIN carrier_account a"
            " ON a.id = m.account_id WHERE a.warehouse_id = :warehouse_id AND m.state = 'closing'"
            " AND m.reason IS NOT NULL ORDER BY m.created_at LIMIT 20"
        ),
        {"warehouse_id": warehouse_id},
    ).mappings()
    return [RefusedManifest(**row) for row in rows]


def _cards(session: Session, query: str, values: dict[str, object]) -> list[Card]:
    return [
        Card(**{**row, "state": ShipmentState(row["state"])}) for row in session.execute(text(query), values).mappings()
    ]
