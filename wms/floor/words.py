# SPDX-License-Identifier: Apache-2.0
"""The order's story in words for the people of the building."""

from typing import Any

from wms.orders.models import EventKind, OrderEvent

_PLAIN = {
    EventKind.ACCEPTED: "Order accepted",
    EventKind.RELEASED: "Released to the floor",
    EventKind.PICKING_STARTED: "Picking started",
    EventKind.PICKED: "Everything is picked",
    EventKind.PACKED: "Packed",
    EventKind.LABEL_BOUGHT: "Label bought",
    EventKind.LABEL_REFUSED: "The carrier refused the label",
    EventKind.LABEL_UNKNOWN: "The carrier has not answered about the label",
    EventKind.LABEL_VOIDED: "Label voided",
    EventKind.HANDED_OVER: "Handed over to the carrier",
    EventKind.IN_TRANSIT: "In transit",
    EventKind.OUT_FOR_DELIVERY: "Out for delivery",
    EventKind.DELIVERY_EXCEPTION: "Trouble with the delivery",
    EventKind.DELIVERED: "Delivered",
    EventKind.CANCELLED: "Cancelled",
    EventKind.LATE: "Too late for its promise",
}


def sentence_of(event: OrderEvent) -> str:
    """Returns one event as a sentence, with the detail that a caller asks about."""
    data: dict[str, Any] = event.data
    kind = event.kind
    if kind is EventKind.HELD:
        return f"Put on hold: {_spoken(data.get('kind'))}"
    if kind is EventKind.HOLD_LIFTED:
        return f"Hold lifted: {_spoken(data.get('kind'))}"
    if kind is EventKind.LINE_CANCELLED:
        return f"{data.get('quantity', '')} × line {data.get('line', '')} cancelled: {_spoken(data.get('reason'))}"
    if kind is EventKind.LINE_BACKORDERED:
        return f"{data.get('quantity', '')} × line {data.get('line', '')} will be sent later"
    sentence = _PLAIN.get(kind, _spoken(kind).capitalize())
    if kind is EventKind.LABEL_REFUSED and data.get("reason"):
        return f"{sentence}: {data['reason']}"
    numbers = data.get("tracking_numbers")
    if kind in (EventKind.LABEL_BOUGHT, EventKind.HANDED_OVER) and numbers:
        return f"{sentence}: {', '.join(str(number) for number in numbers)}"
    return sentence


def _spoken(word: object) -> str:
    return str(word or "").replace("_", " ")
