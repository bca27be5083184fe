# SPDX-License-Identifier: Apache-2.0
"""With whom an order travels: a change that concerns one member alone takes it out of the group first."""

from typing import Final

from sqlmodel import Session

from wms.changes.case import Case, Refused, is_open, lock_live, sum_up
from wms.changes.matrix import Cell, Rule
from wms.changes.models import ChangeAnswer
from wms.changes.schemas import Merge, SplitOff
from wms.changes.stages import Stage
from wms.floor import rework
from wms.orders.service import find_order
from wms.shipments import consolidation
from wms.shipments.consolidation import CannotCombine, CannotSeparate, blockers_between, host_first, live_members
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.service import lines_of

_BEFORE_THE_FLOOR: Final = frozenset({ShipmentState.HELD, ShipmentState.RELEASED})


def is_shared(session: Session, shipment: Shipment) -> bool:
    """Says whether more than one order leaves with the shipment."""
    return len(live_members(session, shipment)) > 1


def alone(case: Case, shipment: Shipment) -> Shipment:
    """Returns a shipment that carries nothing but the order of the case, split off a shared one where need be.

    What of it was fetched already is put back and fetched anew, because the tote is the others'. Raises
    :class:`Refused` where the shipment has gone too far.
    """
    session = case.session
    if not is_shared(session, shipment):
        return shipment
    if shipment.state not in _BEFORE_THE_FLOOR:
        own = {line.id: line.quantity for line in lines_of(session, shipment) if line.order_id == case.order.id}
        rework.take_out(session, shipment, own, case.actor, f"change: {case.change.kind}")
    try:
        parted = consolidation.split_off(session, shipment, [case.order.id], case.actor)
    except CannotSeparate as error:
        raise Refused("in_the_tote", detail=error.detail) from error
    rework.settle(session, shipment, case.actor)
    session.refresh(case.order)
    return parted


def parting(stage: Stage, found: Cell) -> Cell:
    """Returns the cell for a member that leaves the others: on the floor that is work for somebody."""
    return found if stage in (Stage.HELD, Stage.RELEASED) else Cell(Rule.REWORK)


def split_off(case: Case, _request: SplitOff) -> tuple[ChangeAnswer, str]:
    """Lets the order travel alone again, wherever it shares a shipment."""
    for shipment, stage, found in case.concerned():
        if not is_shared(case.session, shipment):
            continue
        if is_open(found.rule):
            own = alone(case, shipment)
            case.change.outcome = {**case.change.outcome, "shipment_id": str(own.id)}
        case.note(shipment, stage, found)
    if not case.parts:
        raise Refused("not_combined")
    return sum_up(case.parts)


def merge(case: Case, request: Merge) -> tuple[ChangeAnswer, str]:
    """Lets the order travel with another one of the same door; the shipment that is further takes the other one in.

    Raises ``NotFound`` for the other order, and :class:`Refused` with every blocker, or with the warnings that nobody
    has acknowledged.
    """
    session = case.session
    other = find_order(session, case.brand.id, request.into)
    theirs = lock_live(session, case.brand.id, [other.id])
    for shipment, stage, found in case.concerned():
        if not is_open(found.rule):
            case.note(shipment, stage, found)
            continue
        if shipment.id in {one.id for one in theirs} or not theirs:
            raise Refused("nothing_to_change" if theirs else "nothing_left")
        host, guest = host_first(session, [shipment, theirs[0]])
        if not blockers_between(session, host, guest):
            _acknowledge(case, host, guest, request)
        try:
            joined = consolidation.merge(session, host, guest, case.actor)
        except CannotCombine as error:
            case.facts = {"blockers": error.extra["blockers"]}
            raise Refused("cannot_combine", detail=error.detail) from error
        if rework.add_delta_picks(session, joined):
            found = Cell(Rule.REWORK)
        case.change.outcome = {**case.change.outcome, "shipment_id": str(joined.id), "into": other.ref}
        case.note(shipment, stage, found)
    session.refresh(case.order)
    return sum_up(case.parts)


def _acknowledge(case: Case, host: Shipment, guest: Shipment, request: Merge) -> None:
    warnings = consolidation.warnings_between(case.session, host, guest)
    if warnings and not request.acknowledge_warnings:
        case.facts = {"warnings": warnings}
        raise Refused("warnings", detail=" ".join(warnings))
