# SPDX-License-Identifier: Apache-2.0
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from wms.brands.models import Brand
from wms.brands.service import ALL_GRANTS, authenticate, issue_key, revoke_key
from wms.platform.clock import real_now
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import Invalid, NotFound, Unauthenticated


@pytest.fixture
def session(house: Any) -> Iterator[Session]:
    with transaction(WAREHOUSE) as session:
        yield session


@pytest.fixture
def brand(session: Session, house: Any) -> Brand:
    return session.get_one(Brand, house.brands["fennel"].id)


def test_a_key_names_its_brand_and_its_scopes(session: Session, brand: Brand) -> None:
    key = issue_key(session, brand, "shop", ["stock:read", "orders:write", "stock:read"])
    assert re.fullmatch(r"wk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", key)
    caller = authenticate(session, key)
    assert (caller.brand_id, caller.brand_code) == (brand.id, "fennel")
    assert caller.scopes == {"stock:read", "orders:write"}
    assert (caller.actor, caller.public_id) == ("brand:fennel", key[3:11])


def test_a_key_without_a_list_of_scopes_may_do_everything(session: Session, brand: Brand) -> None:
    assert authenticate(session, issue_key(session, brand, "all")).scopes == set(ALL_GRANTS)


def test_no_two_keys_are_alike_and_both_hold(session: Session, brand: Brand) -> None:
    one, two = issue_key(session, brand, "old"), issue_key(session, brand, "new")
    assert one != two
    assert authenticate(session, one).public_id != authenticate(session, two).public_id


def test_a_scope_that_does_not_exist_makes_no_key(session: Session, brand: Brand, database: Any) -> None:
    with pytest.raises(Invalid, match=r"There is no scope orders:delete, root\."):
        issue_key(session, brand, "x", ["orders:read", "root", "orders:delete"])
    session.commit()
    assert database.rows("SELECT count(*) FROM api_key WHERE name = 'x'") == [(0,)]


def test_a_key_cannot_begin_expired(session: Session, brand: Brand) -> None:
    with pytest.raises(Invalid, match="expire in the past"):
        issue_key(session, brand, "x", expires_at=real_now())


def test_keys_that_ended_are_refused_in_the_words_of_keys_that_never_were(session: Session, brand: Brand) -> None:
    revoked, expired = issue_key(session, brand, "revoked"), issue_key(session, brand, "expired")
    revoke_key(session, brand, revoked[3:11])
    session.flush()  # The statement below goes past the session.
    session.connection().exec_driver_sql(
        "UPDATE api_key SET expires_at = %s WHERE public_id = %s", (real_now() - timedelta(seconds=1), expired[3:11])
    )
    words = set()
    for key in (revoked, expired, "wk_abcdefgh_" + "A" * 43, expired[:12] + "A" * 43, "", "é", "wk_" * 500):
        session.expire_all()
        with pytest.raises(Unauthenticated) as refusal:
            authenticate(session, key)
        words.add(refusal.value.detail)
    assert len(words) == 1


def test_revoking_what_is_not_there_says_so(session: Session, brand: Brand, house: Any) -> None:
    other = session.get_one(Brand, house.brands["juniper"].id)
    key = issue_key(session, other, "theirs")
    with pytest.raises(NotFound, match="fennel has no key"):
        revoke_key(session, brand, key[3:11])
    assert authenticate(session, key).brand_code == "juniper"


def test_the_use_of_a_key_is_written_at_most_once_a_minute(session: Session, brand: Brand, database: Any) -> None:
    key = issue_key(session, brand, "busy")
    used = []
    for _ in range(2):
        authenticate(session, key)
        used += session.connection().exec_driver_sql(
            "SELECT last_used_at FROM api_key WHERE public_id = %s", (key[3:11],)
        )
    assert used[0] == used[1]
    session.connection().exec_driver_sql(
        "UPDATE api_key SET last_used_at = last_used_at - interval '61 seconds' WHERE public_id = %s", (key[3:11],)
    )
    authenticate(session, key)
    (later,) = session.connection().exec_driver_sql(
        "SELECT last_used_at FROM api_key WHERE public_id = %s", (key[3:11],)
    )
    assert later[0] > used[0][0]
