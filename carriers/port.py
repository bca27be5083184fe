# SPDX-License-Identifier: Apache-2.0
"""The one shape in which the warehouse talks to any carrier.

Weights are grams, lengths millimetres, money integer minor units, times aware UTC.
An adapter states what it can do in ``capabilities``; a caller asks before it calls.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Capability(StrEnum):
    """What a carrier can do through its API."""

    MULTI_PIECE = "multi_piece"
    MASTER_NUMBER = "master_number"
    ADD_PIECE = "add_piece"
    VOID = "void"
    MANIFEST = "manifest"
    PICKUP = "pickup"
    REVERSE_PICKUP = "reverse_pickup"
    DOORSTEP_QC = "doorstep_qc"
    REATTEMPT = "reattempt"
    REDIRECT = "redirect"
    EDIT_CONTACT = "edit_contact"
    RETURN_TO_ORIGIN = "return_to_origin"
    EXCHANGE = "exchange"
    PUSH = "push"
    POLL = "poll"
    LEDGER = "ledger"


class Outcome(StrEnum):
    """How a purchase ended; ``unknown`` is resolved by the same key, by lookup or by a person."""

    BOUGHT = "bought"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class VoidOutcome(StrEnum):
    """How a void ended; ``requested`` means that the carrier decides later."""

    VOIDED = "voided"
    REQUESTED = "requested"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class ManifestOutcome(StrEnum):
    """How closing a manifest ended; ``unknown`` is resolved by the same key."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class AmendmentKind(StrEnum):
    """What can be asked about a shipment that the carrier already has."""

    REDIRECT = "redirect"
    EDIT_CONTACT = "edit_contact"
    RETURN_TO_ORIGIN = "return_to_origin"


class AmendmentOutcome(StrEnum):
    """How an amendment stands; ``requested`` means that the carrier decides later, and pushes or is polled."""

    ACCEPTED = "accepted"
    REQUESTED = "requested"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class TrackingStatus(StrEnum):
    """Our words for where a parcel is; the carrier's own code is kept beside them."""

    PRE_TRANSIT = "pre_transit"
    COLLECTED = "collected"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents, paise) of an ISO 4217 currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Address:
    """A door. ``country`` is ISO 3166 alpha-2; all text is as its owner wrote it."""

    name: str
    line1: str
    city: str
    postcode: str
    country: str
    line2: str = ""
    region: str = ""
    company: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """How the driver reaches the recipient; an empty member is left as the carrier has it."""

    phone: str = ""
    email: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box; ``reference`` is our own and unique within its shipment."""

    reference: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int


@dataclass(frozen=True, slots=True)
class ShipmentRequest:
    """What to buy. The same ``key`` always means the same purchase, however often it is sent.

    Raises ValueError without parcels or when two parcels share a reference, because an answer
    could then not be told apart per piece.
    """

    key: str
    reference: str
    service: str
    ship_from: Address
    ship_to: Address
    parcels: tuple[Parcel, ...]
    cod: Money | None = None
    contents_value: Money | None = None

    def __post_init__(self) -> None:
        if not self.parcels:
            raise ValueError("A shipment needs at least one parcel.")
        if len({parcel.reference for parcel in self.parcels}) != len(self.parcels):
            raise ValueError("Two parcels of a shipment share a reference.")


@dataclass(frozen=True, slots=True)
class LabelDocument:
    """The carrier's own bytes, never re-encoded; a carrier may give either form or both."""

    pdf: bytes | None
    zpl: bytes | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a carrier said no: its own code, and a sentence for a person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Piece:
    """The answer for one parcel. ``barcode`` is the text that the label's main code encodes."""

    reference: str
    outcome: Outcome
    tracking_number: str | None = None
    barcode: str | None = None
    label: LabelDocument | None = None
    reason: Reason | None = None
    voided: bool = False


@dataclass(frozen=True, slots=True)
class Purchase:
    """The answer for a shipment: ``bought`` when at least one piece was, so look at each piece.

    ``unknown`` means that the answer was lost after the request may have arrived: labels may exist.
    ``raw`` is the carrier's answer as it came, empty when none came.
    """

    outcome: Outcome
    carrier_shipment_id: str | None
    master_tracking: str | None
    pieces: tuple[Piece, ...]
    raw: bytes
    reason: Reason | None = None

    @property
    def is_complete(self) -> bool:
        """True when every piece was bought."""
        return self.outcome is Outcome.BOUGHT and all(p.outcome is Outcome.BOUGHT for p in self.pieces)


@dataclass(frozen=True, slots=True)
class VoidResult:
    """The answer to a void; ``tracking_numbers`` are those that it took out of use."""

    outcome: VoidOutcome
    tracking_numbers: tuple[str, ...]
    raw: bytes
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class ManifestResult:
    """The answer to closing a manifest."""

    outcome: ManifestOutcome
    manifest_id: str | None
    tracking_numbers: tuple[str, ...]
    raw: bytes
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class AmendmentResult:
    """The answer to an amendment. ``amendment_id`` is the carrier's own; what it decided once stays decided."""

    outcome: AmendmentOutcome
    amendment_id: str | None
    raw: bytes
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class AmendmentAnswer:
    """A later, pushed answer to the amendment that was asked under our ``key``: accepted or refused."""

    event_id: str
    key: str
    outcome: AmendmentOutcome
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """One thing that happened to one parcel. ``event_id`` is unique within the carrier account."""

    event_id: str
    tracking_number: str
    status: TrackingStatus
    raw_code: str
    raw_text: str
    occurred_at: datetime
    location: str


# One thing that a carrier pushes: news of a parcel, or the answer to something that we asked.
Pushed = TrackingEvent | AmendmentAnswer


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One label as the carrier's books have it, for comparing with ours."""

    tracking_number: str
    key: str
    parcel_reference: str
    carrier_shipment_id: str
    is_voided: bool
    manifest_id: str | None


class Carrier(Protocol):
    """What every adapter offers.

    The calls that change something never hide a lost answer: it comes back as ``unknown``. They raise
    ``CarrierError`` only when this very call certainly changed nothing at the carrier. The reading
    calls raise ``CarrierError`` whenever they have no answer. A method whose capability is absent
    raises a terminal ``CarrierError`` with the code ``unsupported``.

    An amendment concerns every live piece of a shipment, those that were added to it included.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    def buy(self, request: ShipmentRequest) -> Purchase:
        """Buy one label per parcel; the same key never buys twice."""
        ...

    def find(self, key: str) -> Purchase | None:
        """The purchase made under our key, or None when the carrier has none."""
        ...

    def add_piece(self, key: str, carrier_shipment_id: str, parcels: tuple[Parcel, ...]) -> Purchase:
        """Buy labels for further parcels of a bought shipment, under its master number.

        The answer holds the added pieces only, and a carrier shipment id of their own, by which they are
        voided; ``find`` knows it by its key. The same key never adds twice.
        """
        ...

    def redirect(self, key: str, carrier_shipment_id: str, ship_to: Address) -> AmendmentResult:
        """Ask that a shipment on its way goes to another door; the same key asks once."""
        ...

    def edit_contact(self, key: str, carrier_shipment_id: str, contact: Contact) -> AmendmentResult:
        """Ask that the driver uses another phone, e-mail or note; the same key asks once."""
        ...

    def return_to_origin(self, key: str, carrier_shipment_id: str) -> AmendmentResult:
        """Ask that a shipment on its way comes back to us; the same key asks once."""
        ...

    def find_amendment(self, key: str) -> AmendmentResult | None:
        """How the amendment under our key stands, or None when the carrier has none."""
        ...

    def void(self, carrier_shipment_id: str, tracking_number: str | None = None) -> VoidResult:
        """Take one piece, or without a number the whole shipment, out of use."""
        ...

    def manifest(self, key: str, tracking_numbers: tuple[str, ...]) -> ManifestResult:
        """Close the hand-over list; the same key answers the same manifest."""
        ...

    def track(self, tracking_number: str) -> tuple[TrackingEvent, ...]:
        """All events of a parcel, or of every parcel under a master number, oldest first."""
        ...

    def ledger(self) -> Iterator[LedgerEntry]:
        """Every label the carrier ever made for this account, oldest first."""
        ...

    def verify_webhook(self, secret: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the carrier signed exactly these bytes with this secret, recently."""
        ...

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[Pushed, ...]:
        """What a pushed body says, which the caller has verified first."""
        ...

    def close(self) -> None:
        """Give the connections back."""
        ...
