# SPDX-License-Identifier: Apache-2.0
"""What no machine can settle: purchases of labels in doubt, voids that the carrier refused, jobs that gave up."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from wms.brands.models import Brand, Staff
from wms.dispatch import service as dispatch
from wms.dispatch.models import CarrierAccount, Label, LabelPurchase, LabelState, PurchaseState
from wms.dispatch.requests import labels_of
from wms.dispatch.states import UNRESOLVED
from wms.floor.actions import Outcome, actor, once
from wms.orders.models import Order
from wms.platform.errors import Conflict, Invalid, NotFound
from wms.platform.jobs import revive
from wms.shipments.models import Shipment
from wms.shipments.service import member_orders


@dataclass(frozen=True)
class Task:
    """A purchase of labels as the person who settles it sees it."""

    purchase: LabelPurchase
    shipment: Shipment
    brand: Brand
    orders: Sequence[Order]
    account: CarrierAccount
    labels: Sequence[Label]

    @property
    def is_settled(self) -> bool:
        return not self.purchase.needs_person

    @property
    def is_in_doubt(self) -> bool:
        """Whether labels may exist that nobody knows of; else the carrier refused to void some that do."""
        return self.purchase.state in UNRESOLVED

    @property
    def may_be_declared_refused(self) -> bool:
        return self.purchase.state is PurchaseState.UNKNOWN

    @property
    def not_voided(self) -> list[str]:
        """The tracking numbers that the carrier still has in its books."""
        waiting = [label for label in self.labels if label.state is LabelState.VOID_REQUESTED]
        return [label.tracking_number for label in waiting if label.tracking_number]


def find_purchase(session: Session, staff: Staff, brand_id: UUID, purchase_id: UUID) -> LabelPurchase:
    """Returns a purchase for a shipment of the person's building; raises :class:`NotFound`."""
    purchase = session.get(LabelPurchase, (brand_id, purchase_id))
    shipment = session.get(Shipment, (brand_id, purchase.shipment_id)) if purchase else None
    if purchase is None or shipment is None or shipment.warehouse_id != staff.warehouse_id:
        raise NotFound("There is no such task in this building.")
    return purchase


def task_of(session: Session, purchase: LabelPurchase) -> Task:
    """Returns the task as it stands now."""
    shipment = session.get_one(Shipment, (purchase.brand_id, purchase.shipment_id))
    return Task(
        purchase=purchase,
        shipment=shipment,
        brand=session.get_one(Brand, purchase.brand_id),
        orders=member_orders(session, shipment),
        account=dispatch.get_account(session, purchase.account_id),
        labels=labels_of(session, purchase),
    )


def ask_again(session: Session, action_id: UUID, purchase: LabelPurchase, staff: Staff) -> Outcome:
    """Has the carrier asked again; the task stays until there is an answer."""

    def work() -> Outcome:
        dispatch.ask_again(session, purchase)
        return Outcome("The carrier is being asked again. Its answer is shown here.")

    return once(session, action_id, staff, "ask_again", work)


def declare_refused(session: Session, action_id: UUID, purchase: LabelPurchase, reason: str, staff: Staff) -> Outcome:
    """Ends a purchase in doubt without labels, because the carrier says that it made none."""

    def work() -> Outcome:
        dispatch.declare_refused(session, purchase, actor(staff), _said(reason))
        return Outcome("Noted: there are no labels. The bench can ask for new ones.", {"reason": reason})

    return once(session, action_id, staff, "declare_refused", work)


def accept_cost(session: Session, action_id: UUID, purchase: LabelPurchase, reason: str, staff: Staff) -> Outcome:
    """Takes note that labels which the carrier does not void will be paid for."""

    def work() -> Outcome:
        why = _said(reason)
        dispatch.accept_cost(session, purchase)
        return Outcome("Noted: these labels will be paid for.", {"purchase": str(purchase.id), "reason": why})

    return once(session, action_id, staff, "accept_cost", work)


def _said(reason: str) -> str:
    if not reason.strip():
        raise Invalid("Say why: whom you asked, and what they said.")
    return reason.strip()


def run_again(session: Session, action_id: UUID, job_id: UUID, staff: Staff) -> Outcome:
    """Makes a job due again that was given up."""

    def work() -> Outcome:
        if not revive(session, job_id):
            raise Conflict("This job is being worked on already.")
        return Outcome("The job runs again.")

    return once(session, action_id, staff, "run_again", work)
