# SPDX-License-Identifier: Apache-2.0
"""Changes of what the carrier has: only the carrier can say yes, so they are requested and answered later."""

from typing import Final
from uuid import UUID

from wms.changes.case import Case
from wms.changes.matrix import Cell, Rule
from wms.changes.models import ChangeAnswer, ChangeKind
from wms.changes.stages import Stage
from wms.changes.travel import is_shared
from wms.dispatch.amendments import AlreadyAsked, CarrierCannot, NotWithCarrier, ask_return, edit_contact, redirect
from wms.dispatch.models import Amendment, AmendmentState
from wms.orders.models import Recipient
from wms.shipments.models import Shipment

# A question that the carrier has not answered; a person settles those that it never does.
_OPEN: Final = frozenset({AmendmentState.CALLING, AmendmentState.REQUESTED, AmendmentState.UNKNOWN})


def ask_carrier(case: Case, shipment: Shipment, stage: Stage, found: Cell) -> None:
    """Asks the carrier what the change wants of a shipment that it has.

    Noted as refused where the carrier takes no such question, is asking itself already, or the shipment carries
    another shopper's order too, whom a redirect or a return would take along. What else the order has is not kept.
    """
    refusal, detail = "", ""
    if case.change.kind is not ChangeKind.CONTACT and is_shared(case.session, shipment):
        refusal = "combined"
    else:
        try:
            amendment = _ask(case, shipment)
        except CarrierCannot as error:
            refusal, detail = "carrier_cannot", error.detail
        except AlreadyAsked as error:
            refusal, detail = "carrier_was_asked", error.detail
        except NotWithCarrier as error:
            refusal, detail = "with_carrier", error.detail
    if refusal:
        refused = Cell(Rule.REFUSE, refusal, found.alternatives)
        case.note(shipment, stage, refused, answer=ChangeAnswer.REFUSED, detail=detail)
        return
    case.note(shipment, stage, found, amendment_id=amendment.id)


def _ask(case: Case, shipment: Shipment) -> Amendment:
    session, change = case.session, case.change
    if change.kind is ChangeKind.CANCEL:
        return ask_return(session, shipment, case.actor)
    assert change.recipient_id is not None, "The recipient was written down when the change was asked."
    recipient = session.get_one(Recipient, (change.brand_id, change.recipient_id))
    if change.kind is ChangeKind.CONTACT:
        return edit_contact(session, shipment, recipient, case.actor)
    return redirect(session, shipment, recipient, case.actor)


def answered(case: Case, shipment: Shipment, stage: Stage, found: Cell, amendment_id: UUID) -> bool:
    """Notes what the carrier answered about a shipment; ``False`` where it has not. What it agreed to holds."""
    amendment = case.session.get_one(Amendment, (case.order.brand_id, amendment_id))
    if amendment.state in _OPEN:
        return False
    if amendment.state == AmendmentState.REFUSED:
        refusal = Cell(found.rule, "carrier_refused", found.alternatives)
        case.note(shipment, stage, refusal, answer=ChangeAnswer.REFUSED, detail=amendment.reason or "")
        return True
    if case.change.recipient_id is not None:
        case.order.recipient_id = case.change.recipient_id
        case.session.add(case.order)
    case.note(shipment, stage, Cell(found.rule), answer=ChangeAnswer.APPLIED)
    return True
