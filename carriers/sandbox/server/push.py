# SPDX-License-Identifier: Apache-2.0
"""Pushing events to the account's webhook: signed, retried, in parallel but bounded, kept over a restart."""

import contextlib
import hashlib
import hmac
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx

from carriers.sandbox.server.answers import to_json
from carriers.sandbox.server.faults import Faults
from carriers.sandbox.server.store import Store

# After the first try, up to five more; then the event is dead and only polling finds it.
BACKOFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
PARALLEL_MAX: Final = 8
ANSWER_WITHIN_S: Final = 7.0
_IDLE_S: Final = 0.5


def enqueue(
    db: sqlite3.Connection, account: str, event: dict[str, Any], faults: Faults, kind_of_news: str = "tracking.updated"
) -> None:
    """Put an event into the outbox, bent by the fault that strikes it. No webhook, no push, no fault used."""
    if db.execute("SELECT 1 FROM webhook WHERE account = ?", (account,)).fetchone() is None:
        return
    fault = faults.draw("push")
    kind = None if fault is None else fault.kind
    wait_s = fault.delay_s if fault is not None and kind in ("delay", "reorder") else 0.0
    row = (
        account,
        event["event_id"],
        to_json({"type": kind_of_news, "event": event}),
        "dropped" if kind == "drop" else "pending",
        time.time() + wait_s,
        # A held push waits until a later one has overtaken it, or for its delay when none comes.
        int(kind == "reorder"),
    )
    for _ in range(2 if kind == "duplicate" else 1):
        db.execute(
            "INSERT INTO outbox (account, event_id, body, state, due_at, is_held) VALUES (?, ?, ?, ?, ?, ?)",
            row,
        )


def signed_headers(secret: str, event_id: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers of one push: hex HMAC-SHA256 over ``timestamp.body``."""
    signature = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-sandbox-event": event_id,
        "x-sandbox-timestamp": str(timestamp),
        "x-sandbox-signature": signature,
    }


class Pusher:
    """One thread that finds what is due and a small pool that sends it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._http = httpx.Client(timeout=ANSWER_WITHIN_S, trust_env=False, follow_redirects=False)
        self._pool = ThreadPoolExecutor(PARALLEL_MAX, thread_name_prefix="push")
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._sending: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="pusher", daemon=True)

    def start(self) -> None:
        """Begin, with whatever an earlier run left in the outbox."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being sent; the rest stays in the outbox."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._http.close()

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._wake.set()

    def counts(self) -> dict[str, int]:
        """How many pushes are in each state."""
        counts = dict.fromkeys(("pending", "delivered", "dead", "dropped"), 0)
        with self._store.transaction() as db:
            counts.update(db.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
        return counts

    def _run(self) -> None:
        while not self._stopping.is_set():
            # Cleared before looking, so that what arrives while we look wakes us again.
            self._wake.clear()
            for row in self._due():
                self._pool.submit(self._send, row)
            self._wake.wait(_IDLE_S)

    def _due(self) -> list[sqlite3.Row]:
        """Rows to send now; they count as being sent from here on."""
        with self._lock:
            free = PARALLEL_MAX - len(self._sending)
            with self._store.transaction() as db:
                rows = db.execute(
                    "SELECT o.seq, o.account, o.event_id, o.body, o.attempts, w.url, w.secret FROM outbox o"
                    " JOIN webhook w ON w.account = o.account WHERE o.state = 'pending' AND o.due_at <= ?"
                    " ORDER BY o.seq LIMIT ?",
                    (time.time(), free + len(self._sending)),
                ).fetchall()
            chosen = [row for row in rows if row["seq"] not in self._sending][:free]
            self._sending.update(row["seq"] for row in chosen)
            return chosen

    def _send(self, row: sqlite3.Row) -> None:
        try:
            self._record(row, is_delivered=self._post(row))
        finally:
            with self._lock:
                self._sending.discard(row["seq"])
            self._wake.set()

    def _post(self, row: sqlite3.Row) -> bool:
        # Every attempt is signed anew, because the receiver refuses old timestamps.
        headers = signed_headers(row["secret"], row["event_id"], row["body"], int(time.time()))
        with contextlib.suppress(httpx.HTTPError, httpx.InvalidURL):
            return self._http.post(row["url"], content=row["body"], headers=headers).is_success
        return False

    def _record(self, row: sqlite3.Row, *, is_delivered: bool) -> None:
        tries = row["attempts"] + 1
        with self._store.transaction() as db:
            if is_delivered:
                state, due_at = "delivered", 0.0
                db.execute(
                    "UPDATE outbox SET due_at = 0, is_held = 0 WHERE is_held = 1 AND account = ? AND seq < ?",
                    (row["account"], row["seq"]),
                )
            elif tries > len(BACKOFF_S):
                state, due_at = "dead", 0.0
            else:
                state, due_at = "pending", time.time() + BACKOFF_S[tries - 1]
            db.execute(
                "UPDATE outbox SET state = ?, attempts = ?, due_at = ? WHERE seq = ?",
                (state, tries, due_at, row["seq"]),
            )
