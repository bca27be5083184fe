# SPDX-License-Identifier: Apache-2.0
"""Packing: what the tote brought is scanned into boxes, weighed and closed; then labels are bought."""

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.brands.models import Staff
from wms.catalog.models import Carton, Sku
from wms.dispatch.models import Label
from wms.dispatch.service import live_label, print_label, request_labels, verify_label
from wms.floor.actions import Outcome, actor, once
from wms.floor.bench import Bench, bench_of, box_goods_g
from wms.floor.cartons import weight_is_plausible
from wms.floor.picking import free_tote
from wms.floor.rework import shipment_of_box, was_picked
from wms.floor.scans import WrongScan, clean, find_tote, lock_against_holds, skus_scanned
from wms.orders.models import EventKind
from wms.orders.service import active_holds
from wms.platform.errors import Conflict, Invalid, NotFound
from wms.shipments.models import Package, PackageLine, PackageState, Shipment, ShipmentLine, ShipmentState
from wms.shipments.packages import open_package
from wms.shipments.service import lines_of, lock_shipment, member_orders, move_to, record_for

WEIGHT_MAX_G = 1_000_000
# A bench shows these, though nothing more is put into their boxes.
_AT_BENCH = frozenset({ShipmentState.PACKED, ShipmentState.LABELLING, ShipmentState.LABELLED})


class CannotPack(Conflict):
    """The shipment may not be packed now: the sentence says why."""

    code = "cannot_pack"


class WeightDoubted(Conflict):
    """The scale and the catalogue do not agree; the packer is asked once whether the weight is right."""

    code = "weight_doubted"


def open_tote(session: Session, tote_code: str, staff: Staff) -> Shipment:
    """Returns the shipment of a tote that is ready to be packed, or of a box at the bench by its label or SSCC.

    Raises :class:`WrongScan` for an unknown or empty tote and :class:`CannotPack` with the reason otherwise.
    """
    boxed = shipment_of_box(session, staff.warehouse_id, tote_code)
    if boxed is not None:
        if boxed.state not in _AT_BENCH:
            refuse_unless_packable(session, boxed)
        return boxed
    tote = find_tote(session, staff.warehouse_id, tote_code)
    if tote.brand_id is None or tote.shipment_id is None:
        raise WrongScan(f"Tote {tote.code} is empty.")
    shipment = session.get_one(Shipment, (tote.brand_id, tote.shipment_id))
    refuse_unless_packable(session, shipment)
    return shipment


def refuse_unless_packable(session: Session, shipment: Shipment) -> None:
    """Raises :class:`CannotPack` where a hold, a change, missing goods or the state stand against packing."""
    refuse_if_blocked(session, shipment)
    if shipment.state is ShipmentState.CANCELLED:
        raise CannotPack("This shipment was cancelled. Take everything out, to be put back on the shelves.")
    if shipment.state is not ShipmentState.PICKED:
        raise CannotPack(f"This shipment is {shipment.state}; there is nothing to pack.")


def refuse_if_blocked(session: Session, shipment: Shipment) -> None:
    """Raises :class:`CannotPack` while a hold, a change that is not decided or goods still to be fetched block it."""
    refuse_if_held(session, shipment)
    if shipment.pending_changes:
        raise CannotPack("Somebody asked for a change of this shipment. Put it aside until that is decided.")
    if shipment.state is not ShipmentState.PICKING:
        return
    lines = lines_of(session, shipment)
    picked, wanted = sum(line.picked for line in lines), sum(line.quantity for line in lines)
    if was_picked(session, shipment):
        raise CannotPack(f"Something was added: {picked} of {wanted} pieces are here. A picker brings the rest.")
    raise CannotPack(f"Not everything is picked yet: {picked} of {wanted} pieces are in the tote.")


def refuse_if_held(session: Session, shipment: Shipment) -> None:
    """Raises :class:`CannotPack`, naming the reasons, while an active hold blocks the shipment."""
    orders = {order.id: order.ref for order in member_orders(session, shipment)}
    holds = [
        hold for hold in active_holds(session, shipment.brand_id, orders) if hold.shipment_id in (None, shipment.id)
    ]
    if holds:
        reasons = ", ".join(sorted({hold.kind.replace("_", " ") for hold in holds}))
        refs = ", ".join(sorted({orders[hold.order_id] for hold in holds}))
        raise CannotPack(f"Order {refs} is on hold ({reasons}). Put the tote aside.")


def find_shipment(session: Session, staff: Staff, brand_id: UUID, shipment_id: UUID) -> Shipment:
    """Returns a shipment of the person's own building; raises :class:`NotFound`."""
    shipment = session.get(Shipment, (brand_id, shipment_id))
    if shipment is None or shipment.warehouse_id != staff.warehouse_id:
        raise NotFound("There is no such shipment in this building.")
    return shipment


def _lock(session: Session, staff: Staff, shipment: Shipment) -> Shipment:
    find_shipment(session, staff, shipment.brand_id, shipment.id)
    locked = lock_shipment(session, shipment.brand_id, shipment.id)
    lock_against_holds(session, [locked])
    return locked


def scan_item(
    session: Session, action_id: UUID, shipment: Shipment, barcode: str, quantity: int, staff: Staff
) -> Outcome:
    """Puts pieces of the scanned article into the box that is being filled, opening one where there is none.

    Raises :class:`WrongScan` for an article that is not in this shipment, or more pieces than were picked.
    """

    def work() -> Outcome:
        locked = _lock(session, staff, shipment)
        refuse_unless_packable(session, locked)
        bench = bench_of(session, locked)
        sku = _sku_of_shipment(session, bench, barcode)
        left = next(item.left for item in bench.items if item.sku_id == sku.id)
        if left == 0:
            raise WrongScan(f"All of {sku.name} is packed already. Is one too many in the tote?")
        if not 1 <= quantity <= left:
            raise WrongScan(f"Only {left} × {sku.name} can still be packed, not {quantity}.")
        box = bench.open_box
        package = box.package if box else open_package(session, locked)
        _put(session, locked, package, sku.id, quantity)
        return Outcome(f"{quantity} × {sku.name} in box {package.number}.")

    return once(session, action_id, staff, "pack", work)


def _sku_of_shipment(session: Session, bench: Bench, barcode: str) -> Sku:
    found = skus_scanned(session, barcode, bench.shipment.brand_id)
    wanted = {item.sku_id for item in bench.items}
    for sku in found:
        if sku.id in wanted:
            return sku
    if found:
        raise WrongScan(f"Wrong item: {found[0].name} does not belong to this shipment.")
    raise WrongScan(f"Unknown code “{clean(barcode)}”. Scan the code on the article.")


def _put(session: Session, shipment: Shipment, package: Package, sku_id: UUID, quantity: int) -> None:
    """Spreads the pieces over the lines that want the article, the oldest order's first."""
    lines = session.exec(
        select(ShipmentLine)
        .where(
            ShipmentLine.brand_id == shipment.brand_id,
            ShipmentLine.shipment_id == shipment.id,
            ShipmentLine.sku_id == sku_id,
        )
        .order_by(col(ShipmentLine.id))
    ).all()
    for line in lines:
        taken = min(quantity, line.picked - _packed_of(session, line))
        if taken > 0:
            _add_line(session, package, line, taken)
            quantity -= taken
    assert quantity == 0, "The bench's own sum said that there is room for these pieces."


def _packed_of(session: Session, line: ShipmentLine) -> int:
    return int(
        session.execute(
            text(
                "SELECT coalesce(sum(pl.quantity), 0) FROM package_line pl JOIN package p"
                " ON p.brand_id = pl.brand_id AND p.id = pl.package_id AND p.state <> 'cancelled'"
                " WHERE pl.brand_id = :brand_id AND pl.shipment_line_id = :id"
            ),
            {"brand_id": line.brand_id, "id": line.id},
        ).scalar_one()
    )


def _add_line(session: Session, package: Package, line: ShipmentLine, quantity: int) -> None:
    packed = session.exec(
        select(PackageLine).where(
            PackageLine.brand_id == line.brand_id,
            PackageLine.package_id == package.id,
            PackageLine.shipment_line_id == line.id,
        )
    ).one_or_none()
    if packed is None:
        packed = PackageLine(brand_id=line.brand_id, package_id=package.id, shipment_line_id=line.id, quantity=quantity)
    else:
        packed.quantity += quantity
    session.add(packed)


def empty_box(session: Session, action_id: UUID, shipment: Shipment, staff: Staff) -> Outcome:
    """Takes everything out of the box that is being filled, to scan it anew."""

    def work() -> Outcome:
        locked = _lock(session, staff, shipment)
        refuse_unless_packable(session, locked)
        box = bench_of(session, locked).open_box
        if box is None:
            raise CannotPack("No box is being filled.")
        session.execute(
            text("DELETE FROM package_line WHERE brand_id = :brand_id AND package_id = :id"),
            {"brand_id": locked.brand_id, "id": box.package.id},
        )
        return Outcome(f"Box {box.package.number} is empty again. Scan its items anew.")

    return once(session, action_id, staff, "empty_box", work)


def close_package(
    session: Session,
    action_id: UUID,
    shipment: Shipment,
    carton_code: str,
    weight_g: int,
    staff: Staff,
    *,
    confirmed: bool = False,
) -> Outcome:
    """Closes the box that is being filled, in this carton and with what the scale says, in grams.

    Raises :class:`WeightDoubted` where the weight cannot be that of these goods, unless it was ``confirmed``.
    """

    def work() -> Outcome:
        locked = _lock(session, staff, shipment)
        refuse_unless_packable(session, locked)
        box = bench_of(session, locked).open_box
        if box is None or not box.items:
            raise CannotPack("There is nothing in the box. Scan the items first.")
        carton = _carton(session, locked, carton_code)
        if not 1 <= weight_g <= WEIGHT_MAX_G:
            raise Invalid("Type the weight that the scale shows, in grams.")
        goods_g = box_goods_g(box)
        if not confirmed and not weight_is_plausible(goods_g, weight_g):
            raise WeightDoubted(
                f"The scale says {weight_g} g, but these goods should weigh about {goods_g + carton.weight_g} g."
                " Weigh again, or confirm the weight."
            )
        package = box.package
        package.carton_id, package.weight_g = carton.id, weight_g
        package.length_mm, package.width_mm, package.height_mm = carton.length_mm, carton.width_mm, carton.height_mm
        package.state = PackageState.PACKED
        session.add(package)
        return Outcome(f"Box {package.number} is closed: {carton.name}, {weight_g} g.")

    return once(session, action_id, staff, "close_box", work)


def _carton(session: Session, shipment: Shipment, code: str) -> Carton:
    carton = session.exec(
        select(Carton).where(Carton.warehouse_id == shipment.warehouse_id, Carton.code == clean(code).upper())
    ).one_or_none()
    if carton is None:
        raise Invalid("Choose a carton.")
    return carton


def is_packed(session: Session, shipment: Shipment) -> bool:
    """Says whether every picked piece lies in a closed box."""
    # A box that was closed in this transaction is still open in the database.
    session.flush()
    bench = bench_of(session, shipment)
    return bool(bench.boxes) and bench.left == 0 and (bench.open_box is None or not bench.open_box.items)


def finish_packing(session: Session, shipment: Shipment, staff: Staff) -> Outcome:
    """Ends packing: the tote is free again and labels are asked for. Ending it twice changes nothing.

    Raises :class:`CannotPack` while a picked piece is not in a closed box, and whatever dispatch refuses with.
    """
    locked = _lock(session, staff, shipment)
    if locked.state not in (ShipmentState.PICKING, ShipmentState.PICKED, ShipmentState.CANCELLED):
        return Outcome("Packed. The label is on its way.")
    refuse_unless_packable(session, locked)
    if not is_packed(session, locked):
        raise CannotPack(f"{bench_of(session, locked).left} pieces are not in a closed box yet.")
    _drop_empty_box(session, locked)
    move_to(session, locked, ShipmentState.PACKED)
    boxes = bench_of(session, locked).boxes
    told = {"packages": len(boxes), "weight_g": sum(box.package.weight_g for box in boxes)}
    record_for(session, locked, EventKind.PACKED, told, actor(staff))
    free_tote(session, locked)
    request_labels(session, locked, actor(staff))
    return Outcome("Packed. The label is on its way.")


def _drop_empty_box(session: Session, shipment: Shipment) -> None:
    box = bench_of(session, shipment).open_box
    if box is not None:
        session.delete(box.package)
        # The boxes are counted again below, in the database.
        session.flush()


def ask_for_labels(session: Session, action_id: UUID, shipment: Shipment, staff: Staff) -> Outcome:
    """Asks for labels again after the carrier refused."""

    def work() -> Outcome:
        locked = _lock(session, staff, shipment)
        refuse_if_blocked(session, locked)
        if locked.state is not ShipmentState.PACKED:
            raise CannotPack(f"This shipment is {locked.state}; it does not wait for a label.")
        request_labels(session, locked, actor(staff))
        return Outcome("Asked for the label again.")

    return once(session, action_id, staff, "ask_label", work)


def find_package(session: Session, shipment: Shipment, package_id: UUID) -> Package:
    """Returns a package of the shipment; raises :class:`NotFound`."""
    package = session.get(Package, (shipment.brand_id, package_id))
    if package is None or package.shipment_id != shipment.id:
        raise NotFound("There is no such box in this shipment.")
    return package


def print_box_label(session: Session, shipment: Shipment, package: Package, reason: str, staff: Staff) -> bytes:
    """Returns the label of a box as PDF and notes the print; every print after the first needs a reason."""
    refuse_if_held(session, shipment)
    return print_label(session, _live(session, package), clean(reason), actor(staff))


def _live(session: Session, package: Package) -> Label:
    label = live_label(session, package.brand_id, package.id)
    if label is None:
        raise CannotPack(f"Box {package.number} has no label.")
    return label


def scan_label(
    session: Session, action_id: UUID, shipment: Shipment, package: Package, barcode: str, staff: Staff
) -> Outcome:
    """Checks that the label which the packer stuck on the box is the box's own."""

    def work() -> Outcome:
        locked = _lock(session, staff, shipment)
        refuse_if_held(session, locked)
        verify_label(session, package, clean(barcode), actor(staff))
        return Outcome(f"Box {package.number} carries the right label.")

    return once(session, action_id, staff, "scan_label", work)
