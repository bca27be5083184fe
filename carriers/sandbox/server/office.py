# SPDX-License-Identifier: Apache-2.0
"""The carrier's parts put together: books, clock, faults, pushes and the autopilot."""

import time
from pathlib import Path
from typing import Any

from carriers.sandbox.server import parcels, push
from carriers.sandbox.server.answers import Answer, RefusalError, digest
from carriers.sandbox.server.autopilot import Autopilot
from carriers.sandbox.server.clock import Clock
from carriers.sandbox.server.faults import Faults
from carriers.sandbox.server.parcels import AdvanceBody, ManifestBody
from carriers.sandbox.server.push import Pusher
from carriers.sandbox.server.store import Store


class Office:
    """What a request handler needs. ``autopilot_s`` is the real time between two steps, None is off."""

    def __init__(self, data_dir: Path, api_keys: tuple[str, ...], autopilot_s: float | None) -> None:
        self.store = Store(data_dir / "ledger.sqlite3")
        self.clock = Clock(self.store)
        self.faults = Faults()
        self.pusher = Pusher(self.store)
        self._autopilot = None if autopilot_s is None else Autopilot(self.store, self.advance, autopilot_s)
        # An account is known by the hash of its key, so that the books hold no secret of a client.
        self._accounts = {key: "acc_" + digest(key)[:12] for key in api_keys}

    def open(self) -> None:
        """Start the threads."""
        self.pusher.start()
        if self._autopilot is not None:
            self._autopilot.start()

    def close(self) -> None:
        """Stop the threads and close the books."""
        if self._autopilot is not None:
            self._autopilot.stop()
        self.pusher.stop()
        self.store.close()

    def account(self, api_key: str) -> str:
        """The account of a key, or a refusal."""
        account = self._accounts.get(api_key)
        if account is None:
            raise RefusalError(401, "no_such_key", "The API key is missing or wrong.")
        return account

    def advance(self, tracking_number: str, body: AdvanceBody) -> dict[str, Any]:
        """Let something happen to a parcel and push it: the event and its push are one transaction."""
        with self.store.transaction() as db:
            account, event = parcels.advance(db, self.clock, tracking_number, body)
            push.enqueue(db, account, event, self.faults)
        self.pusher.wake()
        return event

    def close_manifest(self, account: str, body: ManifestBody) -> Answer:
        """Close a manifest; with the autopilot on, its parcels set off by themselves."""
        start_at = None if self._autopilot is None else time.time() + self._autopilot.step_s
        return parcels.close_manifest(self.store, self.clock, account, body, start_at)

    def register_webhook(self, account: str, url: str, secret: str) -> None:
        """Push this account's events there from now on, waiting ones included."""
        with self.store.transaction() as db:
            db.execute("INSERT OR REPLACE INTO webhook VALUES (?, ?, ?)", (account, url, secret))
        self.pusher.wake()
