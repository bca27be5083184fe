# SPDX-License-Identifier: Apache-2.0
"""What a client asks about parcels that the carrier has already: another door, another phone, bring it back.

Some of it is refused by the carrier's rules at once. The rest is decided by a person on the carrier's page, by the
autopilot, or at once where the sandbox was told so; the answer is pushed when it comes later than the question.
"""

import json
import sqlite3
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from carriers.sandbox.server import parcels
from carriers.sandbox.server.answers import Answer, RefusalError, digest, error, to_json
from carriers.sandbox.server.clock import Clock
from carriers.sandbox.server.parcels import AdvanceBody
from carriers.sandbox.server.shipments import (
    UNSERVED_POSTCODE,
    AddressBody,
    Name,
    ShipmentBody,
    Text,
    pieces_of,
    root_of,
)
from carriers.sandbox.server.store import Store

Kind = Literal["redirect", "edit_contact", "return_to_origin"]
Mode = Literal["wait", "accept", "refuse"]

SHOWN_MAX: Final = 50
_SETTING: Final = "amendments"
# Nothing about a parcel can be changed once its journey is over.
_OVER: Final = frozenset({"delivered", "returned", "lost"})
_STATUS_CODES: Final = {"requested": 202, "accepted": 200, "refused": 422}


class ContactBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    phone: Text = ""
    email: Text = ""
    note: Text = ""


class AmendmentBody(BaseModel):
    """``to`` belongs to a redirect and ``contact`` to an edit; each must be there, and nothing else may."""

    model_config = ConfigDict(extra="forbid")
    key: Name
    kind: Kind
    to: AddressBody | None = None
    contact: ContactBody | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "AmendmentBody":
        if (self.to is not None) != (self.kind == "redirect"):
            raise ValueError("a redirect, and nothing else, names an address")
        if (self.contact is not None) != (self.kind == "edit_contact"):
            raise ValueError("an edit of the contact, and nothing else, names one")
        if self.contact is not None and not (self.contact.phone or self.contact.email or self.contact.note):
            raise ValueError("an edit of the contact changes nothing")
        return self


class DecisionBody(BaseModel):
    """What the carrier decides; a refusal gives its reason."""

    model_config = ConfigDict(extra="forbid")
    accepted: bool
    code: Annotated[str, Field(min_length=1, max_length=40)] = "driver_declined"
    message: Text = "The depot could not arrange it any more."


def mode_of(store: Store) -> Mode | None:
    """How somebody said that questions are answered, or None."""
    known: dict[str, Mode] = {mode: mode for mode in get_args(Mode)}
    return known.get(store.setting(_SETTING) or "")


def set_mode(store: Store, mode: Mode | None) -> None:
    """Answer at once from now on, or wait for a person; None is what the carrier does by itself."""
    store.set_setting(_SETTING, mode)


def ask(
    db: sqlite3.Connection, clock: Clock, account: str, shipment_id: str, body: AmendmentBody, decide_at: float | None
) -> tuple[str, bool]:
    """Write a question down, once per key: its id, and whether it is new and open.

    What the rules forbid is refused here and now, and stays refused.
    """
    root_id, body_hash = root_of(db, account, shipment_id), digest(shipment_id, body.model_dump_json())
    known = db.execute(
        "SELECT id, body_hash FROM amendment WHERE account = ? AND key = ?", (account, body.key)
    ).fetchone()
    if known is not None:
        if known["body_hash"] != body_hash:
            raise RefusalError(409, "key_conflict", "This key was used for another amendment.")
        return known["id"], False
    refusal = _why_not(db, root_id, body)
    amendment_id = "amd_" + digest(account, body.key)[:20]
    db.execute(
        "INSERT INTO amendment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            amendment_id,
            account,
            body.key,
            body_hash,
            root_id,
            body.kind,
            body.model_dump_json(),
            "requested" if refusal is None else "refused",
            None if refusal is None else to_json(refusal).decode(),
            decide_at if refusal is None else None,
            clock.now().isoformat(),
        ),
    )
    return amendment_id, refusal is None


def decide(
    db: sqlite3.Connection, clock: Clock, amendment_id: str, decision: DecisionBody
) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """Answer an open question: the account, the answer as it is pushed, and what happened to the parcels by it.

    An acceptance that comes too late, because a parcel was delivered meanwhile, is a refusal.
    """
    row = db.execute("SELECT * FROM amendment WHERE id = ?", (amendment_id,)).fetchone()
    if row is None:
        raise RefusalError(404, "no_such_amendment", "There is no such amendment.")
    if row["state"] != "requested":
        raise RefusalError(409, "decided", f"This amendment was {row['state']} already.")
    body = AmendmentBody.model_validate_json(row["body"])
    refusal = _why_not(db, row["root_id"], body) if decision.accepted else error(decision.code, decision.message)
    state = "accepted" if refusal is None else "refused"
    db.execute(
        "UPDATE amendment SET state = ?, error = ?, decide_at = NULL WHERE id = ?",
        (state, None if refusal is None else to_json(refusal).decode(), amendment_id),
    )
    moved = [] if refusal is not None else _carry_out(db, clock, row["root_id"], body)
    answer = {
        "event_id": f"evt_{amendment_id}",
        "amendment_id": amendment_id,
        "key": row["key"],
        "kind": row["kind"],
        "state": state,
        "error": refusal,
        "occurred_at": clock.now().isoformat(),
    }
    return row["account"], answer, moved


def show(db: sqlite3.Connection, amendment_id: str) -> Answer:
    """An amendment as it stands."""
    row = db.execute("SELECT * FROM amendment WHERE id = ?", (amendment_id,)).fetchone()
    return Answer(_STATUS_CODES[row["state"]], to_json(_shown(row)))


def find(store: Store, account: str, key: str) -> Answer:
    """The amendment under a key as a list of one, or an empty list."""
    with store.transaction() as db:
        row = db.execute("SELECT * FROM amendment WHERE account = ? AND key = ?", (account, key)).fetchone()
    return Answer(200, to_json({"amendments": [] if row is None else [_shown(row)]}))


def newest(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """The open amendments of all accounts, and then the newest others, with what was asked."""
    rows = db.execute(
        "SELECT * FROM amendment ORDER BY state <> 'requested', created_at DESC, rowid DESC LIMIT ?", (SHOWN_MAX,)
    ).fetchall()
    return [{**_shown(row), "numbers": _numbers(db, row), "wish": _wish(row)} for row in rows]


def due(store: Store, now: float) -> list[str]:
    """The open amendments that the autopilot decides now."""
    with store.transaction() as db:
        rows = db.execute("SELECT id FROM amendment WHERE decide_at <= ? AND state = 'requested'", (now,))
        return [row["id"] for row in rows]


def _why_not(db: sqlite3.Connection, root_id: str, body: AmendmentBody) -> dict[str, str] | None:
    """The carrier's rule that forbids it, or None."""
    live = [piece for piece in pieces_of(db, root_id) if piece["state"] == "live"]
    if not live:
        return error("voided", "Every label of this shipment was voided.")
    over = next((piece for piece in live if piece["status"] in _OVER), None)
    if over is not None:
        return error("too_late", f"{over['tracking_number']} is {over['status']}.")
    if any(piece["status"] == "return_started" for piece in live):
        return error("already_returning", "This shipment is on its way back.")
    if body.to is None:
        return None
    if body.to.postcode == UNSERVED_POSTCODE:
        return error("not_serviceable", "The carrier does not deliver to this postcode.")
    sold = _sold(db, root_id)
    if sold is not None and sold.recipient.country != body.to.country:
        return error("other_country", "A parcel on its way cannot go to another country.")
    return None


def _carry_out(db: sqlite3.Connection, clock: Clock, root_id: str, body: AmendmentBody) -> list[dict[str, Any]]:
    live = [piece["tracking_number"] for piece in pieces_of(db, root_id) if piece["state"] == "live"]
    if body.kind == "return_to_origin":
        return [parcels.advance(db, clock, number, AdvanceBody(status="return_started"))[1] for number in live]
    sold = _sold(db, root_id)
    if body.to is not None:
        to = f"{body.to.name}, {body.to.city}"
        db.executemany("UPDATE parcel SET recipient = ? WHERE tracking_number = ?", [(to, number) for number in live])
        if sold is not None:
            changed = sold.model_copy(update={"recipient": body.to}).model_dump_json(by_alias=True)
            db.execute("UPDATE origin SET body = ? WHERE shipment_id = ?", (changed, root_id))
    return []


def _sold(db: sqlite3.Connection, root_id: str) -> ShipmentBody | None:
    row = db.execute("SELECT body FROM origin WHERE shipment_id = ?", (root_id,)).fetchone()
    return None if row is None else ShipmentBody.model_validate_json(row["body"])


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "key": row["key"],
        "kind": row["kind"],
        "shipment_id": row["root_id"],
        "state": row["state"],
        "error": None if row["error"] is None else json.loads(row["error"]),
        "created_at": row["created_at"],
    }


def _numbers(db: sqlite3.Connection, row: sqlite3.Row) -> list[str]:
    return [piece["tracking_number"] for piece in pieces_of(db, row["root_id"]) if piece["state"] == "live"]


def _wish(row: sqlite3.Row) -> str:
    """What is asked for, in a line."""
    body = AmendmentBody.model_validate_json(row["body"])
    if body.to is not None:
        return "to " + ", ".join(body.to.lines())
    if body.contact is not None:
        return ", ".join(part for part in (body.contact.phone, body.contact.email, body.contact.note) if part)
    return "back to the sender"
