# SPDX-License-Identifier: Apache-2.0
"""With whom an order travels: a change that concerns one member alone takes it out of the group first."""

from sqlmodel import Session

from wms.changes.case import Case, Refused
from wms.shipments.models import Shipment
from wms.shipments.service import member_orders


def is_shared(session: Session, shipment: Shipment) -> bool:
    """Says whether more than one order leaves with the shipment."""
    return len(member_orders(session, shipment)) > 1


def alone(case: Case, shipment: Shipment) -> Shipment:
    """Returns a shipment that carries nothing but the order of the case; raises :class:`Refused` where it is shared."""
    if is_shared(case.session, shipment):
        raise Refused("combined")
    return shipment
