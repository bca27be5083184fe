# SPDX-License-Identifier: Apache-2.0
"""From everything a carrier said about a parcel to the parcel's state, and to its orders' stories."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlmodel import Session, col, select

from carriers.port import TrackingEvent as CarrierEvent
from carriers.port import TrackingStatus
from carriers.tracking import TrackingState
from carriers.tracking import fold as fold_events
from wms.delivery.models import TrackingEvent
from wms.dispatch.models import CarrierAccount, Label
from wms.dispatch.service import live_label
from wms.orders.models import EventKind
from wms.shipments import packages
from wms.shipments.models import Package, PackageState, Shipment, ShipmentState
from wms.shipments.service import is_held, lock_shipment, record_for

T = TrackingStatus

# What each status is called in the story; a delivery is told by the room that closes the shipment.
_TOLD_AS: Final[Mapping[TrackingStatus, EventKind]] = {
    T.COLLECTED: EventKind.IN_TRANSIT,
    T.IN_TRANSIT: EventKind.IN_TRANSIT,
    T.OUT_FOR_DELIVERY: EventKind.OUT_FOR_DELIVERY,
    T.ATTEMPT_FAILED: EventKind.DELIVERY_EXCEPTION,
    T.RETURNING: EventKind.RETURNING,
    T.RETURNED: EventKind.RETURNED,
    T.LOST: EventKind.DELIVERY_EXCEPTION,
    T.EXCEPTION: EventKind.DELIVERY_EXCEPTION,
}


def fold_package(session: Session, account: CarrierAccount, brand_id: UUID, package_id: UUID) -> None:
    """Sets a package's state to the fold of all events of its live label, and tells what has really changed."""
    package = session.get(Package, (brand_id, package_id))
    assert package is not None, "A foreign key keeps every label's package."
    shipment = lock_shipment(session, brand_id, package.shipment_id)
    # Read under the lock: two callbacks of one parcel are folded one after the other.
    session.refresh(package)
    label = live_label(session, brand_id, package_id)
    if label is None:
        return
    state = fold_events(_events_of(session, label))
    actor = f"carrier:{account.code}"
    _hand_over_if_gone(session, shipment, package, state, actor)
    if package.state not in (PackageState.HANDED_OVER, PackageState.DELIVERED):
        return
    before = package.tracking_status
    package.tracking_status, package.tracking_at = state.status, state.since
    if state.status is None or state.status == before:
        return
    # After a delivery only a return is news.
    if package.state == PackageState.DELIVERED and state.return_started_at is None:
        return
    if state.status is T.DELIVERED and package.state == PackageState.HANDED_OVER:
        assert state.delivered_at is not None, "The fold that says delivered says when."
        packages.deliver(session, package, state.delivered_at, actor)
        return
    # While its other boxes are still here, the orders have not left, and their story cannot say so.
    if shipment.state in (ShipmentState.HANDED_OVER, ShipmentState.DELIVERED):
        _tell(session, shipment, package, TrackingStatus(before) if before else None, state, actor)


def _events_of(session: Session, label: Label) -> list[CarrierEvent]:
    rows = session.exec(
        select(TrackingEvent).where(TrackingEvent.brand_id == label.brand_id, col(TrackingEvent.label_id) == label.id)
    ).all()
    # An event under the master number counts for each piece, so all carry the piece's own number here.
    number = label.tracking_number or ""
    return [
        CarrierEvent(
            event_id=row.event_id,
            tracking_number=number,
            status=TrackingStatus(row.status),
            raw_code=row.raw_code,
            raw_text=row.raw_text,
            occurred_at=row.occurred_at,
            location=row.location,
        )
        for row in rows
    ]


def _hand_over_if_gone(
    session: Session, shipment: Shipment, package: Package, state: TrackingState, actor: str
) -> None:
    """A parcel that the carrier has moved has left the house, whether or not the dock scanned it.

    A parcel on hold is left as it is: that the carrier has it all the same is for a person to see.
    """
    is_here = package.state == PackageState.PACKED and shipment.state == ShipmentState.LABELLED
    if is_here and state.first_moved_at is not None and not is_held(session, shipment):
        packages.hand_over(session, package, actor)


def _tell(
    session: Session,
    shipment: Shipment,
    package: Package,
    before: TrackingStatus | None,
    state: TrackingState,
    actor: str,
) -> None:
    """Adds to the story what a reader would call news: collected and in transit are the same to them."""
    assert state.status is not None
    kind = _TOLD_AS.get(state.status)
    if kind is None or (kind == EventKind.IN_TRANSIT and before and _TOLD_AS.get(before) == kind):
        return
    data = {
        "package": package.number,
        "tracking_number": package.tracking_number,
        "status": state.status.value,
        "occurred_at": state.since.isoformat() if state.since else None,
    }
    record_for(session, shipment, kind, data, actor)
