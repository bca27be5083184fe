# SPDX-License-Identifier: Apache-2.0
"""The records under which a scan is done once."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session, select

from wms.brands.models import Staff
from wms.floor.actions import Outcome, forget_old_actions, once, recalled
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.ids import new_id


def _picker(session: Session) -> Staff:
    return session.exec(select(Staff).where(Staff.badge == "W-1001")).one()


def test_a_scan_is_remembered_for_a_week(house: Any, database: Any, frozen_clock: Any) -> None:
    old, young = new_id(), new_id()
    for action_id, days in ((old, 2), (young, 6)):
        with transaction(WAREHOUSE) as session:
            once(session, action_id, _picker(session), "pick", lambda: Outcome("Done."))
        frozen_clock.at += timedelta(days=days)
    with transaction(WAREHOUSE) as session:
        assert forget_old_actions(session) == 1
    with transaction(WAREHOUSE) as session:
        assert recalled(session, young, _picker(session)) == Outcome("Done.")
    assert database.rows("SELECT id::text FROM floor_action") == [(str(young),)]
