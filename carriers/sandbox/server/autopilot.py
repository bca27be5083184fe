# SPDX-License-Identifier: Apache-2.0
"""Moves manifested parcels along, and says yes to what is asked about them, so that a demonstration shows life."""

import contextlib
import threading
import time
from collections.abc import Callable

from carriers.sandbox.server import amendments
from carriers.sandbox.server.amendments import DecisionBody
from carriers.sandbox.server.answers import RefusalError
from carriers.sandbox.server.parcels import AdvanceBody
from carriers.sandbox.server.store import Store
from carriers.sandbox.server.vocabulary import AUTOPILOT


class Autopilot:
    """One thread; ``step_s`` is the real time between two steps of a parcel."""

    def __init__(
        self,
        store: Store,
        advance: Callable[[str, AdvanceBody], object],
        decide: Callable[[str, DecisionBody], object],
        step_s: float,
    ) -> None:
        self.step_s = step_s
        self._store = store
        self._advance = advance
        self._decide = decide
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="autopilot", daemon=True)

    def start(self) -> None:
        """Begin, also with parcels that set off in an earlier run."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the step being made."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(min(1.0, self.step_s / 4)):
            for number, status in self._due_steps():
                # Somebody may have voided the parcel a moment ago; then it stays where it is.
                with contextlib.suppress(RefusalError):
                    self._advance(number, AdvanceBody(status=status))
            for amendment_id in amendments.due(self._store, time.time()):
                # A person may have answered in this moment.
                with contextlib.suppress(RefusalError):
                    self._decide(amendment_id, DecisionBody(accepted=True))

    def _due_steps(self) -> list[tuple[str, str]]:
        """Parcels whose time has come, with their next word; the time after that is set here as well.

        A parcel that a person has moved off the usual way is left alone.
        """
        now = time.time()
        steps = []
        with self._store.transaction() as db:
            rows = db.execute(
                "SELECT tracking_number, status FROM parcel WHERE autopilot_at <= ? ORDER BY seq LIMIT 500",
                (now,),
            ).fetchall()
            for row in rows:
                following = AUTOPILOT.get(row["status"])
                if following is not None:
                    steps.append((row["tracking_number"], following))
                db.execute(
                    "UPDATE parcel SET autopilot_at = ? WHERE tracking_number = ?",
                    (now + self.step_s if following in AUTOPILOT else None, row["tracking_number"]),
                )
        return steps
