# SPDX-License-Identifier: Apache-2.0
"""What the carrier is asked about a shipment that it has: another door, another phone, bring it back.

Only the carrier can say yes. A question is an intent first and a call afterwards, with a key that never changes; the
answer comes with the call, is pushed, or is looked for. Whoever asked is told by the job ``changes.resolve``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session, col, select

from carriers.errors import CarrierError
from carriers.port import (
    Address,
    AmendmentAnswer,
    AmendmentKind,
    AmendmentOutcome,
    AmendmentResult,
    Capability,
    Carrier,
    Contact,
    Reason,
)
from wms.dispatch.accounts import connect, get_account
from wms.dispatch.models import Amendment, AmendmentState, CarrierAccount, LabelPurchase
from wms.dispatch.purchases import enqueue_resolve, root_purchase
from wms.dispatch.requests import address_of
from wms.dispatch.states import UNANSWERED, LabelStateConflict, move_amendment
from wms.orders.models import Recipient
from wms.platform.clock import now, real_now
from wms.platform.errors import Conflict, NotFound
from wms.platform.jobs import Lease, Retry, enqueue
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.service import lock_shipment

# A push that gets lost costs ten minutes, then twice as long each time; after two days a person looks.
LOOK_AFTER: Final = timedelta(minutes=10)
LOOK_AFTER_MAX: Final = timedelta(hours=8)
LOOKS_MAX: Final = 10
_REASON_CHARACTERS: Final = 300
_ANSWERS: Final = {
    AmendmentOutcome.ACCEPTED: AmendmentState.ACCEPTED,
    AmendmentOutcome.REFUSED: AmendmentState.REFUSED,
}


class NotWithCarrier(Conflict):
    """The carrier does not have all of this shipment, or has it no more."""

    code = "not_with_carrier"


class CarrierCannot(Conflict):
    """The shipment's carrier does not take this question through its API."""

    code = "carrier_cannot"


class AlreadyAsked(Conflict):
    """The carrier was asked this about the shipment already and has not answered."""

    code = "already_asked"


def carrier_can(session: Session, shipment: Shipment, capability: Capability) -> bool:
    """Says whether the carrier whose labels are on the shipment can do something; no carrier can do nothing."""
    purchase = root_purchase(session, shipment)
    return purchase is not None and capability in connect(get_account(session, purchase.account_id)).capabilities


def redirect(session: Session, shipment: Shipment, recipient: Recipient, actor: str) -> Amendment:
    """Asks the carrier to bring a shipment on its way to another door: all of it, whoever's orders are inside.

    Once it is accepted, ``recipient`` is the shipment's. Raises :class:`NotWithCarrier`, :class:`CarrierCannot` or
    :class:`AlreadyAsked`; then nothing is written.
    """
    return _ask_about(session, shipment, AmendmentKind.REDIRECT, actor, recipient_id=recipient.id)


def edit_contact(session: Session, shipment: Shipment, recipient: Recipient, actor: str, note: str = "") -> Amendment:
    """Asks the carrier to reach a shipment's recipient by the phone and e-mail of ``recipient``; the door is the same.

    ``note`` is for the driver, at most 200 characters. Raises like :func:`redirect`.
    """
    return _ask_about(session, shipment, AmendmentKind.EDIT_CONTACT, actor, recipient_id=recipient.id, note=note[:200])


def ask_return(session: Session, shipment: Shipment, actor: str) -> Amendment:
    """Asks the carrier to bring a shipment back to us (RTO, return to origin): all of it.

    Who asks while the carrier considers it, or after it agreed, gets that question. Raises like :func:`redirect`.
    """
    return _ask_about(session, shipment, AmendmentKind.RETURN_TO_ORIGIN, actor)


def _ask_about(
    session: Session,
    shipment: Shipment,
    kind: AmendmentKind,
    actor: str,
    *,
    recipient_id: UUID | None = None,
    note: str = "",
) -> Amendment:
    shipment = lock_shipment(session, shipment.brand_id, shipment.id)
    earlier = _asked(session, shipment, kind)
    same = next((one for one in earlier if one.state in UNANSWERED or one.state == AmendmentState.ACCEPTED), None)
    if same is not None and kind is AmendmentKind.RETURN_TO_ORIGIN:
        return same
    _check_with_carrier(shipment)
    if same is not None and same.state in UNANSWERED:
        raise AlreadyAsked("The carrier was asked this already. Wait for its answer, then ask again.")
    purchase = root_purchase(session, shipment)
    if purchase is None or not carrier_can(session, shipment, Capability(kind.value)):
        raise CarrierCannot(f"This carrier cannot be asked to {kind.replace('_', ' ')}.")
    amendment = Amendment(
        brand_id=shipment.brand_id,
        shipment_id=shipment.id,
        purchase_id=purchase.id,
        kind=kind,
        key=f"{shipment.id.hex}-{kind}-{len(earlier) + 1}",
        recipient_id=recipient_id,
        note=note,
        requested_by=actor,
        asked_at=real_now(),
    )
    session.add(amendment)
    session.flush()  # Its job is written by a statement of its own.
    enqueue_amend(session, amendment)
    return amendment


def _asked(session: Session, shipment: Shipment, kind: AmendmentKind) -> Sequence[Amendment]:
    """Returns what was asked of this kind, the newest first."""
    return session.exec(
        select(Amendment)
        .where(Amendment.brand_id == shipment.brand_id, Amendment.shipment_id == shipment.id, Amendment.kind == kind)
        .order_by(col(Amendment.id).desc())
    ).all()


def _check_with_carrier(shipment: Shipment) -> None:
    """An answer concerns every box, and one that is still here cannot be turned round by the carrier."""
    if shipment.state is not ShipmentState.HANDED_OVER:
        raise NotWithCarrier(f"This shipment is {shipment.state}; the carrier does not have all of it.")


def enqueue_amend(session: Session, amendment: Amendment, looks: int = 0) -> None:
    """Has the carrier asked, or after ``looks`` fruitless looks asked again how the question stands."""
    wait = min(LOOK_AFTER * 2 ** (looks - 1), LOOK_AFTER_MAX) if looks else timedelta()
    enqueue(
        session,
        "dispatch.amend",
        {"amendment_id": str(amendment.id), "looks": looks},
        brand_id=amendment.brand_id,
        run_at=now(session) + wait,
        dedupe_key=str(amendment.id),
    )


def lock_amendment(session: Session, brand_id: UUID, amendment_id: UUID) -> tuple[Amendment, Shipment]:
    """Returns a question and its shipment as they are now, both locked, the shipment first; or ``NotFound``."""
    shipment_id = session.exec(
        select(Amendment.shipment_id).where(Amendment.brand_id == brand_id, Amendment.id == amendment_id)
    ).one_or_none()
    if shipment_id is None:
        raise NotFound("The carrier was not asked this.")
    shipment = lock_shipment(session, brand_id, shipment_id)
    amendment = session.get(Amendment, (brand_id, amendment_id), with_for_update=True, populate_existing=True)
    assert amendment is not None, "The question was there a moment ago and is never deleted."
    return amendment, shipment


@dataclass(frozen=True)
class Question:
    """One call about to be made. ``was_in_doubt``: an earlier one may have reached the carrier."""

    account: CarrierAccount
    kind: AmendmentKind
    key: str
    carrier_shipment_id: str
    ship_to: Address | None
    note: str
    was_in_doubt: bool


def begin(session: Session, lease: Lease, brand_id: UUID, amendment_id: UUID) -> Question | None:
    """Returns what to ask, or finishes the job where there is an answer already."""
    amendment, _ = lock_amendment(session, brand_id, amendment_id)
    if amendment.state not in UNANSWERED:
        lease.finish(session)
        return None
    lease.hold(session)
    purchase = session.get_one(LabelPurchase, (brand_id, amendment.purchase_id))
    recipient = session.get(Recipient, (brand_id, amendment.recipient_id)) if amendment.recipient_id else None
    question = Question(
        account=get_account(session, purchase.account_id),
        kind=amendment.kind,
        key=amendment.key,
        carrier_shipment_id=purchase.carrier_shipment_id or "",
        ship_to=address_of(recipient) if recipient else None,
        note=amendment.note,
        was_in_doubt=amendment.in_doubt,
    )
    # Committed before the call: whoever comes after a worker that died must not take it for the first one.
    amendment.in_doubt = True
    return question


def ask(question: Question) -> AmendmentResult | CarrierError:
    """Looks the key up where the carrier may know it, and asks under the same key where it does not."""
    try:
        carrier = connect(question.account)
        found = carrier.find_amendment(question.key) if question.was_in_doubt else None
        return found or _call(carrier, question)
    except CarrierError as error:
        return error


def _call(carrier: Carrier, question: Question) -> AmendmentResult:
    if question.kind is AmendmentKind.RETURN_TO_ORIGIN:
        return carrier.return_to_origin(question.key, question.carrier_shipment_id)
    assert question.ship_to is not None, "The verb that asks this names a recipient."
    if question.kind is AmendmentKind.REDIRECT:
        return carrier.redirect(question.key, question.carrier_shipment_id, question.ship_to)
    contact = Contact(question.ship_to.phone, question.ship_to.email, question.note)
    return carrier.edit_contact(question.key, question.carrier_shipment_id, contact)


def record(
    session: Session,
    lease: Lease,
    amendment_id: UUID,
    question: Question,
    answer: AmendmentResult | CarrierError,
    *,
    is_last_try: bool,
) -> Retry | None:
    """Records what the carrier said, and returns the retry to raise where nothing is known yet."""
    assert lease.brand_id is not None
    amendment, shipment = lock_amendment(session, lease.brand_id, amendment_id)
    lease.hold(session)
    # A push, or a person, may have been faster than the answer to the call.
    retry = None
    if amendment.state in UNANSWERED:
        looks = int(lease.args.get("looks", 0))
        retry = _record(session, amendment, shipment, question, answer, looks, is_last_try=is_last_try)
    if retry is None:
        lease.finish(session)
    return retry


def _record(
    session: Session,
    amendment: Amendment,
    shipment: Shipment,
    question: Question,
    answer: AmendmentResult | CarrierError,
    looks: int,
    *,
    is_last_try: bool,
) -> Retry | None:
    if isinstance(answer, AmendmentResult) and answer.outcome in _ANSWERS:
        settle(session, amendment, shipment, answer.outcome, answer.reason)
        return None
    if isinstance(answer, AmendmentResult) and answer.outcome is AmendmentOutcome.REQUESTED:
        _wait_for_answer(session, amendment, looks + 1)
        return None
    reason = _reason_of(answer)
    if isinstance(answer, AmendmentResult) or question.was_in_doubt:
        if amendment.state == AmendmentState.CALLING:
            move_amendment(amendment, AmendmentState.UNKNOWN)
        amendment.reason_code, amendment.reason = reason.code[:80], reason.message[:_REASON_CHARACTERS]
        amendment.needs_person = is_last_try
        return None if is_last_try else _retry(answer, reason)
    # This very call changed nothing at the carrier, and no earlier one can have.
    amendment.in_doubt = False
    if answer.is_transient and not is_last_try:
        return _retry(answer, reason)
    settle(session, amendment, shipment, AmendmentOutcome.REFUSED, reason)
    return None


def _wait_for_answer(session: Session, amendment: Amendment, looks: int) -> None:
    if amendment.state != AmendmentState.REQUESTED:
        move_amendment(amendment, AmendmentState.REQUESTED)
    amendment.reason_code = amendment.reason = None
    amendment.needs_person = looks > LOOKS_MAX
    if not amendment.needs_person:
        enqueue_amend(session, amendment, looks)


def _reason_of(answer: AmendmentResult | CarrierError) -> Reason:
    if isinstance(answer, CarrierError):
        return Reason(answer.code, answer.message)
    return answer.reason or Reason("unknown", "The carrier's answer was lost.")


def _retry(answer: AmendmentResult | CarrierError, reason: Reason) -> Retry:
    after_s = answer.retry_after_s if isinstance(answer, CarrierError) else None
    return Retry(f"{reason.code}: {reason.message}", after_s)


def settle(
    session: Session, amendment: Amendment, shipment: Shipment, outcome: AmendmentOutcome, reason: Reason | None
) -> None:
    """Writes the answer down and has whoever asked told. What was accepted is true of the shipment from now on."""
    move_amendment(amendment, _ANSWERS[outcome])
    amendment.in_doubt = amendment.needs_person = False
    amendment.reason_code = reason.code[:80] if reason else None
    amendment.reason = reason.message[:_REASON_CHARACTERS] if reason else None
    amendment.resolved_at = real_now()
    if outcome is AmendmentOutcome.ACCEPTED and amendment.recipient_id is not None:
        shipment.recipient_id = amendment.recipient_id
        session.add(shipment)
    enqueue_resolve(session, shipment)


def hear_answer(session: Session, account: CarrierAccount, answer: AmendmentAnswer) -> bool:
    """Takes an answer that the carrier pushed; again without harm. Returns whether we asked such a question."""
    found = session.exec(
        select(Amendment.brand_id, Amendment.id)
        .join(
            LabelPurchase,
            (col(LabelPurchase.brand_id) == Amendment.brand_id) & (col(LabelPurchase.id) == Amendment.purchase_id),
        )
        .where(LabelPurchase.account_id == account.id, Amendment.key == answer.key)
    ).one_or_none()
    if found is None:
        return False
    amendment, shipment = lock_amendment(session, *found)
    if amendment.state in UNANSWERED:
        settle(session, amendment, shipment, answer.outcome, answer.reason)
    return True


def unanswered(session: Session, warehouse_id: UUID, limit: int = 100) -> Sequence[Amendment]:
    """Returns the questions that need a person, the longest waiting first."""
    return session.exec(
        select(Amendment)
        .join(
            LabelPurchase,
            (col(LabelPurchase.brand_id) == Amendment.brand_id) & (col(LabelPurchase.id) == Amendment.purchase_id),
        )
        .join(CarrierAccount, col(CarrierAccount.id) == LabelPurchase.account_id)
        .where(CarrierAccount.warehouse_id == warehouse_id, col(Amendment.needs_person))
        .order_by(col(Amendment.asked_at))
        .limit(limit)
    ).all()


def ask_once_more(session: Session, amendment: Amendment) -> None:
    """A person has the carrier asked again, under the same key. The task stays until there is an answer."""
    amendment, _ = lock_amendment(session, amendment.brand_id, amendment.id)
    if amendment.state in UNANSWERED:
        enqueue_amend(session, amendment)


def declare_answer(session: Session, amendment: Amendment, *, is_accepted: bool, reason: str) -> None:
    """A person who reached the carrier says what it answered.

    Raises :class:`LabelStateConflict` where that is known already.
    """
    amendment, shipment = lock_amendment(session, amendment.brand_id, amendment.id)
    if amendment.state not in UNANSWERED:
        raise LabelStateConflict(f"This question is {amendment.state} already.")
    outcome = AmendmentOutcome.ACCEPTED if is_accepted else AmendmentOutcome.REFUSED
    settle(session, amendment, shipment, outcome, None if is_accepted else Reason("declared_refused", reason))
