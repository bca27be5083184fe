# SPDX-License-Identifier: Apache-2.0
"""How far a shipment is, in the words of the change matrix: a shipment is as far as its furthest package."""

from enum import StrEnum
from typing import Final

from sqlmodel import Session

from wms.shipments.models import PackageState, Shipment, ShipmentState
from wms.shipments.packages import packages_of


class Stage(StrEnum):
    HELD = "held"
    RELEASED = "released"
    PICKING = "picking"
    PICKED = "picked"
    PACKED = "packed"
    LABELLING = "labelling"  # A label is being bought: only its outcome says what is possible.
    LABELLED = "labelled"
    WITH_CARRIER = "with_carrier"
    FAILED_ATTEMPT = "failed_attempt"
    RETURNING = "returning"  # On its way back, back, or lost.
    DELIVERED = "delivered"


_BEFORE_HANDOVER: Final = {
    ShipmentState.HELD: Stage.HELD,
    ShipmentState.RELEASED: Stage.RELEASED,
    ShipmentState.PICKING: Stage.PICKING,
    ShipmentState.PICKED: Stage.PICKED,
    ShipmentState.PACKED: Stage.PACKED,
    ShipmentState.LABELLING: Stage.LABELLING,
    ShipmentState.LABELLED: Stage.LABELLED,
}
# The carrier's last word about a parcel (`carriers.port.TrackingStatus`), the furthest first.
_TOLD: Final = (
    ({"returning", "returned", "lost"}, Stage.RETURNING),
    ({"attempt_failed"}, Stage.FAILED_ATTEMPT),
)


def stage_of(session: Session, shipment: Shipment) -> Stage:
    """Returns the stage of a shipment that is not cancelled.

    Once one of its boxes has left, the shipment is with the carrier, whatever the others still wait for.
    """
    assert shipment.state is not ShipmentState.CANCELLED, "What was cancelled has no stage any more."
    if shipment.state is ShipmentState.DELIVERED:
        return Stage.DELIVERED
    packages = packages_of(session, shipment)
    told = {package.tracking_status for package in packages if package.state is PackageState.HANDED_OVER}
    if not told and shipment.state is not ShipmentState.HANDED_OVER:
        return _BEFORE_HANDOVER[shipment.state]
    return next((stage for words, stage in _TOLD if words & told), Stage.WITH_CARRIER)
