# SPDX-License-Identifier: Apache-2.0
"""The desk holds an order and lets it go again, with scripts and without."""

from typing import Any

import pytest

from tests.factories import placed, set_policy
from wms.orders.models import Order
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.shipments.holds import HoldIn, place
from wms.shipments.lateness import flag_late

pytestmark = pytest.mark.browser
DESK = {"width": 1280, "height": 800}


def _held_by_the_brand(brand_id: Any, order_id: Any) -> None:
    with transaction(WAREHOUSE) as session:
        wanted = HoldIn(kind="awaiting_payment", handle="pay-1", release_stock=True, note="Bank transfer")
        place(session, session.get_one(Order, (brand_id, order_id)), wanted, "brand", "brand:fennel")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no_scripts"])
def test_the_desk_holds_an_order_and_lifts_its_own_holds_only(
    screen: Any, house: Any, database: Any, scripts: bool
) -> None:
    fennel = house.brands["fennel"].id
    cut_offs = [{"service": "standard", "weekdays": list(range(7)), "at": "00:00"}]
    set_policy(database, fennel, cut_offs=cut_offs, processing_seconds=0)
    _held_by_the_brand(fennel, placed(fennel, ("FF-MUG-SAND", 2), ref="F-1001"))
    database.rows("UPDATE orders SET latest_release = now() - interval '2 hours'")
    assert in_transaction(WAREHOUSE, flag_late) == 1

    chief = screen(DESK, scripts=scripts)
    chief.log_in(house.staff["W-1004"], "/floor/board")
    late = chief.page.get_by_role("link", name="F-1001")
    assert "late for" in late.locator("xpath=..").inner_text()
    chief.picture("board-late")
    late.click()
    assert "Late since" in chief.page.locator(".note").first.inner_text()
    assert "Its stock was given back." in chief.page.locator(".hold").inner_text()
    assert chief.page.get_by_role("button", name="Lift this hold").count() == 0

    chief.page.fill("[name=until]", "2020-01-01T12:00")
    chief.press("Put on hold")
    assert chief.banner == "A hold ends in the future, and within 366 days."
    chief.picture("desk-hold-refused")
    assert database.rows("SELECT count(*) FROM hold") == [(1,)]

    chief.page.select_option("[name=kind]", "address_review")
    chief.page.fill("[name=note]", "House number is missing")
    chief.press("Put on hold")
    assert chief.banner == "Order F-1001 is on hold."
    chief.picture("desk-hold")
    assert "House number is missing" in chief.page.locator(".hold").last.inner_text()
    assert database.rows("SELECT owner, kind, until, release_stock FROM hold WHERE lifted_at IS NULL ORDER BY id") == [
        ("brand", "awaiting_payment", None, True),
        ("warehouse", "address_review", None, False),
    ]
    chief.press("Lift this hold")
    assert chief.banner == "The hold on order F-1001 is lifted."
    assert database.rows("SELECT owner FROM hold WHERE lifted_at IS NULL") == [("brand",)]
    assert database.rows("SELECT actor FROM order_event WHERE kind = 'hold_lifted'") == [("staff:W-1004",)]
