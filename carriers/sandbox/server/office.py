# SPDX-License-Identifier: Apache-2.0
"""The carrier's parts put together: books, clock, faults, pushes and the autopilot."""

import time
from pathlib import Path
from typing import Any

from carriers.sandbox.server import amendments, parcels, push
from carriers.sandbox.server.amendments import AmendmentBody, DecisionBody, Mode
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
        self._autopilot = None if autopilot_s is None else Autopilot(self.store, self.advance, self.decide, autopilot_s)
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

    def mode(self) -> Mode:
        """How questions about parcels on their way are answered now."""
        return amendments.mode_of(self.store) or ("wait" if self._autopilot is None else "accept")

    def amend(self, account: str, shipment_id: str, body: AmendmentBody) -> Answer:
        """Take a question; with a mode that decides, the answer is in the answer, and is not pushed."""
        mode = amendments.mode_of(self.store)
        decide_at = self._next_step_at() if mode is None else None
        with self.store.transaction() as db:
            amendment_id, is_open = amendments.ask(db, self.clock, account, shipment_id, body, decide_at)
            if is_open and mode in ("accept", "refuse"):
                decision = DecisionBody(accepted=mode == "accept")
                _, _, moved = amendments.decide(db, self.clock, amendment_id, decision)
                for event in moved:
                    push.enqueue(db, account, event, self.faults)
            answer = amendments.show(db, amendment_id)
        self.pusher.wake()
        return answer

    def decide(self, amendment_id: str, decision: DecisionBody) -> dict[str, Any]:
        """Answer an open question and push the answer, and after it what happened to the parcels by it."""
        with self.store.transaction() as db:
            account, answer, moved = amendments.decide(db, self.clock, amendment_id, decision)
            push.enqueue(db, account, answer, self.faults, "amendment.resolved")
            for event in moved:
                push.enqueue(db, account, event, self.faults)
        self.pusher.wake()
        return answer

    def close_manifest(self, account: str, body: ManifestBody) -> Answer:
        """Close a manifest; with the autopilot on, its parcels set off by themselves."""
        return parcels.close_manifest(self.store, self.clock, account, body, self._next_step_at())

    def _next_step_at(self) -> float | None:
        """When the autopilot takes its next step with something new; None without one."""
        return None if self._autopilot is None else time.time() + self._autopilot.step_s

    def register_webhook(self, account: str, url: str, secret: str) -> None:
        """Push this account's events there from now on, waiting ones included."""
        with self.store.transaction() as db:
            db.execute("INSERT OR REPLACE INTO webhook VALUES (?, ?, ?)", (account, url, secret))
        self.pusher.wake()
