# SPDX-License-Identifier: Apache-2.0
"""The sandbox carrier's own words for a parcel's life, and what may be pushed next on its page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Status:
    """A word of the carrier: its code and text on the wire, and the usual next words."""

    code: str
    text: str
    following: tuple[str, ...]


_MOVING: Final = ("in_transit", "out_for_delivery", "exception", "lost")

STATUSES: Final[Mapping[str, Status]] = {
    "label_created": Status("LBL", "Shipment data received", ("collected",)),
    "collected": Status("COL", "Collected from the sender", _MOVING),
    "in_transit": Status("TRN", "On its way", _MOVING),
    "out_for_delivery": Status("OFD", "Out for delivery", ("delivered", "delivery_failed", "exception")),
    "delivery_failed": Status("ATT", "Delivery was not possible", ("out_for_delivery", "return_started")),
    "delivered": Status("DLV", "Delivered", ("return_started",)),
    "return_started": Status("RTS", "On its way back to the sender", ("returned", "lost")),
    "returned": Status("RTD", "Returned to the sender", ()),
    "lost": Status("LST", "Declared lost", ("in_transit",)),
    "exception": Status("EXC", "Held up", (*_MOVING, "return_started")),
}

# A parcel can be voided only while nobody has carried it.
VOIDABLE: Final = "label_created"

# What the autopilot does to a parcel after its manifest.
AUTOPILOT: Final[Mapping[str, str]] = {
    "label_created": "collected",
    "collected": "in_transit",
    "in_transit": "out_for_delivery",
    "out_for_delivery": "delivered",
    # What was called back arrives at the sender's as well.
    "return_started": "returned",
}
