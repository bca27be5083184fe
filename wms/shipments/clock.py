# SPDX-License-Identifier: Apache-2.0
"""The one clock. The release loop, the brand's API, the shopper's countdown and the floor's board show this figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from wms.brands.models import Brand, Policy
from wms.orders.models import OrderState
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.service import lines_of, member_orders


@dataclass(frozen=True)
class Member:
    """What one order brings to the clock of its shipment.

    ``latest_release``: until when it must be on the floor (:func:`~wms.shipments.cutoffs.latest_release`), where
    anything is promised. ``addon_asked_at``: when an add-on that waits to be paid was asked for.
    """

    accepted_at: datetime
    latest_release: datetime | None = None
    addon_asked_at: datetime | None = None


def release_at(policy: Policy, members: Sequence[Member]) -> datetime:
    """Returns the instant at which the shipment of these orders is released to the floor.

    The last of its members' edit and payment windows, bounded by the brand's longest hold counted from the oldest
    member, and by the earliest promise. A promise that is already too near releases at once, and never before the
    newest member was accepted.
    """
    edit, payment = timedelta(seconds=policy.edit_window_seconds), timedelta(seconds=policy.payment_window_seconds)
    newest = max(member.accepted_at for member in members)
    asked = [member.addon_asked_at for member in members if member.addon_asked_at is not None]
    bounds = [max([newest + edit, *(at + payment for at in asked)])]
    if policy.max_hold_seconds is not None:
        oldest = min(member.accepted_at for member in members)
        bounds.append(oldest + timedelta(seconds=policy.max_hold_seconds))
    bounds.extend(member.latest_release for member in members if member.latest_release is not None)
    return max(min(bounds), newest)


def reschedule(session: Session, shipment: Shipment) -> datetime:
    """Sets the clock of a held shipment, which is locked, anew from the orders that it carries now; returns it.

    One that was released keeps the clock that it had.
    """
    session.flush()  # Orders and lines that joined or left a moment ago count.
    present = {line.order_id for line in lines_of(session, shipment) if line.quantity}
    members = [
        Member(order.accepted_at, order.latest_release, order.addon_asked_at)
        for order in member_orders(session, shipment)
        if order.id in present and order.state is not OrderState.CANCELLED
    ]
    if shipment.state is ShipmentState.HELD and members:
        brand = session.get_one(Brand, shipment.brand_id)
        shipment.release_at = release_at(brand.policy, members)
        session.add(shipment)
        session.flush()  # The release loop's statements read the table.
    return shipment.release_at
