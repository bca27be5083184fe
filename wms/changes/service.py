# SPDX-License-Identifier: Apache-2.0
"""The one door for every late change: brand API, portal and floor ask here, and every answer is stored.

The row locks of the order's shipments decide a race: whoever comes second finds another stage and is answered by it.
A refusal is returned and not raised, so that the transaction that stores it commits.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session, col, select

from wms.brands.models import Brand
from wms.changes import addons, door, lines, travel
from wms.changes.case import Case, Refused, lock_live
from wms.changes.matrix import REASONS, Alternative
from wms.changes.models import Change, ChangeAnswer, ChangeKind
from wms.changes.schemas import ChangeIn, Merge
from wms.changes.stages import Stage, stage_of
from wms.orders.models import EventKind, Order, OrderState
from wms.orders.service import find_order
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.platform.errors import Conflict
from wms.platform.ids import new_id
from wms.shipments.models import Shipment
from wms.stock.ledger import NotEnoughStock


class ChangeRefTaken(Conflict):
    """The change's reference was used for another change of this order."""

    code = "change_ref_taken"


class VersionConflict(Conflict):
    """The order is not the one that the asker saw; ``version`` is what it is now."""

    code = "version_conflict"


class TooLate(Conflict):
    """The order has passed the point up to which it can be cancelled."""

    code = "too_late"


# What names a person stays out of the stored request: an address is a recipient row of its own.
_PERSONAL: Final = {"recipient", "phone", "email", "notes"}
_FINAL: Final = frozenset({ChangeAnswer.APPLIED, ChangeAnswer.APPLIED_WITH_REWORK, ChangeAnswer.REFUSED})
_TOLD: Final = {
    ChangeAnswer.APPLIED: EventKind.CHANGE_APPLIED,
    ChangeAnswer.APPLIED_WITH_REWORK: EventKind.CHANGE_APPLIED,
    ChangeAnswer.REQUESTED: EventKind.CHANGE_REQUESTED,
    ChangeAnswer.AWAITING_PAYMENT: EventKind.CHANGE_REQUESTED,
    ChangeAnswer.REFUSED: EventKind.CHANGE_REFUSED,
}
_WORK: Final[dict[ChangeKind, Callable[[Case, Any], tuple[ChangeAnswer, str]]]] = {
    ChangeKind.CANCEL: lines.cancel,
    ChangeKind.REDUCE: lines.reduce,
    ChangeKind.ADDRESS: door.readdress,
    ChangeKind.CONTACT: door.contact,
    ChangeKind.SERVICE: door.change_service,
    ChangeKind.ADD_ITEMS: addons.add_items,
    ChangeKind.SPLIT_OFF: travel.split_off,
    ChangeKind.MERGE: travel.merge,
}


def ask(session: Session, brand: Brand, order_ref: str, request: ChangeIn, actor: str) -> Change:
    """Answers one late change and does it as far as the matrix allows; the same ``ref`` again is answered from before.

    Raises ``NotFound``, :class:`ChangeRefTaken`, :class:`VersionConflict`, and ``Invalid`` for what can never be; then
    nothing is written. A refusal is an answer and is stored.
    """
    order = find_order(session, brand.id, order_ref)
    # A merge is about two orders' shipments, which are locked in one sequence.
    also = [find_order(session, brand.id, request.into).id] if isinstance(request, Merge) else []
    lock_live(session, brand.id, [order.id, *also])
    live = lock_live(session, brand.id, [order.id])
    # Two with the same reference queue here where no shipment is left to queue at.
    session.refresh(order, with_for_update={"key_share": True})
    digest = hashlib.sha256(request.model_dump_json(exclude={"expected_version"}).encode()).digest()
    before = _known(session, order, request.ref)
    if before is not None:
        if before.content_sha256 != digest:
            raise ChangeRefTaken(f"Order {order_ref} has another change under the reference {request.ref}.")
        return before
    if request.expected_version not in (None, order.version):
        raise VersionConflict(
            f"Order {order_ref} has version {order.version}, not {request.expected_version}.", version=order.version
        )
    change = _draft(session, order, request, digest, live, actor)
    case = Case(session, brand, order, live, change, actor)
    _decide(case, lambda: _WORK[request.kind](case, request))
    _keep(case)
    return change


def _known(session: Session, order: Order, ref: str) -> Change | None:
    return session.exec(
        select(Change).where(Change.brand_id == order.brand_id, Change.order_id == order.id, Change.ref == ref)
    ).one_or_none()


def _draft(
    session: Session, order: Order, request: ChangeIn, digest: bytes, live: list[Shipment], actor: str
) -> Change:
    """Returns the change's row, not written yet. Its stage is that of the order's furthest shipment."""
    stages = list(Stage)
    furthest = max((stage_of(session, shipment) for shipment in live), key=stages.index, default=None)
    return Change(
        brand_id=order.brand_id,
        id=new_id(),
        order_id=order.id,
        ref=request.ref,
        kind=request.kind,
        content_sha256=digest,
        request=request.model_dump(mode="json", exclude={"ref", "kind", "expected_version"} | _PERSONAL),
        stage=furthest or order.state,
        answer=ChangeAnswer.REFUSED,
        actor=actor,
        asked_at=now(session),
    )


def _decide(case: Case, work: Callable[[], tuple[ChangeAnswer, str]]) -> None:
    """Does the work, all of it or, where it is refused, nothing, and writes the answer into the change."""
    change, session = case.change, case.session
    try:
        with session.begin_nested():
            if case.order.state is OrderState.CANCELLED:
                raise Refused("already_cancelled")
            change.answer, change.reason_code = work()
            change.detail = REASONS[change.reason_code] if change.reason_code else ""
            session.flush()
    except NotEnoughStock as error:
        _refuse(case, Refused("not_enough_stock", detail=error.detail))
    except Refused as refusal:
        _refuse(case, refusal)
    if case.parts:
        change.outcome = {**change.outcome, "parts": [part.as_json() for part in case.parts]}
    change.resolved_at = now(session) if change.answer in _FINAL else None


def _refuse(case: Case, refusal: Refused) -> None:
    change = case.change
    change.answer, change.reason_code, change.detail = ChangeAnswer.REFUSED, refusal.reason_code, refusal.detail[:300]
    change.outcome = {"alternatives": list(refusal.alternatives), **case.facts}
    # What was done for another shipment before was rolled back with the rest.
    case.parts = [part for part in case.parts if part.answer is ChangeAnswer.REFUSED]
    change.recipient_id = None  # It was rolled back with the rest.
    case.is_told = False
    case.session.refresh(case.order)
    if Alternative.NEW_ORDER in refusal.alternatives and case.live:
        change.outcome["combine_code"] = addons.combine_code(case.session, case.order)


def _keep(case: Case) -> None:
    """Writes the change, and tells the order's story of it where no other event has told it already."""
    change = case.change
    case.session.add(change)
    case.session.flush()  # The story is written by statements of its own.
    if not case.is_told:
        told: dict[str, Any] = {"kind": change.kind, "change": change.ref}
        if change.reason_code:
            told["reason_code"] = change.reason_code
        event = NewEvent(change.brand_id, change.order_id, _TOLD[change.answer], told, case.actor)
        record(case.session, [event])
    case.session.refresh(case.order)


def changes_of(session: Session, brand_id: UUID, order_id: UUID) -> Sequence[Change]:
    """Returns every change that was asked of the order, refused ones too, the oldest first."""
    return session.exec(
        select(Change).where(Change.brand_id == brand_id, Change.order_id == order_id).order_by(col(Change.id))
    ).all()
