# SPDX-License-Identifier: Apache-2.0
"""People on the floor: a badge to scan, a PIN to type, and the sessions of their devices.

Logins, locks and idle sessions live in real time, whatever a replay does to business time.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.brands.models import Role, Staff, StaffSession, Warehouse
from wms.platform.clock import real_now
from wms.platform.errors import Conflict, Invalid, Unauthenticated
from wms.platform.secrets import hash_pin, pin_matches

FAILURES_MAX: Final = 5
LOCKED_FOR: Final = timedelta(minutes=15)
IDLE_MAX: Final = timedelta(minutes=30)
# A shift and a half: nobody stays logged in for ever on a device that is always in use.
SESSION_MAX: Final = timedelta(hours=12)


class LoginRefused(Unauthenticated):
    """Badge and PIN do not open a session, or the badge is locked for now."""

    code = "login_refused"


def hire(session: Session, warehouse: Warehouse, badge: str, name: str, pin: str, roles: Iterable[str]) -> Staff:
    """Adds a person.

    Raises :class:`Invalid` for a bad PIN, badge or role, :class:`Conflict` for a badge in use.
    """
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 12):
        raise Invalid("A PIN is 4 to 12 digits.")
    if not badge or len(badge) > 32 or not badge.isprintable():
        raise Invalid("A badge is 1 to 32 printable characters.")
    wanted = sorted(set(roles))
    if unknown := [role for role in wanted if role not in set(Role)]:
        raise Invalid(f"There is no role {', '.join(unknown)}. Roles are {', '.join(Role)}.")
    if session.exec(select(Staff.id).where(Staff.badge == badge)).first() is not None:
        raise Conflict(f"The badge {badge} is already in use.")
    staff = Staff(warehouse_id=warehouse.id, badge=badge, name=name, pin_scrypt=hash_pin(pin), roles=wanted)
    session.add(staff)
    return staff


def log_in(session: Session, badge: str, pin: str) -> str | LoginRefused:
    """Returns the token of a new session, for a cookie; the database keeps its hash only.

    A refusal is *returned*, not raised: raising would roll the count of failures back. After 5 wrong PINs in
    a row the badge is locked for 15 minutes, for the right PIN too.
    """
    # The row lock makes guesses on one badge wait for each other, so that not one goes uncounted.
    wanted = select(Staff).where(Staff.badge == badge, col(Staff.active).is_(True)).with_for_update()
    staff = session.exec(wanted).first()
    now = real_now()
    if staff is None:
        # As slow as a wrong PIN, so that time does not tell which badges exist.
        pin_matches(pin, _nobody())
        return LoginRefused("Badge and PIN do not match.")
    if staff.locked_until is not None:
        if now < staff.locked_until:
            return LoginRefused("This badge is locked for 15 minutes after 5 wrong PINs.")
        staff.locked_until, staff.failed_logins = None, 0
    if not pin_matches(pin, staff.pin_scrypt):
        staff.failed_logins += 1
        if staff.failed_logins >= FAILURES_MAX:
            staff.locked_until = now + LOCKED_FOR
        return LoginRefused("Badge and PIN do not match.")
    staff.failed_logins = 0
    token = secrets.token_urlsafe(32)
    session.add(StaffSession(staff_id=staff.id, token_sha256=_hash(token), created_at=now, seen_at=now))
    return token


def staff_of(session: Session, token: str) -> Staff:
    """Returns the person behind a session's token and notes that they were seen, at most once a minute.

    Raises :class:`Unauthenticated` when the session ended, was idle for 30 minutes or is older than 12 hours.
    """
    now = real_now()
    found = session.exec(
        select(Staff, StaffSession.id)
        .join(StaffSession, col(StaffSession.staff_id) == col(Staff.id))
        .where(
            StaffSession.token_sha256 == _hash(token),
            col(StaffSession.seen_at) > now - IDLE_MAX,
            col(StaffSession.created_at) > now - SESSION_MAX,
            col(Staff.active).is_(True),
        )
    ).first()
    if found is None:
        raise Unauthenticated("Please scan your badge to log in.")
    staff, session_id = found
    session.execute(
        text("UPDATE staff_session SET seen_at = :now WHERE id = :id AND seen_at < :now - interval '1 minute'"),
        {"now": now, "id": session_id},
    )
    return staff


def log_out(session: Session, token: str) -> None:
    """Ends the session; one that has ended already stays ended."""
    session.execute(text("DELETE FROM staff_session WHERE token_sha256 = :hash"), {"hash": _hash(token)})


def forget_old_sessions(session: Session) -> int:
    """Deletes sessions that have ended by themselves; returns how many."""
    now = real_now()
    gone = session.execute(
        text("DELETE FROM staff_session WHERE seen_at <= :idle OR created_at <= :old RETURNING 1"),
        {"idle": now - IDLE_MAX, "old": now - SESSION_MAX},
    )
    return len(gone.all())


@lru_cache(maxsize=1)
def _nobody() -> bytes:
    return hash_pin("0000")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
