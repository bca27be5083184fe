# SPDX-License-Identifier: Apache-2.0
"""The carrier's business clock. Retries and time-outs use real time and never ask it."""

from datetime import UTC, datetime

from carriers.sandbox.server.store import Store


class Clock:
    """Real time, unless somebody froze it; a frozen clock stays frozen over a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        stored = store.setting("clock")
        self._frozen = None if stored is None else datetime.fromisoformat(stored)

    @property
    def is_frozen(self) -> bool:
        """True after ``freeze`` until ``unfreeze``."""
        return self._frozen is not None

    def now(self) -> datetime:
        """Aware UTC."""
        return self._frozen or datetime.now(UTC)

    def freeze(self, at: datetime) -> None:
        """Stop the clock at an aware time."""
        self._frozen = at.astimezone(UTC)
        self._store.set_setting("clock", self._frozen.isoformat())

    def unfreeze(self) -> None:
        """Let the clock run with real time again."""
        self._frozen = None
        self._store.set_setting("clock", None)
