# SPDX-License-Identifier: Apache-2.0
"""The carrier's books: one SQLite file that survives a restart, one writer at a time."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS shipment (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL,
    status_code INTEGER NOT NULL, answer BLOB NOT NULL, created_at TEXT NOT NULL,
    UNIQUE (account, key)
) STRICT;
CREATE TABLE IF NOT EXISTS origin (
    shipment_id TEXT PRIMARY KEY REFERENCES shipment, root_id TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS origin_root ON origin (root_id);
CREATE TABLE IF NOT EXISTS amendment (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL,
    root_id TEXT NOT NULL REFERENCES shipment, kind TEXT NOT NULL, body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('requested', 'accepted', 'refused')), error TEXT,
    decide_at REAL, created_at TEXT NOT NULL, UNIQUE (account, key)
) STRICT;
CREATE INDEX IF NOT EXISTS amendment_open ON amendment (created_at) WHERE state = 'requested';
CREATE TABLE IF NOT EXISTS parcel (
    seq INTEGER PRIMARY KEY, account TEXT NOT NULL, tracking_number TEXT NOT NULL UNIQUE,
    master_number TEXT, shipment_id TEXT NOT NULL REFERENCES shipment, reference TEXT NOT NULL,
    recipient TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('live', 'voided')), status TEXT NOT NULL,
    manifest_id TEXT, autopilot_at REAL, created_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS parcel_shipment ON parcel (shipment_id);
CREATE INDEX IF NOT EXISTS parcel_master ON parcel (master_number) WHERE master_number IS NOT NULL;
CREATE INDEX IF NOT EXISTS parcel_autopilot ON parcel (autopilot_at) WHERE autopilot_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tracking_number TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS event_parcel ON event (tracking_number);
CREATE TABLE IF NOT EXISTS manifest (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL,
    answer BLOB NOT NULL, UNIQUE (account, key)
) STRICT;
CREATE TABLE IF NOT EXISTS webhook (account TEXT PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY, account TEXT NOT NULL, event_id TEXT NOT NULL, body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead', 'dropped')),
    attempts INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL, is_held INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due_at) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


class Store:
    """One connection behind one lock: at this size a queue of writers is faster than their quarrels."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        # Write-ahead logging with NORMAL loses nothing when the process is killed; only a power cut could
        # take the last moments, which a sandbox may lose.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or none of it; reads see what was committed before."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def setting(self, name: str) -> str | None:
        """A stored switch, or None."""
        with self._lock:
            row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def set_setting(self, name: str, value: str | None) -> None:
        """Store a switch; None removes it."""
        with self.transaction() as db:
            db.execute("DELETE FROM setting WHERE name = ?", (name,))
            if value is not None:
                db.execute("INSERT INTO setting VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close the file; nothing may use the store afterwards."""
        with self._lock:
            self._db.close()
