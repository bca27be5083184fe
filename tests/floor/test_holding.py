# SPDX-License-Identifier: Apache-2.0
"""Holds from the desk: once for each form, in the building's own time, for orders of this building only."""

from datetime import UTC, datetime
from typing import Any

import pytest

from wms.floor.desk import order_of
from wms.floor.holding import hold_order, lift_hold
from wms.orders.models import HoldKind
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import NotFound
from wms.platform.ids import new_id
from wms.shipments.holds import NotYourHold


def test_a_form_that_is_sent_twice_places_one_hold_in_the_buildings_time(floor: Any, database: Any) -> None:
    floor.clock.at = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
    order_id, action = floor.order("F-1", {"FF-MUG-SAND": 1}), new_id()
    fennel = floor.house.brands["fennel"].id
    for _ in range(2):
        with transaction(WAREHOUSE) as session:
            staff = floor.staff(session, "W-1004")
            order = order_of(session, staff, fennel, order_id)
            until = datetime(2026, 7, 1, 17, 30)  # noqa: DTZ001
            outcome = hold_order(session, action, order, HoldKind.WAREHOUSE_REQUEST, staff, until=until)
            assert outcome.sentence == "Order F-1 is on hold."
    assert database.rows("SELECT owner, handle, until FROM hold") == [
        ("warehouse", f"desk-{action}", datetime(2026, 7, 1, 16, 30, tzinfo=UTC))
    ]
    assert database.rows("SELECT actor FROM order_event WHERE kind = 'held'") == [("staff:W-1004",)]


def test_a_stock_hold_is_not_the_desks_to_lift(floor: Any, database: Any) -> None:
    juniper = floor.house.brands["juniper"].id
    order_id = floor.order("J-1", {"JT-SOCK-M": 9_999}, "juniper")
    ((handle,),) = database.rows("SELECT handle FROM hold")
    with transaction(WAREHOUSE) as session:
        staff = floor.staff(session, "W-1004")
        order = order_of(session, staff, juniper, order_id)
        with pytest.raises(NotYourHold):
            lift_hold(session, new_id(), order, handle, staff)
        session.rollback()
    assert database.rows("SELECT lifted_at FROM hold") == [(None,)]


def test_an_order_that_is_not_in_the_building_is_not_found(floor: Any) -> None:
    with pytest.raises(NotFound), transaction(WAREHOUSE) as session:
        order_of(session, floor.staff(session), floor.house.brands["fennel"].id, new_id())
