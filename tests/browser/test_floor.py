# SPDX-License-Identifier: Apache-2.0
"""The floor by hand: the same work with scripts and without, because a handheld's browser is not ours to choose."""

from typing import Any

import pytest
from sqlmodel import select

from wms.brands.models import Brand
from wms.dispatch.models import Label
from wms.intake.schemas import OrderIn
from wms.intake.service import accept
from wms.platform.db import WAREHOUSE, transaction

pytestmark = pytest.mark.browser
DESK = {"width": 1280, "height": 800}
MUG, TOWEL = "FF-MUG-SAND", "FF-TOWEL-STR"


def _order(ref: str, lines: dict[str, int], brand: str = "fennel") -> Any:
    draft = {
        "ref": ref,
        "recipient": {"name": "Asha Rao", "street": "12 Market Row", "city": "London", "postcode": "E1 6AN"},
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
    }
    with transaction(WAREHOUSE) as session:
        found = session.exec(select(Brand).where(Brand.code == brand)).one()
        answer = accept(session, found, [OrderIn.model_validate(draft)], f"brand:{brand}")[0]
    assert answer.refusal is None
    return answer.order_id


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no_scripts"])
def test_a_parcel_goes_from_the_shelf_to_the_driver_by_scanning(
    screen: Any, house: Any, released: Any, worker: None, database: Any, scripts: bool
) -> None:
    codes = house.brands["fennel"].barcodes
    _order("F-1001", {MUG: 2, TOWEL: 1})
    _order("J-2001", {"JT-SOCK-M": 1, "JT-SOCK-L": 1}, "juniper")
    released()

    picker = screen(scripts=scripts)
    picker.log_in(house.staff["W-1001"], "/floor/pick")
    picker.picture("pick-start")
    picker.press("Start walking")
    picker.picture("pick-tote")
    assert picker.huge == "1"
    picker.scan("T-001")
    assert picker.banner == "Tote T-001 stands in slot 1."
    picker.scan("T-001")
    assert picker.banner == "Tote T-001 is in use. Take an empty one."
    picker.picture("pick-tote-refused")
    picker.scan("T-002")

    assert picker.huge == "A-01-2"
    picker.picture("pick-location")
    picker.scan("A-01-1")
    assert picker.banner == "Wrong place: this is A-01-1. Go to A-01-2."
    picker.picture("pick-location-refused")
    picker.scan("A-01-2")
    picker.picture("pick-item")
    picker.scan(codes[MUG])
    assert picker.banner == "Wrong item: that is Mug, sand glaze, 350 ml. Take Tea towels, pair."
    picker.scan(codes[TOWEL])
    assert picker.huge == "T-001"
    picker.picture("pick-into-tote")
    picker.scan("T-002")
    assert picker.banner == "Wrong tote: that is T-002. This goes into T-001, slot 1."
    picker.scan("T-001")
    assert picker.banner == "1 × Tea towels, pair in tote T-001."
    picker.picture("pick-location-done")
    assert picker.huge == "A-02-3"
    for code in ("A-02-3", codes[MUG], "T-001"):
        picker.scan(code)
    for code in ("B-02-1", house.brands["juniper"].barcodes["JT-SOCK-L"], "T-002", "B-01-3"):
        picker.scan(code)
    picker.page.get_by_role("link", name="Not enough here").click()
    picker.picture("pick-short")
    picker.page.get_by_role("link", name="Go back").click()
    for code in (house.brands["juniper"].barcodes["JT-SOCK-M"], "T-002"):
        picker.scan(code)
    assert "Bring the cart" in picker.huge
    picker.picture("pick-done")

    packer = screen(DESK, scripts=scripts)
    packer.log_in(house.staff["W-1002"], "/floor/pack")
    packer.scan("T-003")
    assert packer.banner == "Tote T-003 is empty."
    packer.picture("pack-tote-refused")
    packer.page.fill("[name=tote]", "")
    packer.scan("T-001")
    packer.picture("pack-items")
    packer.scan(codes[MUG])
    assert packer.banner == "1 × Mug, sand glaze, 350 ml in box 1."
    packer.scan(codes[TOWEL])
    packer.picture("pack-items-half")
    packer.scan("5060987600117")
    assert packer.banner == "Wrong item: Linen apron, olive does not belong to this shipment."
    packer.picture("pack-items-refused")
    packer.scan(codes[MUG])
    packer.picture("pack-close")
    packer.scan("99")
    assert packer.banner.startswith("The scale says 99 g, but these goods should weigh about")
    packer.picture("pack-weight-doubted")
    packer.page.fill("[name=weight]", "1010")
    packer.press("Close and get the label")
    packer.page.get_by_text("Print the label").first.wait_for(timeout=15_000)
    packer.picture("pack-label")
    with packer.page.expect_download() as download:
        packer.press("Print the label")
    assert download.value.suggested_filename.startswith("label-")
    if not scripts:
        packer.page.reload()
    packer.page.get_by_text("Stick it on, scan it").wait_for(timeout=5_000)
    packer.picture("pack-scan-label")
    with transaction(WAREHOUSE) as session:
        barcode = session.exec(select(Label.barcode)).one()
    packer.scan("SBX0")
    assert packer.banner.startswith("This is not the label of this package.")
    packer.picture("pack-label-refused")
    packer.page.fill("[name=label]", "")
    packer.scan(barcode)
    assert packer.banner == "Box 1 carries the right label."
    assert packer.huge == "Next tote"
    packer.picture("pack-done")

    docker = screen(scripts=scripts)
    docker.log_in(house.staff["W-1003"], "/floor/dock")
    docker.picture("dock")
    docker.page.get_by_role("link", name="SANDBOX").click()
    docker.scan("NOT-OURS")
    assert docker.banner == "This is not the label of one of our parcels."
    docker.picture("dock-refused")
    docker.page.fill("[name=label]", "")
    docker.scan(barcode)
    assert docker.banner.startswith("Handed over: ")
    docker.picture("dock-scanned")
    docker.scan(barcode)
    assert docker.banner == "This parcel was scanned already."
    docker.press("Close the manifest")
    assert docker.banner.startswith("Manifest 1 is closed.")
    docker.picture("dock-closed")

    states = database.rows("SELECT ref, state FROM orders ORDER BY ref")
    assert states == [("F-1001", "shipped"), ("J-2001", "picking")]


def test_goods_are_received_into_a_place_and_counted_there(screen: Any, house: Any) -> None:
    clerk = screen()
    clerk.log_in(house.staff["W-1003"], "/floor/stock")
    clerk.picture("stock")
    clerk.scan("A-02-3")
    clerk.picture("stock-place")
    clerk.page.fill("[name=item]", house.brands["fennel"].barcodes[MUG])
    clerk.page.fill("[name=quantity]", "12")
    clerk.press("Receive here")
    assert clerk.banner == "12 × Mug, sand glaze, 350 ml received into A-02-3."
    clerk.picture("stock-received")
    assert "132" in clerk.page.locator(".rows").inner_text()


def test_the_board_and_the_desk_tell_how_the_day_stands(screen: Any, house: Any, released: Any) -> None:
    _order("F-1001", {MUG: 2, TOWEL: 1})
    _order("J-2001", {"JT-SOCK-M": 1}, "juniper")
    released()
    _order("F-1002", {MUG: 1})
    _order("J-2002", {"JT-SOCK-M": 1}, "juniper")
    chief = screen(DESK)
    chief.log_in(house.staff["W-1004"])
    chief.picture("home")
    chief.go("/floor/board")
    chief.picture("board")
    assert "to pick\n2" in chief.page.locator(".stages").inner_text()
    chief.go("/floor/desk")
    chief.scan("NOTHING")
    assert chief.banner == "Nothing is known under “NOTHING”."
    chief.picture("desk")
    chief.page.fill("[name=find]", "")
    chief.scan("F-1001")
    assert "Mug, sand glaze, 350 ml" in chief.page.locator("main").inner_text()
    chief.picture("desk-story")


def test_a_wrong_pin_and_a_screen_that_is_not_yours_are_refused_with_a_sentence(screen: Any, house: Any) -> None:
    one = screen()
    one.go("/floor/board")
    one.picture("login")
    one.page.fill("[name=badge]", "W-1001")
    one.page.fill("[name=pin]", "9999")
    one.press("Log in")
    assert one.banner == "Badge and PIN do not match."
    one.picture("login-refused")
    one.page.fill("[name=pin]", house.staff["W-1001"].pin)
    one.press("Log in")
    assert one.banner.startswith("Your badge does not allow you to look at the board and the desk.")
    one.picture("refused")


def test_the_shopper_sees_the_order_and_until_when_it_can_be_changed(screen: Any, house: Any) -> None:
    from api.portal.links import portal_link

    order_id = _order("J-2001", {"JT-SOCK-M": 2, "JT-TARP-3X3": 1}, "juniper")
    phone = screen()
    phone.go(portal_link(house.brands["juniper"].id, order_id))
    phone.picture("portal")
    text = phone.page.locator("body").inner_text()
    assert "Juniper Trail" in text
    assert "You can still change it until" in text
    assert "That is 4 minutes from now." in text
    phone.go(portal_link(house.brands["juniper"].id, order_id)[:-3] + "AAA")
    phone.picture("portal-nothing")
    assert "There is no order behind this link" in phone.page.locator("body").inner_text()
