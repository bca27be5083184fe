# SPDX-License-Identifier: Apache-2.0
"""Voiding labels. A label is out of use the moment we say so; the carrier's answer only decides who pays for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel import Session

from carriers.errors import CarrierError
from carriers.port import Capability, VoidOutcome, VoidResult
from wms.dispatch.accounts import connect, get_account
from wms.dispatch.models import CarrierAccount, Label, LabelState
from wms.dispatch.purchases import lock_purchase, take_out_of_use
from wms.dispatch.requests import labels_of
from wms.dispatch.states import LabelStateConflict, move_label
from wms.platform.jobs import Lease, Retry
from wms.shipments.models import PackageState, Shipment, ShipmentState
from wms.shipments.packages import packages_of
from wms.shipments.service import lock_shipment, move_to

_REASON_CHARACTERS: Final = 300
Answers = Mapping[UUID, VoidResult | CarrierError]


def void_labels(session: Session, shipment: Shipment, actor: str, reason: str) -> Sequence[Label]:
    """Takes every label of a labelled shipment out of use: LABELLED becomes PACKED, and it can be labelled anew.

    Returns the labels. Raises ``StateConflict``, or :class:`LabelStateConflict` once a package has left the
    house; then nothing is written.
    """
    shipment = lock_shipment(session, shipment.brand_id, shipment.id)
    packages = packages_of(session, shipment)
    if any(package.state != PackageState.PACKED for package in packages):
        raise LabelStateConflict("A package of this shipment is with the carrier already.")
    move_to(session, shipment, ShipmentState.PACKED)
    return take_out_of_use(session, shipment, actor, reason)


@dataclass(frozen=True)
class VoidOrder:
    """What the carrier is asked to void: its shipment, and a tracking number per label."""

    account: CarrierAccount
    carrier_shipment_id: str
    numbers: Mapping[UUID, str]


def begin(session: Session, lease: Lease, brand_id: UUID, purchase_id: UUID) -> VoidOrder | None:
    """Returns what there is to void, or finishes the job where nothing is."""
    purchase, _ = lock_purchase(session, brand_id, purchase_id)
    numbers = {
        label.id: label.tracking_number
        for label in labels_of(session, purchase)
        if label.state == LabelState.VOID_REQUESTED and label.tracking_number
    }
    if not numbers or purchase.carrier_shipment_id is None:
        lease.finish(session)
        return None
    return VoidOrder(get_account(session, purchase.account_id), purchase.carrier_shipment_id, numbers)


def ask(order: VoidOrder) -> Answers:
    """Asks for one label after the other; no answer stops the next."""
    answers: dict[UUID, VoidResult | CarrierError] = {}
    for label_id, number in order.numbers.items():
        try:
            carrier = connect(order.account)
            if Capability.VOID not in carrier.capabilities:
                raise CarrierError("cannot_void", "This carrier voids nothing by itself.", is_transient=False)
            answers[label_id] = carrier.void(order.carrier_shipment_id, number)
        except CarrierError as error:
            answers[label_id] = error
    return answers


def record(
    session: Session, lease: Lease, brand_id: UUID, purchase_id: UUID, answers: Answers, *, is_last_try: bool
) -> Retry | None:
    """Records the answers. What the carrier refuses, or never answers, becomes a task for a person."""
    purchase, _ = lock_purchase(session, brand_id, purchase_id)
    lease.hold(session)
    open_reasons = []
    purchase.needs_person = False
    for label in labels_of(session, purchase):
        answer = answers.get(label.id)
        if answer is None or label.state != LabelState.VOID_REQUESTED:
            continue
        if isinstance(answer, VoidResult) and answer.outcome is VoidOutcome.VOIDED:
            move_label(label, LabelState.VOIDED)
        elif _may_still_succeed(answer) and not is_last_try:
            open_reasons.append(_reason(answer))
        elif not (isinstance(answer, VoidResult) and answer.outcome is VoidOutcome.REQUESTED):
            purchase.needs_person = True
            purchase.reason_code, purchase.reason = "void_refused", _reason(answer)[:_REASON_CHARACTERS]
    if open_reasons:
        return Retry(open_reasons[0])
    lease.finish(session)
    return None


def _may_still_succeed(answer: VoidResult | CarrierError) -> bool:
    if isinstance(answer, CarrierError):
        return answer.is_transient
    return answer.outcome is VoidOutcome.UNKNOWN


def _reason(answer: VoidResult | CarrierError) -> str:
    if isinstance(answer, CarrierError):
        return answer.message
    return answer.reason.message if answer.reason else f"The carrier answered '{answer.outcome}'."
