# SPDX-License-Identifier: Apache-2.0
"""Changes that waited for somebody else's answer: a label that was being bought, or the carrier."""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session, col, select

from wms.brands.models import Brand
from wms.changes import carrier, door, lines
from wms.changes.case import Case, Part, Refused, lock_live, sum_up
from wms.changes.matrix import REASONS, Alternative
from wms.changes.models import Change, ChangeAnswer, ChangeKind
from wms.changes.stages import Stage
from wms.orders.models import EventKind, Order, OrderState
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.shipments.service import lock_shipment

# What a change that waited for a label does then, with what it keeps.
_RESUME: Final[dict[ChangeKind, Callable[[Case], tuple[ChangeAnswer, str]]]] = {
    ChangeKind.ADDRESS: door.resume_address,
    ChangeKind.CONTACT: door.resume_contact,
    ChangeKind.SERVICE: door.resume_service,
    ChangeKind.CANCEL: lines.cancel,
}


def resolve(session: Session, shipment_id: UUID) -> int:
    """Decides every change that waited for this shipment, the oldest first; returns how many were decided.

    One for which there is still no answer goes on waiting. In the brand's scope; again changes nothing.
    """
    return sum(_resolve(session, change, shipment_id) for change in _waiting(session, shipment_id))


def _waiting(session: Session, shipment_id: UUID) -> Sequence[Change]:
    part = {"parts": [{"shipment_id": str(shipment_id), "answer": ChangeAnswer.REQUESTED}]}
    return session.exec(
        select(Change)
        .where(Change.answer == ChangeAnswer.REQUESTED, col(Change.outcome).contains(part))
        .order_by(col(Change.id))
    ).all()


def _resolve(session: Session, change: Change, shipment_id: UUID) -> bool:
    live = lock_live(session, change.brand_id, [change.order_id])
    order = session.get_one(Order, (change.brand_id, change.order_id))
    session.refresh(order, with_for_update={"key_share": True})
    session.refresh(change, with_for_update=True)
    parts: list[dict[str, Any]] = [dict(part) for part in change.outcome.get("parts", [])]
    waiting = [p for p in parts if p["shipment_id"] == str(shipment_id) and p["answer"] == ChangeAnswer.REQUESTED]
    if change.answer is not ChangeAnswer.REQUESTED or not waiting:
        return False
    brand = session.get_one(Brand, change.brand_id)
    case = Case(session, brand, order, live, change, change.actor, only=frozenset({shipment_id}))
    if not _decided(case, shipment_id, waiting[0]):
        return False
    place = parts.index(waiting[0])
    parts[place : place + 1] = [part.as_json() for part in case.parts]
    change.outcome = {**change.outcome, "parts": parts}
    _sum_up(case, parts)
    if waiting[0]["stage"] == Stage.LABELLING:
        shipment = lock_shipment(session, change.brand_id, shipment_id)
        shipment.pending_changes -= 1
        session.add(shipment)
    return True


def _decided(case: Case, shipment_id: UUID, waiting: dict[str, Any]) -> bool:
    """Does what the shipment allows now; ``False`` where there is no answer yet."""
    session = case.session
    if case.order.state is OrderState.CANCELLED:
        case.refuse(shipment_id, Stage(waiting["stage"]), "already_cancelled")
        return True
    has_left = not case.concerned()
    if has_left:
        # Another change took the order out of this shipment meanwhile; wherever it went, this one follows.
        told = {part["shipment_id"] for part in case.change.outcome["parts"]}
        case.only = frozenset(one.id for one in case.live if str(one.id) not in told)
    concerned = case.concerned()
    if has_left and (not concerned or any(one[1] is Stage.LABELLING for one in concerned)):
        # Nobody would call again for a shipment that the change did not wait for.
        case.refuse(shipment_id, Stage(waiting["stage"]), "label_under_way" if concerned else "nothing_left")
        return True
    shipment, stage, found = concerned[0]
    if "amendment_id" in waiting:
        return carrier.answered(case, shipment, stage, found, UUID(waiting["amendment_id"]))
    if any(one[1] is Stage.LABELLING for one in concerned):
        return False
    try:
        with session.begin_nested():
            _RESUME[case.change.kind](case)
            session.flush()
    except Refused as refusal:
        case.parts.clear()
        case.refuse(shipment_id, stage, refusal.reason_code)
    return all(part.answer is not ChangeAnswer.REQUESTED for part in case.parts)


def _sum_up(case: Case, parts: Sequence[dict[str, Any]]) -> None:
    """Gives the whole change its answer, and tells the story once it is final."""
    session, change = case.session, case.change
    try:
        change.answer, change.reason_code = _sum_up_parts(parts)
        change.detail = REASONS.get(change.reason_code, "")
    except Refused as refusal:
        change.answer, change.reason_code = ChangeAnswer.REFUSED, refusal.reason_code
        change.detail = next((str(part["detail"]) for part in parts if part.get("detail")), refusal.detail)[:300]
        change.outcome = {**change.outcome, "alternatives": list(refusal.alternatives)}
    session.add(change)
    session.flush()
    if change.answer is ChangeAnswer.REQUESTED:
        return
    change.resolved_at = now(session)
    kind = EventKind.CHANGE_REFUSED if change.answer is ChangeAnswer.REFUSED else EventKind.CHANGE_APPLIED
    told = {"kind": change.kind, "change": change.ref}
    if change.reason_code:
        told["reason_code"] = change.reason_code
    record(session, [NewEvent(change.brand_id, change.order_id, kind, told, change.actor)])
    session.refresh(case.order)


def _sum_up_parts(parts: Sequence[dict[str, Any]]) -> tuple[ChangeAnswer, str]:
    """Returns the answer to a change from its stored parts; raises :class:`Refused` where no part was possible."""
    read = [
        Part(
            UUID(part["shipment_id"]),
            Stage(part["stage"]),
            ChangeAnswer(part["answer"]),
            part["reason_code"],
            tuple(Alternative(one) for one in part["alternatives"]),
        )
        for part in parts
    ]
    return sum_up(read)
