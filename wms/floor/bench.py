# SPDX-License-Identifier: Apache-2.0
"""A packing bench as the packer sees it: what came in the tote, what lies in which box, and how the labels stand."""

from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.brands.models import Brand
from wms.catalog.models import Carton
from wms.dispatch.models import LabelState
from wms.floor.cartons import Piece, goods_weight_g, propose
from wms.orders.models import Order
from wms.shipments.models import Package, PackageState, Shipment, ShipmentState
from wms.shipments.service import is_held, member_orders


@dataclass(frozen=True)
class Item:
    """One article of the shipment: pieces in the tote at first, and how many of them are in boxes."""

    sku_id: UUID
    code: str
    name: str
    picked: int
    packed: int
    size: Piece

    @property
    def left(self) -> int:
        return self.picked - self.packed


@dataclass(frozen=True)
class BoxLabel:
    """The newest label of a box, and how often it was printed."""

    id: UUID
    state: LabelState
    tracking_number: str
    reason: str
    prints: int


@dataclass(frozen=True)
class Box:
    """A package on the bench."""

    package: Package
    carton: str
    items: list[tuple[str, int]]
    pieces: list[Piece]
    label: BoxLabel | None

    @property
    def verified(self) -> bool:
        return self.package.label_verified_at is not None


@dataclass(frozen=True)
class Bench:
    """Everything the pack screen draws from."""

    shipment: Shipment
    brand: Brand
    orders: list[Order]
    held: bool
    tote: str | None
    items: list[Item]
    boxes: list[Box]
    cartons: list[Carton]
    trouble: str
    needs_person: bool

    @property
    def left(self) -> int:
        return sum(item.left for item in self.items)

    @property
    def pieces(self) -> int:
        return sum(item.picked for item in self.items)

    @property
    def open_box(self) -> Box | None:
        """The box that is being filled."""
        return next((box for box in self.boxes if box.package.state is PackageState.OPEN), None)

    @cached_property
    def carton(self) -> Carton | None:
        """The carton to take: for all that is left together with what lies in the open box, else for that box alone."""
        left = [_times(item.size, item.left) for item in self.items if item.left]
        return propose(self.cartons, self._inside + left) or self.box_carton

    @cached_property
    def box_carton(self) -> Carton | None:
        """The carton for the open box as it is."""
        return propose(self.cartons, self._inside)

    @property
    def why_no_label(self) -> str:
        """Why a packed shipment has no label, as a sentence."""
        if self.trouble:
            return self.trouble
        if any(box.label is not None for box in self.boxes):
            return "Its label is void."
        return "No label was asked for yet."

    @property
    def _inside(self) -> list[Piece]:
        return self.open_box.pieces if self.open_box else []

    @property
    def next_unverified(self) -> Box | None:
        """The first labelled box whose label was not scanned on it yet."""
        if self.shipment.state is not ShipmentState.LABELLED:
            return None
        return next((box for box in self.boxes if not box.verified), None)


def _times(piece: Piece, quantity: int) -> Piece:
    return Piece(piece.length_mm, piece.width_mm, piece.height_mm, piece.weight_g, quantity)


def bench_of(session: Session, shipment: Shipment) -> Bench:
    """Returns the bench of a shipment as it is now."""
    brand = session.get_one(Brand, shipment.brand_id)
    key = {"brand_id": shipment.brand_id, "id": shipment.id}
    tote = session.execute(text("SELECT code FROM tote WHERE brand_id = :brand_id AND shipment_id = :id"), key)
    trouble = session.execute(
        text(
            "SELECT coalesce(reason, '') AS reason, needs_person, state FROM label_purchase"
            " WHERE brand_id = :brand_id AND shipment_id = :id ORDER BY attempt DESC LIMIT 1"
        ),
        key,
    ).first()
    return Bench(
        shipment=shipment,
        brand=brand,
        orders=list(member_orders(session, shipment)),
        held=is_held(session, shipment),
        tote=tote.scalar_one_or_none(),
        items=_items(session, key),
        boxes=_boxes(session, shipment, key),
        cartons=cartons_of(session, shipment.warehouse_id),
        trouble=trouble.reason if trouble is not None and trouble.state in ("refused", "unknown") else "",
        needs_person=trouble is not None and bool(trouble.needs_person),
    )


def cartons_of(session: Session, warehouse_id: UUID) -> list[Carton]:
    """Returns the building's cartons, the smallest first."""
    cartons = session.exec(select(Carton).where(Carton.warehouse_id == warehouse_id)).all()
    return sorted(cartons, key=lambda carton: (carton.length_mm * carton.width_mm * carton.height_mm, carton.code))


def _items(session: Session, key: dict[str, UUID]) -> list[Item]:
    rows = session.execute(
        text(
            "SELECT k.id, k.code, k.name, k.length_mm, k.width_mm, k.height_mm, k.weight_g,"
            " sum(n.picked)::int AS picked, coalesce(sum(p.packed), 0)::int AS packed"
            " FROM shipment_line n JOIN sku k ON k.brand_id = n.brand_id AND k.id = n.sku_id"
            " LEFT JOIN LATERAL (SELECT sum(pl.quantity) AS packed FROM package_line pl JOIN package pk"
            "  ON pk.brand_id = pl.brand_id AND pk.id = pl.package_id AND pk.state <> 'cancelled'"
            "  WHERE pl.brand_id = n.brand_id AND pl.shipment_line_id = n.id) p ON true"
            " WHERE n.brand_id = :brand_id AND n.shipment_id = :id AND n.picked > 0"
            " GROUP BY k.brand_id, k.id ORDER BY k.name, k.code"
        ),
        key,
    ).all()
    return [
        Item(
            row.id,
            row.code,
            row.name,
            row.picked,
            row.packed,
            Piece(row.length_mm, row.width_mm, row.height_mm, row.weight_g, row.picked),
        )
        for row in rows
    ]


def _boxes(session: Session, shipment: Shipment, key: dict[str, UUID]) -> list[Box]:
    packages = session.exec(
        select(Package)
        .where(
            Package.brand_id == shipment.brand_id,
            Package.shipment_id == shipment.id,
            Package.state != PackageState.CANCELLED,
        )
        .order_by(col(Package.number))
        .execution_options(populate_existing=True)
    ).all()
    contents = session.execute(
        text(
            "SELECT pl.package_id, k.name, k.length_mm, k.width_mm, k.height_mm, k.weight_g, sum(pl.quantity)::int AS n"
            " FROM package_line pl JOIN package p ON p.brand_id = pl.brand_id AND p.id = pl.package_id"
            " JOIN shipment_line l ON l.brand_id = pl.brand_id AND l.id = pl.shipment_line_id"
            " JOIN sku k ON k.brand_id = l.brand_id AND k.id = l.sku_id"
            " WHERE p.brand_id = :brand_id AND p.shipment_id = :id"
            " GROUP BY pl.package_id, k.brand_id, k.id ORDER BY k.name"
        ),
        key,
    ).all()
    labels = _labels(session, key)
    cartons = {carton.id: carton.name for carton in cartons_of(session, shipment.warehouse_id)}
    return [
        Box(
            package=package,
            carton=cartons.get(package.carton_id, "") if package.carton_id else "",
            items=[(row.name, row.n) for row in contents if row.package_id == package.id],
            pieces=[
                Piece(row.length_mm, row.width_mm, row.height_mm, row.weight_g, row.n)
                for row in contents
                if row.package_id == package.id
            ],
            label=labels.get(package.id),
        )
        for package in packages
    ]


def _labels(session: Session, key: dict[str, UUID]) -> dict[UUID, BoxLabel]:
    rows = session.execute(
        text(
            "SELECT DISTINCT ON (b.package_id) b.package_id, b.id, b.state, b.tracking_number, b.reason,"
            " (SELECT count(*) FROM label_print r WHERE r.brand_id = b.brand_id AND r.label_id = b.id) AS prints"
            " FROM label b JOIN package p ON p.brand_id = b.brand_id AND p.id = b.package_id"
            " JOIN label_purchase c ON c.brand_id = b.brand_id AND c.id = b.purchase_id"
            " WHERE p.brand_id = :brand_id AND p.shipment_id = :id"
            " ORDER BY b.package_id, c.attempt DESC"
        ),
        key,
    ).all()
    return {
        row.package_id: BoxLabel(
            row.id, LabelState(row.state), row.tracking_number or "", row.reason or "", int(row.prints)
        )
        for row in rows
    }


def box_goods_g(box: Box) -> int:
    """Returns what the catalogue says the goods of the box weigh, in grams."""
    return goods_weight_g(box.pieces)


@dataclass(frozen=True)
class Waiting:
    """A shipment that left its tote but not the bench."""

    brand_id: UUID
    shipment_id: UUID
    brand: str
    colour: str
    state: ShipmentState
    refs: str
    unverified: int
    trouble: str


def waiting_at_bench(session: Session, warehouse_id: UUID) -> list[Waiting]:
    """Returns shipments that are packed and still want a label, or a look at it; the oldest 50."""
    rows = session.execute(
        text(
            "SELECT s.brand_id, s.id AS shipment_id, b.name AS brand, b.colour, s.state,"
            " (SELECT string_agg(DISTINCT o.ref, ', ') FROM shipment_line n JOIN orders o"
            "  ON o.brand_id = n.brand_id AND o.id = n.order_id"
            "  WHERE n.brand_id = s.brand_id AND n.shipment_id = s.id) AS refs,"
            " (SELECT count(*) FROM package p WHERE p.brand_id = s.brand_id AND p.shipment_id = s.id"
            "  AND p.state = 'packed' AND p.label_verified_at IS NULL) AS unverified,"
            " coalesce((SELECT CASE WHEN c.state IN ('refused', 'unknown') THEN c.reason END FROM label_purchase c"
            "  WHERE c.brand_id = s.brand_id AND c.shipment_id = s.id ORDER BY c.attempt DESC LIMIT 1), '') AS trouble"
            " FROM shipment s JOIN brand b ON b.id = s.brand_id"
            " WHERE s.warehouse_id = :warehouse_id AND (s.state IN ('packed', 'labelling', 'labelled')"
            # One that a change opened again lies in its old boxes.
            "  OR (s.state = 'picked' AND NOT EXISTS (SELECT 1 FROM tote t"
            "   WHERE t.brand_id = s.brand_id AND t.shipment_id = s.id)))"
            " ORDER BY s.released_at, s.id LIMIT 200"
        ),
        {"warehouse_id": warehouse_id},
    ).mappings()
    found = [Waiting(**{**row, "state": ShipmentState(row["state"])}) for row in rows]
    return [one for one in found if one.state is not ShipmentState.LABELLED or one.unverified][:50]
