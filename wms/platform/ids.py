# SPDX-License-Identifier: Apache-2.0
"""Identifiers: UUID version 7 (RFC 9562, section 5.7), sortable by the millisecond they were made in."""

import os
import threading
import time
from collections.abc import Callable
from uuid import UUID

_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Returns a new UUIDv7; within one process each is greater than the one before."""
    global _last
    # 48 bits of milliseconds, then 12 bits that count on within the millisecond (RFC 9562, section 6.2, method 1).
    with _lock:
        tick = time.time_ns() // 1_000_000 << 12
        _last = tick = max(tick, _last + 1)
    value = (tick >> 12) << 80 | 0x7 << 76 | (tick & 0xFFF) << 64
    return UUID(int=value | 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2)


_source: Callable[[], UUID] = uuid7


def new_id() -> UUID:
    """Returns the next identifier of this process's source."""
    return _source()


def use_ids(source: Callable[[], UUID]) -> None:
    """Replaces the source of identifiers; tests pass their own and give :func:`uuid7` back afterwards."""
    global _source
    _source = source
