# SPDX-License-Identifier: Apache-2.0
"""The order's story as a shopper wants to hear it: what it means for them, and nothing of how the building works."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wms.orders.models import EventKind, OrderEvent

WORDS: Final = {
    EventKind.ACCEPTED: "We have your order",
    EventKind.RELEASED: "We are preparing it",
    EventKind.PACKED: "It is packed",
    EventKind.HANDED_OVER: "The carrier has it",
    EventKind.IN_TRANSIT: "It is on its way",
    EventKind.OUT_FOR_DELIVERY: "It is out for delivery",
    EventKind.DELIVERY_EXCEPTION: "The carrier could not deliver it yet",
    EventKind.RETURNING: "The carrier is bringing it back to us",
    EventKind.RETURNED: "It has come back to us",
    EventKind.PARTLY_DELIVERED: "A part of it is delivered",
    EventKind.DELIVERED: "Delivered",
    EventKind.LINE_CANCELLED: "An item could not be found and was taken off the order",
    EventKind.LINE_BACKORDERED: "An item will follow later",
    EventKind.CANCELLED: "The order is cancelled",
}


@dataclass(frozen=True)
class Moment:
    words: str
    at: datetime


def story(events: Iterable[OrderEvent]) -> list[Moment]:
    """Returns what is worth telling, the newest first.

    The boxes of one order travel alike, so a sentence is told once; after a failed attempt the journey is told anew.
    """
    told: list[Moment] = []
    known: set[str] = set()
    for event in events:
        words = WORDS.get(event.kind)
        if event.kind is EventKind.DELIVERY_EXCEPTION:
            known.clear()
        if words is not None and words not in known:
            known.add(words)
            told.append(Moment(words, event.at))
    return told[::-1]


def time_left(seconds: int) -> str:
    """Returns a span as people say it, rounded down: nobody is promised a minute that is not there."""
    minutes = seconds // 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} hour{'s' if hours > 1 else ''}" + (f" {minutes} min" if minutes else "")
    return f"{hours // 24} days"
