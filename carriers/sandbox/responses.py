# SPDX-License-Identifier: Apache-2.0
"""The sandbox carrier's bytes to our dataclasses. Pure, but for the clock in ``verify_webhook``."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from carriers.errors import unreadable
from carriers.port import (
    AmendmentAnswer,
    AmendmentOutcome,
    AmendmentResult,
    LabelDocument,
    LedgerEntry,
    ManifestOutcome,
    ManifestResult,
    Outcome,
    Piece,
    Purchase,
    Pushed,
    Reason,
    TrackingEvent,
    TrackingStatus,
    VoidOutcome,
    VoidResult,
)

T = TypeVar("T")

# A captured push may be replayed for this long; after that only its event id would protect us.
SIGNATURE_AGE_MAX_S: Final = 300

_STATUS: Final[Mapping[str, TrackingStatus]] = {
    "label_created": TrackingStatus.PRE_TRANSIT,
    "collected": TrackingStatus.COLLECTED,
    "in_transit": TrackingStatus.IN_TRANSIT,
    "out_for_delivery": TrackingStatus.OUT_FOR_DELIVERY,
    "delivery_failed": TrackingStatus.ATTEMPT_FAILED,
    "delivered": TrackingStatus.DELIVERED,
    "return_started": TrackingStatus.RETURNING,
    "returned": TrackingStatus.RETURNED,
    "lost": TrackingStatus.LOST,
    "exception": TrackingStatus.EXCEPTION,
}


def parse_shipment(raw: bytes) -> Purchase:
    """One shipment, whether bought, partly bought or refused."""
    return _read(raw, lambda body: _purchase(body, raw))


def parse_found(raw: bytes) -> Purchase | None:
    """The shipment under a key, or None when there is none."""

    def build(body: Any) -> Purchase | None:
        found = body["shipments"]
        return _purchase(found[0], json.dumps(found[0]).encode()) if found else None

    return _read(raw, build)


def parse_void(raw: bytes) -> VoidResult:
    """A void that was carried out."""
    return _read(raw, lambda body: VoidResult(VoidOutcome.VOIDED, tuple(body["voided"]), raw))


def parse_manifest(raw: bytes) -> ManifestResult:
    """A manifest that was accepted."""

    def build(body: Any) -> ManifestResult:
        numbers = tuple(body["tracking_numbers"])
        return ManifestResult(ManifestOutcome.ACCEPTED, _text(body["id"]), numbers, raw)

    return _read(raw, build)


def parse_tracking(raw: bytes) -> tuple[TrackingEvent, ...]:
    """Every event of the parcels in the answer, oldest first."""

    def build(body: Any) -> tuple[TrackingEvent, ...]:
        events = [_event(event) for parcel in body["parcels"] for event in parcel["events"]]
        return tuple(sorted(events, key=lambda event: event.occurred_at))

    return _read(raw, build)


def parse_amendment(raw: bytes) -> AmendmentResult:
    """One amendment, however it stands."""
    return _read(raw, lambda body: _amendment(body, raw))


def parse_found_amendment(raw: bytes) -> AmendmentResult | None:
    """The amendment under a key, or None when there is none."""

    def build(body: Any) -> AmendmentResult | None:
        found = body["amendments"]
        return _amendment(found[0], raw) if found else None

    return _read(raw, build)


def parse_webhook(headers: Mapping[str, str], raw: bytes) -> tuple[Pushed, ...]:
    """What was pushed. Raises CarrierError when the header and the body name different events."""

    def build(body: Any) -> tuple[Pushed, ...]:
        pushed = _PUSHED[body["type"]](body["event"])
        if _header(headers, "x-sandbox-event") != pushed.event_id:
            raise ValueError("the header names another event")
        return (pushed,)

    return _read(raw, build)


def parse_ledger(raw: bytes) -> tuple[tuple[LedgerEntry, ...], str | None]:
    """One page of the carrier's books, and the cursor of the next page."""

    def build(body: Any) -> tuple[tuple[LedgerEntry, ...], str | None]:
        return tuple(_entry(row) for row in body["labels"]), body["next"]

    return _read(raw, build)


def parse_refusal(raw: bytes) -> Reason:
    """Why the carrier said no, from any answer that carries an ``error``."""
    return _read(raw, lambda body: _reason(body["error"]))


def verify_webhook(secret: str, headers: Mapping[str, str], raw: bytes) -> bool:
    """Whether ``raw`` was signed with ``secret`` in the last minutes.

    The signature is the hex HMAC-SHA256 of ``timestamp.body``; it is compared in constant time.
    """
    stamp = _header(headers, "x-sandbox-timestamp")
    signature = _header(headers, "x-sandbox-signature")
    if not secret or not (stamp.isascii() and stamp.isdigit()) or not signature.isascii():
        return False
    if abs(time.time() - int(stamp)) > SIGNATURE_AGE_MAX_S:
        return False
    expected = hmac.new(secret.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)


def _read(raw: bytes, build: Callable[[Any], T]) -> T:
    try:
        return build(json.loads(raw))
    except (ValueError, KeyError, TypeError, LookupError) as error:
        detail = f"The sandbox carrier's answer could not be read: {type(error).__name__} {error}."
        raise unreadable(detail, raw) from error


def _purchase(body: Any, raw: bytes) -> Purchase:
    pieces = tuple(_piece(piece) for piece in body["pieces"])
    if not pieces:
        raise ValueError("a shipment without pieces")
    is_bought = any(piece.outcome is Outcome.BOUGHT for piece in pieces)
    return Purchase(
        outcome=Outcome.BOUGHT if is_bought else Outcome.REFUSED,
        carrier_shipment_id=_text(body["id"]),
        master_tracking=None if body["master_number"] is None else _text(body["master_number"]),
        pieces=pieces,
        raw=raw,
        reason=None if body["error"] is None else _reason(body["error"]),
    )


def _piece(body: Any) -> Piece:
    if body["state"] == "refused":
        return Piece(_text(body["reference"]), Outcome.REFUSED, reason=_reason(body["error"]))
    if body["state"] not in ("live", "voided"):
        raise ValueError(f"the piece state {body['state']!r}")
    label = body["label"]
    return Piece(
        reference=_text(body["reference"]),
        outcome=Outcome.BOUGHT,
        tracking_number=_text(body["tracking_number"]),
        barcode=_text(body["barcode"]),
        label=LabelDocument(base64.b64decode(label["pdf"], validate=True), _text(label["zpl"]).encode()),
        voided=body["state"] == "voided",
    )


def _event(body: Any) -> TrackingEvent:
    occurred_at = datetime.fromisoformat(body["occurred_at"])
    if occurred_at.tzinfo is None:
        raise ValueError("a time without a zone")
    return TrackingEvent(
        event_id=_text(body["event_id"]),
        tracking_number=_text(body["tracking_number"]),
        # A word that this table does not know yet is something for a person to look at, not an error.
        status=_STATUS.get(body["status"], TrackingStatus.EXCEPTION),
        raw_code=_text(body["code"]),
        raw_text=_text(body["text"]),
        occurred_at=occurred_at.astimezone(UTC),
        location=_text(body["location"]),
    )


def _amendment(body: Any, raw: bytes) -> AmendmentResult:
    reason = None if body["error"] is None else _reason(body["error"])
    return AmendmentResult(AmendmentOutcome(body["state"]), _text(body["id"]), raw, reason)


def _answer(body: Any) -> AmendmentAnswer:
    outcome = AmendmentOutcome(body["state"])
    if outcome not in (AmendmentOutcome.ACCEPTED, AmendmentOutcome.REFUSED):
        raise ValueError(f"the pushed answer {outcome!r}")
    reason = None if body["error"] is None else _reason(body["error"])
    return AmendmentAnswer(_text(body["event_id"]), _text(body["key"]), outcome, reason)


_PUSHED: Final[Mapping[str, Callable[[Any], Pushed]]] = {"tracking.updated": _event, "amendment.resolved": _answer}


def _entry(body: Any) -> LedgerEntry:
    return LedgerEntry(
        tracking_number=_text(body["tracking_number"]),
        key=_text(body["key"]),
        parcel_reference=_text(body["reference"]),
        carrier_shipment_id=_text(body["shipment_id"]),
        is_voided=body["state"] == "voided",
        manifest_id=body["manifest_id"],
    )


def _reason(body: Any) -> Reason:
    return Reason(_text(body["code"]), _text(body["message"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} where text was due")
    return value


def _header(headers: Mapping[str, str], name: str) -> str:
    # Header names are case-insensitive, and a plain mapping is not.
    return next((value for key, value in headers.items() if key.lower() == name), "")
