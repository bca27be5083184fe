# SPDX-License-Identifier: Apache-2.0
"""When something goes wrong, the screens say so and lead on: the desk, the bench, the gate and the shelves."""

from typing import Any

import pytest

from wms.dispatch.service import request_labels, void_labels
from wms.platform.db import WAREHOUSE, transaction

pytestmark = pytest.mark.browser
DESK = {"width": 1280, "height": 800}
MUG = "FF-MUG-SAND"


def _ask(shipment: Any) -> None:
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")


def test_a_supervisor_settles_a_label_in_doubt_and_the_bench_goes_on(
    screen: Any, house: Any, bench: Any, sandbox: Any, run_jobs: Any, database: Any
) -> None:
    shipment = bench.pack()
    sandbox.call("PUT", "/sandbox/faults", {"purchase": [{"kind": "error_500_before"}]})
    _ask(shipment)
    run_jobs()
    database.rows("UPDATE label_purchase SET asked_at = asked_at - interval '16 minutes'")
    run_jobs(retries=True)
    sandbox.call("DELETE", "/sandbox/faults")
    database.rows("UPDATE job SET state = 'dead', last_error = 'It broke.' WHERE kind = 'dispatch.buy_labels'")
    chief = screen(DESK)
    chief.log_in(house.staff["W-1004"], "/floor/board")
    chief.picture("board-trouble")
    chief.page.locator("a[href^='/floor/tasks/']").click()
    assert chief.huge == "Is there a label?"
    chief.picture("task-doubt")
    chief.page.fill("[name=reason]", "Ms Hall of their desk finds nothing under our key")
    chief.press("They made no label")
    assert chief.banner == "Noted: there are no labels. The bench can ask for new ones."
    chief.picture("task-settled")
    chief.page.get_by_role("link", name="The parcel at its bench").click()
    assert chief.huge == "No label"
    chief.picture("pack-no-label")
    database.rows("UPDATE job SET last_error = NULL")
    chief.go("/floor/pack")
    chief.picture("pack-waiting-no-label")
    chief.page.go_back()
    chief.press("Ask for the label again")
    run_jobs()
    chief.page.get_by_text("Print the label").first.wait_for(timeout=5_000)

    sandbox.advance(database.rows("SELECT tracking_number FROM label WHERE state = 'bought'")[0][0], "collected")
    with transaction(WAREHOUSE) as session:
        void_labels(session, shipment, "staff:W-1004", "smudged")
    run_jobs()
    chief.go("/floor/board")
    chief.page.locator("a[href^='/floor/tasks/']").click()
    chief.picture("task-void")
    chief.page.fill("[name=reason]", "Their driver had it already")
    chief.press("Accept the cost")
    assert chief.banner == "Noted: these labels will be paid for."


def test_a_place_is_emptied_and_counted_by_hand(screen: Any, house: Any, database: Any) -> None:
    clerk = screen()
    clerk.log_in(house.staff["W-1003"], "/floor/stock")
    clerk.scan("A-02-3")
    clerk.page.get_by_text("Move or count").first.click()
    clerk.picture("stock-shelf")
    clerk.page.fill("[name=target]", "Z-99-9")
    clerk.page.locator("[name=quantity]").nth(1).fill("20")
    clerk.press("Move them")
    assert clerk.banner.startswith("“Z-99-9” is not a location of this building.")
    clerk.picture("stock-shelf-refused")
    # The place is scanned again; how many was typed before.
    clerk.scan("RECV-01")
    assert clerk.banner == "20 × Mug, sand glaze, 350 ml moved to RECV-01."
    clerk.page.get_by_text("Move or count").first.click()
    clerk.page.fill("[name=counted]", "98")
    clerk.press("Book the count")
    assert clerk.banner == "98 × Mug, sand glaze, 350 ml counted: 2 less than the books said."
    clerk.picture("stock-counted")


def test_a_refused_manifest_is_closed_again(
    screen: Any, house: Any, bench: Any, sandbox: Any, run_jobs: Any, database: Any
) -> None:
    _ask(bench.pack())
    run_jobs()
    ((code,),) = database.rows("SELECT barcode FROM label")
    database.rows("UPDATE package SET label_verified_at = now()")
    docker = screen()
    docker.log_in(house.staff["W-1003"], f"/floor/dock/{house.account_id}")
    docker.scan(code)
    sandbox.advance(code, "collected")
    docker.press("Close the manifest")
    run_jobs()
    docker.go("/floor/dock")
    docker.picture("dock-carrier-refused")
    docker.page.get_by_role("link", name="SANDBOX").click()
    docker.picture("dock-manifest-refused")
    docker.press("Close it again")
    assert docker.banner.startswith("Manifest 1 is closed.")


def test_a_supervisor_takes_over_a_walk(screen: Any, house: Any, released: Any) -> None:
    from tests.browser.test_floor import _order

    _order("F-1001", {MUG: 2})
    released()
    picker = screen()
    picker.log_in(house.staff["W-1001"], "/floor/pick")
    picker.press("Start walking")
    chief = screen()
    chief.log_in(house.staff["W-1004"], "/floor/pick")
    chief.picture("pick-others")
    chief.press("Take it over")
    assert chief.banner.endswith("is yours now.")
    chief.picture("pick-taken")
    picker.scan("T-001")
    picker.picture("pick-lost-walk")
    assert picker.banner == "This is not one of your pick lists."
