# SPDX-License-Identifier: Apache-2.0
"""Buying labels: the recording of whatever came back. The intent is in ``intents``, the call itself in ``jobs``.

A purchase has three ends: bought, refused, unknown. Unknown is resolved by asking again with the same key, by
looking the key up, or by a person; a new key is made only after a proven refusal or a void.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from carriers.errors import CarrierError
from carriers.port import Outcome, Piece, Purchase, Reason
from wms.dispatch.accounts import actor_of
from wms.dispatch.models import CarrierAccount, Label, LabelPurchase, LabelState, PurchaseState
from wms.dispatch.requests import labels_of
from wms.dispatch.states import UNRESOLVED, LabelStateConflict, move_label, move_purchase
from wms.orders.models import EventKind
from wms.platform.clock import real_now
from wms.platform.errors import NotFound
from wms.platform.jobs import Retry, enqueue, is_running
from wms.shipments.models import Package, Shipment, ShipmentState
from wms.shipments.packages import packages_of
from wms.shipments.service import is_held, lock_shipment, move_to, record_for

# A minute before the 15 that invariant L4 allows, because the loop that flags it turns twice a minute.
UNRESOLVED_MAX: Final = timedelta(minutes=14)
_REASON_CHARACTERS: Final = 300


def live_labels(session: Session, shipment: Shipment) -> Sequence[Label]:
    """Returns the bought labels of the shipment's packages, whichever purchase made them, by package number."""
    return session.exec(
        select(Label)
        .join(Package, (col(Package.brand_id) == Label.brand_id) & (col(Package.id) == Label.package_id))
        .where(
            Label.brand_id == shipment.brand_id,
            Package.shipment_id == shipment.id,
            Label.state == LabelState.BOUGHT,
        )
        .order_by(col(Package.number))
    ).all()


def root_purchase(session: Session, shipment: Shipment) -> LabelPurchase | None:
    """Returns the purchase that made the shipment's first live labels, which others may have extended; else None."""
    return session.exec(
        select(LabelPurchase)
        .where(
            LabelPurchase.brand_id == shipment.brand_id,
            LabelPurchase.shipment_id == shipment.id,
            LabelPurchase.state == PurchaseState.BOUGHT,
            col(LabelPurchase.extends_id).is_(None),
            col(LabelPurchase.id).in_(
                select(Label.purchase_id).where(
                    Label.brand_id == shipment.brand_id, col(Label.state) == LabelState.BOUGHT
                )
            ),
        )
        .order_by(col(LabelPurchase.attempt).desc())
        .limit(1)
    ).one_or_none()


def take_out_of_use(session: Session, shipment: Shipment, actor: str, reason: str) -> Sequence[Label]:
    """Makes every live label of the shipment void from now on and has the carrier told. Returns the labels."""
    labels = live_labels(session, shipment)
    if not labels:
        return labels
    for label in labels:
        move_label(label, LabelState.VOID_REQUESTED)
        label.reason = reason[:_REASON_CHARACTERS]
    for package in packages_of(session, shipment):
        package.tracking_number = package.label_verified_at = None
        package.tracking_status = package.tracking_at = None
    shipment.master_tracking = None
    data = {"reason": reason, "tracking_numbers": [label.tracking_number for label in labels]}
    record_for(session, shipment, EventKind.LABEL_VOIDED, data, actor)
    for purchase_id in sorted({label.purchase_id for label in labels}):
        enqueue_void(session, session.get_one(LabelPurchase, (shipment.brand_id, purchase_id)))
    return labels


def enqueue_purchase(session: Session, purchase: LabelPurchase) -> None:
    """Has the carrier asked, with the purchase's own key, as soon as a worker is free."""
    enqueue(
        session,
        "dispatch.buy_labels",
        {"purchase_id": str(purchase.id)},
        brand_id=purchase.brand_id,
        dedupe_key=str(purchase.id),
    )


def lock_purchase(session: Session, brand_id: UUID, purchase_id: UUID) -> tuple[LabelPurchase, Shipment]:
    """Returns a purchase and its shipment as they are now, both locked, the shipment first; or ``NotFound``."""
    shipment_id = session.exec(
        select(LabelPurchase.shipment_id).where(LabelPurchase.brand_id == brand_id, LabelPurchase.id == purchase_id)
    ).one_or_none()
    if shipment_id is None:
        raise NotFound("There is no such purchase of labels.")
    shipment = lock_shipment(session, brand_id, shipment_id)
    purchase = session.get(LabelPurchase, (brand_id, purchase_id), with_for_update=True, populate_existing=True)
    assert purchase is not None, "The purchase was there a moment ago and is never deleted."
    return purchase, shipment


def record_answer(
    session: Session,
    purchase: LabelPurchase,
    shipment: Shipment,
    account: CarrierAccount,
    answer: Purchase | CarrierError,
    *,
    was_in_doubt: bool,
    is_last_try: bool,
) -> Retry | None:
    """Records what the carrier said, and returns the retry to raise where nothing is settled yet.

    ``was_in_doubt``: an earlier call of this purchase may have reached the carrier, so an error of this one proves
    nothing. ``is_last_try``: the job is not run again, so what is still open goes to a person.
    """
    if isinstance(answer, Purchase) and answer.outcome is Outcome.BOUGHT:
        _record_pieces(session, purchase, shipment, account, answer)
        return None
    if isinstance(answer, Purchase) and answer.outcome is Outcome.REFUSED:
        reason = answer.reason or Reason("refused", "The carrier refused without saying why.")
        refuse(session, purchase, shipment, reason, actor_of(account))
        return None
    reason = _reason_of(answer)
    is_late = is_last_try or real_now() - purchase.asked_at >= UNRESOLVED_MAX
    if isinstance(answer, Purchase) or was_in_doubt:
        _mark_unknown(session, purchase, shipment, reason, actor_of(account))
        purchase.needs_person = is_late
        return None if is_late else _retry(answer, reason)
    # This very call changed nothing at the carrier, and no earlier one can have.
    purchase.in_doubt = False
    if answer.is_transient and not is_late:
        return _retry(answer, reason)
    refuse(session, purchase, shipment, reason, actor_of(account))
    return None


def _reason_of(answer: Purchase | CarrierError) -> Reason:
    if isinstance(answer, CarrierError):
        return Reason(answer.code, answer.message)
    return answer.reason or Reason("unknown", "The carrier's answer was lost.")


def _retry(answer: Purchase | CarrierError, reason: Reason) -> Retry:
    after_s = answer.retry_after_s if isinstance(answer, CarrierError) else None
    return Retry(f"{reason.code}: {reason.message}", after_s)


def _record_pieces(
    session: Session, purchase: LabelPurchase, shipment: Shipment, account: CarrierAccount, answer: Purchase
) -> None:
    """All pieces or none: of a half-bought purchase, what was bought is voided and the whole counts as refused."""
    labels = labels_of(session, purchase)
    pieces = {piece.reference: piece for piece in answer.pieces}
    purchase.carrier_shipment_id = answer.carrier_shipment_id
    for label in labels:
        piece = pieces.get(label.package_id.hex)
        if piece is not None and piece.outcome is Outcome.BOUGHT:
            _keep(label, piece)
    is_complete = all(label.state == LabelState.BOUGHT for label in labels)
    if is_complete and not is_held(session, shipment):
        _record_bought(session, purchase, shipment, account, answer, labels)
        return
    for label in labels:
        if label.state == LabelState.BOUGHT:
            move_label(label, LabelState.VOID_REQUESTED)
    # A hold that was placed while the carrier was being asked has won: nothing is labelled under a hold.
    held = Reason("shipment_held", "The shipment was put on hold while its labels were being bought.")
    refuse(session, purchase, shipment, held if is_complete else _why_not_all(answer), actor_of(account))
    enqueue_void(session, purchase)


def _keep(label: Label, piece: Piece) -> None:
    """Writes down a label that the carrier made, usable or not: what was paid for is never forgotten."""
    label.tracking_number = piece.tracking_number
    label.barcode = piece.barcode or piece.tracking_number
    if piece.label is not None:
        label.pdf, label.zpl = piece.label.pdf, piece.label.zpl
    move_label(label, LabelState.VOIDED if piece.voided else LabelState.BOUGHT)


def _why_not_all(answer: Purchase) -> Reason:
    for piece in answer.pieces:
        if piece.outcome is not Outcome.BOUGHT and piece.reason is not None:
            return piece.reason
    return answer.reason or Reason("incomplete", "The carrier did not make a label for every package.")


def _record_bought(
    session: Session,
    purchase: LabelPurchase,
    shipment: Shipment,
    account: CarrierAccount,
    answer: Purchase,
    labels: Sequence[Label],
) -> None:
    _resolve(purchase, PurchaseState.BOUGHT)
    purchase.master_tracking = shipment.master_tracking = answer.master_tracking
    number_of = {label.package_id: label.tracking_number for label in labels}
    for package in packages_of(session, shipment):
        package.tracking_number = number_of.get(package.id, package.tracking_number)
    if purchase.extends_id is not None:
        # A shipment of one piece gets its master number with the second.
        root = session.get_one(LabelPurchase, (purchase.brand_id, purchase.extends_id))
        root.master_tracking = answer.master_tracking
    move_to(session, shipment, ShipmentState.LABELLED)
    numbers = [label.tracking_number for label in labels]
    data = {
        "carrier": account.carrier,
        "service": shipment.service,
        "tracking_numbers": numbers,
        "master_tracking": answer.master_tracking,
    }
    record_for(session, shipment, EventKind.LABEL_BOUGHT, data, actor_of(account))
    # The carrier's first event may have been here before the label was. The room that reads them is above this one.
    known = [number for number in (answer.master_tracking, *numbers) if number]
    args = {"account_id": str(account.id), "numbers": known}
    enqueue(session, "delivery.rematch", args, brand_id=purchase.brand_id)
    if shipment.pending_changes:
        enqueue_resolve(session, shipment)


def refuse(session: Session, purchase: LabelPurchase, shipment: Shipment, reason: Reason, actor: str) -> None:
    """Ends a purchase without labels: the shipment is back on the bench and may be tried again with a new key."""
    _resolve(purchase, PurchaseState.REFUSED)
    purchase.reason_code, purchase.reason = reason.code[:80], reason.message[:_REASON_CHARACTERS]
    for label in labels_of(session, purchase):
        if label.state in (LabelState.CALLING, LabelState.UNKNOWN):
            move_label(label, LabelState.REFUSED)
            label.reason = purchase.reason
    move_to(session, shipment, ShipmentState.PACKED)
    data = {"reason_code": purchase.reason_code, "reason": purchase.reason}
    record_for(session, shipment, EventKind.LABEL_REFUSED, data, actor)
    if shipment.pending_changes:
        enqueue_resolve(session, shipment)


def enqueue_resolve(session: Session, shipment: Shipment) -> None:
    """Has the changes looked at that waited for the carrier's answer. The room that keeps them is above this one."""
    enqueue(session, "changes.resolve", {"shipment_id": str(shipment.id)}, brand_id=shipment.brand_id)


def _mark_unknown(session: Session, purchase: LabelPurchase, shipment: Shipment, reason: Reason, actor: str) -> None:
    """Says once that the answer was lost; the shipment stays LABELLING, and nothing is bought under another key."""
    purchase.reason_code, purchase.reason = reason.code[:80], reason.message[:_REASON_CHARACTERS]
    if purchase.state == PurchaseState.UNKNOWN:
        return
    move_purchase(purchase, PurchaseState.UNKNOWN)
    for label in labels_of(session, purchase):
        move_label(label, LabelState.UNKNOWN)
    record_for(session, shipment, EventKind.LABEL_UNKNOWN, {"reason_code": purchase.reason_code}, actor)


def _resolve(purchase: LabelPurchase, state: PurchaseState) -> None:
    move_purchase(purchase, state)
    purchase.in_doubt = purchase.needs_person = False
    purchase.reason_code = purchase.reason = None
    purchase.resolved_at = real_now()


def enqueue_void(session: Session, purchase: LabelPurchase) -> None:
    """Has the carrier asked to void the purchase's labels that wait for it."""
    enqueue(
        session,
        "dispatch.void_labels",
        {"purchase_id": str(purchase.id)},
        brand_id=purchase.brand_id,
        dedupe_key=str(purchase.id),
    )


def flag_unresolved(session: Session) -> int:
    """Makes purchases that are open for 14 minutes of real time a person's task, whatever became of their job.

    Likewise questions of which it is not known whether they reached the carrier.

    Returns how many were flagged. Set-wise, for the sweeper, in the warehouse's scope.
    """
    return sum(
        len(
            session.execute(
                text(
                    f"UPDATE {table} SET needs_person = true WHERE state IN ('calling', 'unknown')"
                    " AND NOT needs_person AND asked_at <= :before RETURNING 1"
                ),
                {"before": real_now() - UNRESOLVED_MAX},
            ).all()
        )
        for table in ("label_purchase", "amendment")
    )


def needing_person(session: Session, warehouse_id: UUID, limit: int = 100) -> Sequence[LabelPurchase]:
    """Returns the desk's list, the longest waiting first: unknown purchases, and voids that the carrier refused."""
    return session.exec(
        select(LabelPurchase)
        .join(CarrierAccount, col(CarrierAccount.id) == LabelPurchase.account_id)
        .where(CarrierAccount.warehouse_id == warehouse_id, col(LabelPurchase.needs_person))
        .order_by(col(LabelPurchase.asked_at))
        .limit(limit)
    ).all()


def ask_again(session: Session, purchase: LabelPurchase) -> None:
    """A person has the carrier asked again: an open purchase with its own key, or the voids that it still waits for.

    The task stays on the desk's list until there is an answer.
    """
    purchase, _ = lock_purchase(session, purchase.brand_id, purchase.id)
    if purchase.state in UNRESOLVED:
        enqueue_purchase(session, purchase)
    else:
        enqueue_void(session, purchase)


def declare_refused(session: Session, purchase: LabelPurchase, actor: str, reason: str) -> None:
    """A person who asked the carrier says that there are no labels: the packer may try again with a new key.

    Raises :class:`LabelStateConflict` for another purchase than an unknown one, and while the carrier is being asked.
    """
    purchase, shipment = lock_purchase(session, purchase.brand_id, purchase.id)
    if purchase.state != PurchaseState.UNKNOWN:
        raise LabelStateConflict(f"This purchase is {purchase.state}; only an unknown one can be declared refused.")
    # Under the lock: a call that begins later finds the purchase refused. One that is on its way may yet buy.
    if is_running(session, "dispatch.buy_labels", {"purchase_id": str(purchase.id)}):
        raise LabelStateConflict("The carrier is being asked in this moment. Wait for its answer.")
    refuse(session, purchase, shipment, Reason("declared_refused", reason), actor)


def accept_cost(session: Session, purchase: LabelPurchase) -> None:
    """A person takes note that the carrier does not void a label, so that it will be paid for."""
    purchase, _ = lock_purchase(session, purchase.brand_id, purchase.id)
    if purchase.state in UNRESOLVED:
        raise LabelStateConflict("This purchase is still open; it cannot be put to the costs.")
    purchase.needs_person = False
