# SPDX-License-Identifier: Apache-2.0
"""Parcels once they are sold: events, tracking, manifests and the ledger."""

import json
import sqlite3
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from carriers.sandbox.server.answers import Answer, RefusalError, digest, to_json
from carriers.sandbox.server.clock import Clock
from carriers.sandbox.server.store import Store
from carriers.sandbox.server.vocabulary import STATUSES, VOIDABLE

LEDGER_PAGE: Final = 500


class AdvanceBody(BaseModel):
    """What happens to a parcel; without a time it happens now on the carrier's clock."""

    model_config = ConfigDict(extra="forbid")
    status: str
    occurred_at: AwareDatetime | None = None
    location: Annotated[str, Field(max_length=200)] = "Sandbox depot"
    raw_code: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    text: Annotated[str, Field(max_length=200)] | None = None


class ManifestBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: Annotated[str, Field(min_length=1, max_length=200)]
    tracking_numbers: Annotated[list[str], Field(min_length=1, max_length=5000)]


def create(
    db: sqlite3.Connection,
    *,
    account: str,
    tracking_number: str,
    master_number: str | None,
    shipment_id: str,
    reference: str,
    recipient: str,
    created_at: str,
) -> None:
    """A sold parcel and its first event, which is shown to who asks but never pushed: nothing moved yet."""
    db.execute(
        "INSERT INTO parcel (account, tracking_number, master_number, shipment_id, reference, recipient,"
        " state, status, created_at) VALUES (?, ?, ?, ?, ?, ?, 'live', 'label_created', ?)",
        (account, tracking_number, master_number, shipment_id, reference, recipient, created_at),
    )
    first = AdvanceBody(status="label_created", location="")
    _record(db, tracking_number, first, datetime.fromisoformat(created_at))


def advance(
    db: sqlite3.Connection, clock: Clock, tracking_number: str, body: AdvanceBody
) -> tuple[str, dict[str, Any]]:
    """Let something happen to a parcel; the account and the event, which the caller pushes.

    Any known word is taken in any order, because carriers do say odd things; a void label stays void.
    """
    if body.status not in STATUSES:
        known = ", ".join(STATUSES)
        raise RefusalError(400, "no_such_status", f"There is no status {body.status!r}; known: {known}.")
    row = db.execute("SELECT account, state FROM parcel WHERE tracking_number = ?", (tracking_number,)).fetchone()
    if row is None:
        raise RefusalError(404, "no_such_parcel", "There is no such parcel.")
    if row["state"] == "voided":
        raise RefusalError(409, "voided", "This label was voided.")
    event = _record(db, tracking_number, body, body.occurred_at or clock.now())
    db.execute("UPDATE parcel SET status = ? WHERE tracking_number = ?", (body.status, tracking_number))
    return row["account"], event


def track(store: Store, account: str, number: str) -> Answer:
    """The events of a parcel, or of every parcel under a master number."""
    with store.transaction() as db:
        rows = db.execute(
            "SELECT tracking_number, state, status FROM parcel"
            " WHERE account = ? AND (tracking_number = ? OR master_number = ?) ORDER BY seq",
            (account, number, number),
        ).fetchall()
        if not rows:
            raise RefusalError(404, "no_such_parcel", "There is no such parcel.")
        shown = [{**dict(row), "events": events_of(db, row["tracking_number"])} for row in rows]
    return Answer(200, to_json({"number": number, "parcels": shown}))


def events_of(db: sqlite3.Connection, tracking_number: str) -> list[dict[str, Any]]:
    """The events of one parcel in the order in which they became known."""
    rows = db.execute("SELECT body FROM event WHERE tracking_number = ? ORDER BY seq", (tracking_number,))
    return [json.loads(row["body"]) for row in rows]


def close_manifest(store: Store, clock: Clock, account: str, body: ManifestBody, autopilot_at: float | None) -> Answer:
    """A hand-over list of live, unmanifested parcels; once per key. A refusal leaves the key unused."""
    body_hash = digest(body.model_dump_json())
    with store.transaction() as db:
        known = db.execute(
            "SELECT body_hash, answer FROM manifest WHERE account = ? AND key = ?", (account, body.key)
        ).fetchone()
        if known is not None:
            if known["body_hash"] != body_hash:
                raise RefusalError(409, "key_conflict", "This key was used for another manifest.")
            return Answer(201, known["answer"])
        _check_listed(db, account, body.tracking_numbers)
        manifest_id = "man_" + digest(account, body.key)[:20]
        answer = {
            "id": manifest_id,
            "key": body.key,
            "created_at": clock.now().isoformat(),
            "tracking_numbers": body.tracking_numbers,
        }
        db.execute(
            "INSERT INTO manifest VALUES (?, ?, ?, ?, ?)",
            (manifest_id, account, body.key, body_hash, to_json(answer)),
        )
        db.executemany(
            "UPDATE parcel SET manifest_id = ?, autopilot_at = ? WHERE tracking_number = ?",
            [(manifest_id, autopilot_at, number) for number in body.tracking_numbers],
        )
        return Answer(201, to_json(answer))


def show_manifest(store: Store, account: str, manifest_id: str) -> Answer:
    """A closed manifest."""
    with store.transaction() as db:
        row = db.execute("SELECT answer FROM manifest WHERE id = ? AND account = ?", (manifest_id, account)).fetchone()
    if row is None:
        raise RefusalError(404, "no_such_manifest", "There is no such manifest.")
    return Answer(200, row["answer"])


def ledger(store: Store, account: str, after: int) -> Answer:
    """A page of every label ever sold to the account, oldest first; ``next`` is the cursor or null."""
    with store.transaction() as db:
        rows = db.execute(
            "SELECT p.seq, p.tracking_number, s.key, p.reference, p.shipment_id, p.master_number, p.state,"
            " p.status, p.manifest_id, p.created_at FROM parcel p JOIN shipment s ON s.id = p.shipment_id"
            " WHERE p.account = ? AND p.seq > ? ORDER BY p.seq LIMIT ?",
            (account, after, LEDGER_PAGE + 1),
        ).fetchall()
    shown = rows[:LEDGER_PAGE]
    has_more = len(rows) > LEDGER_PAGE
    labels = [{name: row[name] for name in row.keys() if name != "seq"} for row in shown]  # noqa: SIM118
    return Answer(200, to_json({"labels": labels, "next": str(shown[-1]["seq"]) if has_more else None}))


def _record(db: sqlite3.Connection, tracking_number: str, body: AdvanceBody, occurred_at: datetime) -> dict[str, Any]:
    word = STATUSES[body.status]
    (count,) = db.execute("SELECT count(*) FROM event WHERE tracking_number = ?", (tracking_number,)).fetchone()
    event = {
        "event_id": f"evt_{tracking_number}_{count + 1}",
        "tracking_number": tracking_number,
        "status": body.status,
        "code": body.raw_code or word.code,
        "text": word.text if body.text is None else body.text,
        "occurred_at": occurred_at.isoformat(),
        "location": body.location,
    }
    db.execute(
        "INSERT INTO event (id, tracking_number, body) VALUES (?, ?, ?)",
        (event["event_id"], tracking_number, to_json(event).decode()),
    )
    return event


def _check_listed(db: sqlite3.Connection, account: str, numbers: list[str]) -> None:
    if len(set(numbers)) != len(numbers):
        raise RefusalError(422, "listed_twice", "A parcel is on the list twice.")
    bad = []
    for number in numbers:
        row = db.execute(
            "SELECT state, status, manifest_id FROM parcel WHERE account = ? AND tracking_number = ?",
            (account, number),
        ).fetchone()
        is_free = row is not None and row["state"] == "live" and row["manifest_id"] is None
        if not (is_free and row["status"] == VOIDABLE):
            bad.append(number)
    if bad:
        raise RefusalError(422, "not_acceptable", f"Unknown, void, listed or collected: {', '.join(bad)}.")
