# SPDX-License-Identifier: Apache-2.0
"""Two clocks. *Business time* decides everything a brand, a shopper or a picker sees; it can be moved by a replay and
is then read from one database row that every process shares. *Real time* is for leases, time-outs and rings."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.platform.settings import settings


def real_now() -> datetime:
    """Returns the machine's time in UTC."""
    return datetime.now(UTC)


def _database_now(session: Session) -> datetime:
    moved = session.execute(text("SELECT now_at FROM business_clock")).scalar_one_or_none()
    return moved.astimezone(UTC) if moved is not None else real_now()


_source: Callable[[], datetime] | None = None


def now(session: Session) -> datetime:
    """Returns business time in UTC, the same instant throughout one transaction."""
    instant = session.info.get("now")
    if instant is None:
        if _source is not None:
            instant = _source()
        elif settings().clock == "database":
            instant = _database_now(session)
        else:
            instant = real_now()
        session.info["now"] = instant
    return instant


def use_clock(source: Callable[[], datetime] | None) -> None:
    """Replaces business time in this process; ``None`` gives the configured clock back."""
    global _source
    _source = source


def set_database_clock(session: Session, instant: datetime | None) -> None:
    """Moves the clock that all processes share; ``None`` lets it follow real time again."""
    session.execute(text("DELETE FROM business_clock"))
    if instant is not None:
        session.execute(text("INSERT INTO business_clock (now_at) VALUES (:at)"), {"at": instant})
    session.info.pop("now", None)
