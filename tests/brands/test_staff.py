# SPDX-License-Identifier: Apache-2.0
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from wms.brands.models import Warehouse
from wms.brands.service import LoginRefused, forget_old_sessions, hire, log_in, log_out, staff_of
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import Conflict, Invalid, Unauthenticated

NO_MATCH = "Badge and PIN do not match."
LOCKED = "This badge is locked for 15 minutes after 5 wrong PINs."


def _log_in(badge: str, pin: str) -> str | LoginRefused:
    with transaction(WAREHOUSE) as session:
        return log_in(session, badge, pin)


def _words(answer: str | LoginRefused) -> str:
    assert isinstance(answer, LoginRefused)
    return answer.detail


def _token(badge: str = "W-1001", pin: str = "1001") -> str:
    answer = _log_in(badge, pin)
    assert isinstance(answer, str)
    return answer


def _person(token: str) -> str:
    with transaction(WAREHOUSE) as session:
        return staff_of(session, token).name


def test_badge_and_pin_open_a_session(house: Any) -> None:
    assert _person(_token()) == "Amara Okafor"


def test_the_cookie_is_stored_nowhere(house: Any, database: Any) -> None:
    token = _token()
    assert database.rows("SELECT count(*) FROM staff_session s WHERE to_jsonb(s)::text LIKE %s", f"%{token}%") == [(0,)]


def test_a_wrong_pin_and_an_unknown_badge_are_refused_in_the_same_words(house: Any, database: Any) -> None:
    assert _words(_log_in("W-1001", "9999")) == _words(_log_in("NOBODY", "1001")) == NO_MATCH
    assert database.rows("SELECT count(*) FROM staff_session") == [(0,)]


def test_five_wrong_pins_lock_the_badge_even_for_the_right_one(house: Any, database: Any) -> None:
    assert [_words(_log_in("W-1001", "9999")) for _ in range(6)] == [NO_MATCH] * 5 + [LOCKED]
    assert _words(_log_in("W-1001", "1001")) == LOCKED
    assert isinstance(_log_in("W-1002", "1002"), str)
    database.rows("UPDATE staff SET locked_until = now() - interval '1 second' WHERE badge = 'W-1001'")
    assert isinstance(_log_in("W-1001", "1001"), str)
    assert database.rows("SELECT failed_logins, locked_until FROM staff WHERE badge = 'W-1001'") == [(0, None)]


def test_a_right_pin_forgives_the_wrong_ones_before(house: Any, database: Any) -> None:
    for _ in range(4):
        _log_in("W-1001", "9999")
    assert isinstance(_log_in("W-1001", "1001"), str)
    assert [_words(_log_in("W-1001", "9999")) for _ in range(4)] == [NO_MATCH] * 4


def test_guesses_made_at_once_are_all_counted(house: Any, database: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        words = [_words(answer) for answer in pool.map(lambda pin: _log_in("W-1001", f"90{pin:02d}"), range(8))]
    assert sorted(words) == sorted([NO_MATCH] * 5 + [LOCKED] * 3)
    assert database.rows("SELECT failed_logins FROM staff WHERE badge = 'W-1001'") == [(5,)]


def test_who_left_cannot_log_in_and_is_logged_out(house: Any, database: Any) -> None:
    token = _token()
    database.rows("UPDATE staff SET active = false WHERE badge = 'W-1001'")
    assert _words(_log_in("W-1001", "1001")) == NO_MATCH
    with pytest.raises(Unauthenticated):
        _person(token)


@pytest.mark.parametrize(
    "age", ["seen_at = now() - interval '31 minutes'", "created_at = now() - interval '12 hours 1 second'"]
)
def test_a_session_ends_when_it_is_idle_or_old_and_is_then_forgotten(house: Any, database: Any, age: str) -> None:
    token, other = _token(), _token("W-1002", "1002")
    database.rows(f"UPDATE staff_session s SET {age} FROM staff WHERE staff.id = s.staff_id AND badge = 'W-1001'")
    with pytest.raises(Unauthenticated, match="Please scan your badge"):
        _person(token)
    with transaction(WAREHOUSE) as session:
        assert forget_old_sessions(session) == 1
    assert _person(other) == "Tomasz Zielinski"


def test_work_keeps_a_session_open(house: Any, database: Any) -> None:
    token = _token()
    database.rows("UPDATE staff_session SET seen_at = now() - interval '29 minutes'")
    assert _person(token) == "Amara Okafor"
    database.rows("UPDATE staff_session SET seen_at = seen_at - interval '29 minutes'")
    assert _person(token) == "Amara Okafor"


def test_logging_out_ends_one_session_only(house: Any) -> None:
    token, other = _token(), _token()
    with transaction(WAREHOUSE) as session:
        log_out(session, token)
        log_out(session, token)
    with pytest.raises(Unauthenticated):
        _person(token)
    assert _person(other) == "Amara Okafor"


@pytest.mark.parametrize(
    ("badge", "pin", "roles", "words"),
    [
        ("W-9", "123", ["picker"], "A PIN is 4 to 12 digits."),
        ("W-9", "12a4", ["picker"], "A PIN is 4 to 12 digits."),
        ("W-9", "١٢٣٤", ["picker"], "A PIN is 4 to 12 digits."),
        ("", "1234", ["picker"], "A badge is 1 to 32 printable characters."),
        ("W\n9", "1234", ["picker"], "A badge is 1 to 32 printable characters."),
        ("W-9", "1234", ["king"], "There is no role king."),
    ],
)
def test_a_person_who_cannot_be_hired_is_not(
    house: Any, database: Any, badge: str, pin: str, roles: list[str], words: str
) -> None:
    before = database.rows("SELECT count(*) FROM staff")
    with pytest.raises(Invalid, match=words), transaction(WAREHOUSE) as session:
        hire(session, session.get_one(Warehouse, house.warehouse_id), badge, "New", pin, roles)
    assert database.rows("SELECT count(*) FROM staff") == before


def test_a_badge_belongs_to_one_person(house: Any) -> None:
    with pytest.raises(Conflict, match="The badge W-1001 is already in use"), transaction(WAREHOUSE) as session:
        hire(session, session.get_one(Warehouse, house.warehouse_id), "W-1001", "New", "1234", ["picker"])
