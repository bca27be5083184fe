# SPDX-License-Identifier: Apache-2.0
"""Selling, finding and voiding shipments."""

import base64
import json
import sqlite3
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from carriers.sandbox.server import label, parcels
from carriers.sandbox.server.answers import Answer, RefusalError, digest, error, to_json
from carriers.sandbox.server.clock import Clock
from carriers.sandbox.server.store import Store
from carriers.sandbox.server.vocabulary import VOIDABLE

PIECES_MAX: Final = 40
WEIGHT_MAX_G: Final = 30_000
# A postcode that the carrier does not serve, so that a refusal can be had without switching on a fault.
UNSERVED_POSTCODE: Final = "00000"
# Currencies whose minor unit is not a hundredth (ISO 4217).
_DECIMALS: Final = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3}

Text = Annotated[str, Field(max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AddressBody(_Body):
    name: Name
    line1: Name
    city: Name
    postcode: Text
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    line2: Text = ""
    region: Text = ""
    company: Text = ""
    phone: Text = ""
    email: Text = ""

    def lines(self) -> tuple[str, ...]:
        """The address as it is printed, the name first."""
        town = " ".join(part for part in (self.city, self.region, self.postcode) if part)
        lines = (self.name, self.company, self.line1, self.line2, f"{town}, {self.country}", self.phone)
        return tuple(line for line in lines if line)


class MoneyBody(_Body):
    amount: Annotated[int, Field(ge=0)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

    def shown(self) -> str:
        """As it is printed: minor units become the decimals of the currency."""
        places = _DECIMALS.get(self.currency, 2)
        return f"{self.currency} {self.amount / 10**places:.{places}f}"


class ParcelBody(_Body):
    reference: Name
    weight_g: Annotated[int, Field(gt=0)]
    size_mm: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=3, max_length=3)]


class ShipmentBody(_Body):
    key: Name
    reference: Text
    service: Name
    sender: Annotated[AddressBody, Field(alias="from")]
    recipient: Annotated[AddressBody, Field(alias="to")]
    parcels: Annotated[list[ParcelBody], Field(min_length=1, max_length=PIECES_MAX)]
    cod: MoneyBody | None = None
    contents_value: MoneyBody | None = None


class AdditionBody(_Body):
    key: Name
    parcels: Annotated[list[ParcelBody], Field(min_length=1, max_length=PIECES_MAX)]


@dataclass(frozen=True, slots=True)
class _Root:
    """The shipment that is added to: its key, its master number, its pieces so far, and why it takes no more."""

    id: str
    key: str
    master: str | None
    pieces: int
    refusal: dict[str, str] | None


def buy(store: Store, clock: Clock, account: str, body: ShipmentBody, fault: str | None) -> Answer:
    """Sell once per key: the same key and body get the same answer for ever, another body 409.

    ``fault`` may be ``refuse`` (all) or ``half`` (every second piece); what it decides is kept as well.
    """
    body_hash = digest(body.model_dump_json())
    with store.transaction() as db:
        known = _known(db, account, body.key, body_hash)
        return known or _sell(db, clock, account, body, body_hash, fault, None)


def add(store: Store, clock: Clock, account: str, shipment_id: str, body: AdditionBody, fault: str | None) -> Answer:
    """Sell further pieces of a shipment that nobody has collected, under its master number.

    The addition is a shipment of its own in the books, with its own id and key, and is answered like one.
    """
    body_hash = digest(shipment_id, body.model_dump_json())
    with store.transaction() as db:
        root_id = root_of(db, account, shipment_id)
        known = _known(db, account, body.key, body_hash)
        if known is not None:
            return known
        sold = db.execute("SELECT body FROM origin WHERE shipment_id = ?", (root_id,)).fetchone()
        if sold is None:
            raise RefusalError(404, "no_such_shipment", "This shipment is too old to be added to.")
        # What the driver collects in cash is on the first labels already.
        changed = {"key": body.key, "parcels": body.parcels, "cod": None}
        addition = ShipmentBody.model_validate_json(sold["body"]).model_copy(update=changed)
        return _sell(db, clock, account, addition, body_hash, fault, _root(db, root_id, len(body.parcels)))


def root_of(db: sqlite3.Connection, account: str, shipment_id: str) -> str:
    """The shipment to which this one, or an addition to it, belongs; refused with 404 when there is none."""
    _shipment(db, account, shipment_id)
    row = db.execute("SELECT root_id FROM origin WHERE shipment_id = ?", (shipment_id,)).fetchone()
    return shipment_id if row is None else str(row["root_id"])


def pieces_of(db: sqlite3.Connection, root_id: str) -> list[sqlite3.Row]:
    """Every piece of a shipment and of what was added to it, oldest first."""
    return db.execute(
        "SELECT tracking_number, master_number, state, status FROM parcel WHERE shipment_id = ? OR shipment_id IN"
        " (SELECT shipment_id FROM origin WHERE root_id = ?) ORDER BY seq",
        (root_id, root_id),
    ).fetchall()


def find(store: Store, account: str, key: str) -> Answer:
    """The shipment under a key as a list of one, or an empty list."""
    with store.transaction() as db:
        row = db.execute("SELECT id, answer FROM shipment WHERE account = ? AND key = ?", (account, key)).fetchone()
        return Answer(200, to_json({"shipments": [] if row is None else [_current(db, row)]}))


def show(store: Store, account: str, shipment_id: str) -> Answer:
    """A shipment with its labels and what has become of each piece."""
    with store.transaction() as db:
        return Answer(200, to_json(_current(db, _shipment(db, account, shipment_id))))


def void(store: Store, account: str, shipment_id: str, tracking_number: str | None) -> Answer:
    """Void one piece or all; all or nothing, and again without harm. Refused once a piece is collected."""
    with store.transaction() as db:
        _shipment(db, account, shipment_id)
        rows = db.execute(
            "SELECT tracking_number, state, status FROM parcel WHERE shipment_id = ? ORDER BY seq",
            (shipment_id,),
        ).fetchall()
        chosen = [row for row in rows if tracking_number in (None, row["tracking_number"])]
        if not chosen:
            raise RefusalError(404, "no_such_parcel", "This shipment has no such parcel.")
        for row in chosen:
            if row["state"] == "live" and row["status"] != VOIDABLE:
                raise RefusalError(422, "already_collected", f"{row['tracking_number']} is on its way.")
        numbers = [row["tracking_number"] for row in chosen]
        db.executemany(
            "UPDATE parcel SET state = 'voided', autopilot_at = NULL WHERE tracking_number = ?",
            [(number,) for number in numbers],
        )
        return Answer(200, to_json({"id": shipment_id, "voided": numbers}))


def _known(db: sqlite3.Connection, account: str, key: str, body_hash: str) -> Answer | None:
    """The answer that this key was given before; another body under it is refused."""
    row = db.execute(
        "SELECT body_hash, status_code, answer FROM shipment WHERE account = ? AND key = ?", (account, key)
    ).fetchone()
    if row is None:
        return None
    if row["body_hash"] != body_hash:
        raise RefusalError(409, "key_conflict", "This key was used for another shipment.")
    return Answer(row["status_code"], row["answer"])


def _root(db: sqlite3.Connection, root_id: str, added: int) -> _Root:
    (key,) = db.execute("SELECT key FROM shipment WHERE id = ?", (root_id,)).fetchone()
    pieces = pieces_of(db, root_id)
    live = [piece for piece in pieces if piece["state"] == "live"]
    refusal = None
    if not live:
        refusal = error("voided", "Every label of this shipment was voided.")
    elif any(piece["status"] != VOIDABLE for piece in live):
        refusal = error("already_collected", "A parcel of this shipment is on its way.")
    elif len(live) + added > PIECES_MAX:
        refusal = error("too_many_pieces", f"A shipment has at most {PIECES_MAX} pieces.")
    return _Root(root_id, key, live[0]["master_number"] if live else None, len(pieces), refusal)


def _sell(
    db: sqlite3.Connection,
    clock: Clock,
    account: str,
    body: ShipmentBody,
    body_hash: str,
    fault: str | None,
    root: _Root | None,
) -> Answer:
    """Writes the sale, or the refusal, into the books. With a ``root`` the pieces are added to that shipment."""
    now = clock.now().isoformat()
    shipment_id = "shp_" + digest(account, body.key)[:20]
    refusal = None if root is None else root.refusal
    reasons = [refusal or _reason(body, position, fault) for position in range(len(body.parcels))]
    is_sold = None in reasons
    master = _master(db, account, body, root) if is_sold else None
    before = 0 if root is None else root.pieces
    numbers = [
        _number(db, account, body.key, piece) if reason is None else None
        for piece, reason in enumerate(reasons, start=1)
    ]
    answer = {
        "id": shipment_id,
        "key": body.key,
        "reference": body.reference,
        "service": body.service,
        "created_at": now,
        "master_number": master,
        "error": None if is_sold else reasons[0],
        "pieces": [
            _piece(body, position, before, number, master, reasons[position]) for position, number in enumerate(numbers)
        ],
    }
    status_code = 201 if is_sold else 422
    db.execute(
        "INSERT INTO shipment VALUES (?, ?, ?, ?, ?, ?, ?)",
        (shipment_id, account, body.key, body_hash, status_code, to_json(answer), now),
    )
    db.execute(
        "INSERT INTO origin VALUES (?, ?, ?)",
        (shipment_id, shipment_id if root is None else root.id, body.model_dump_json(by_alias=True)),
    )
    for parcel, number in zip(body.parcels, numbers, strict=True):
        if number is not None:
            parcels.create(
                db,
                account=account,
                tracking_number=number,
                master_number=master,
                shipment_id=shipment_id,
                reference=parcel.reference,
                recipient=f"{body.recipient.name}, {body.recipient.city}",
                created_at=now,
            )
    return Answer(status_code, to_json(answer))


def _master(db: sqlite3.Connection, account: str, body: ShipmentBody, root: _Root | None) -> str | None:
    """The master number of several pieces. A shipment of one piece gets it with the first piece that is added."""
    if root is None:
        return _number(db, account, body.key, 0) if len(body.parcels) > 1 else None
    if root.master is not None:
        return root.master
    master = _number(db, account, root.key, 0)
    db.execute("UPDATE parcel SET master_number = ? WHERE shipment_id = ?", (master, root.id))
    return master


def _reason(body: ShipmentBody, position: int, fault: str | None) -> dict[str, str] | None:
    """Why this piece is not sold, or None."""
    if body.recipient.postcode == UNSERVED_POSTCODE:
        return error("not_serviceable", "The carrier does not deliver to this postcode.")
    if body.parcels[position].weight_g > WEIGHT_MAX_G:
        return error("too_heavy", f"A parcel may weigh at most {WEIGHT_MAX_G} g.")
    if fault == "refuse" or (fault == "half" and position % 2 == 1):
        return error("refused_on_purpose", "The sandbox was told to refuse this piece.")
    return None


def _piece(
    body: ShipmentBody,
    position: int,
    before: int,
    number: str | None,
    master: str | None,
    reason: dict[str, str] | None,
) -> dict[str, Any]:
    """One piece of the answer; ``before`` are the pieces that the shipment had already."""
    parcel, place = body.parcels[position], before + position + 1
    piece: dict[str, Any] = {"number": place, "reference": parcel.reference, "error": reason}
    if number is None:
        return {**piece, "state": "refused", "tracking_number": None, "barcode": None, "label": None}
    length, width, height = parcel.size_mm
    drawn = label.Label(
        tracking_number=number,
        master_number=master,
        service=body.service,
        sender=body.sender.lines(),
        recipient=body.recipient.lines(),
        facts=(f"Ref {body.reference}", f"{parcel.weight_g} g, {length}x{width}x{height} mm"),
        piece=f"{place} / {before + len(body.parcels)}",
        cod=None if body.cod is None else body.cod.shown(),
    )
    document = {"pdf": base64.b64encode(label.pdf(drawn)).decode(), "zpl": label.zpl(drawn)}
    return {**piece, "state": "live", "tracking_number": number, "barcode": number, "label": document}


def _number(db: sqlite3.Connection, account: str, key: str, piece: int) -> str:
    """A number that depends only on account, key and piece, so that a replay prints the same labels.

    Should two keys meet on one number, the later one takes the next candidate.
    """
    prefix, salt = ("SBM" if piece == 0 else "SB"), 0
    while True:
        digits = f"{int(digest(account, key, str(piece), str(salt)), 16) % 10**12:012d}"
        number = f"{prefix}{digits}{_check_digit(digits)}"
        taken = db.execute(
            "SELECT 1 FROM parcel WHERE tracking_number = ? OR master_number = ?", (number, number)
        ).fetchone()
        if taken is None:
            return number
        salt += 1


def _check_digit(digits: str) -> int:
    # The modulo-10 rule of GS1: weights 3, 1, 3, ... from the right.
    return -sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits))) % 10


def _shipment(db: sqlite3.Connection, account: str, shipment_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT id, answer FROM shipment WHERE id = ? AND account = ?", (shipment_id, account)
    ).fetchone()
    if row is None:
        raise RefusalError(404, "no_such_shipment", "There is no such shipment.")
    return row


def _current(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """The answer of the day of purchase, with voids marked."""
    voided = {
        parcel["tracking_number"]
        for parcel in db.execute(
            "SELECT tracking_number FROM parcel WHERE shipment_id = ? AND state = 'voided'", (row["id"],)
        )
    }
    answer: dict[str, Any] = json.loads(row["answer"])
    for piece in answer["pieces"]:
        if piece["tracking_number"] in voided:
            piece["state"] = "voided"
    return answer
