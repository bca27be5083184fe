# SPDX-License-Identifier: Apache-2.0
"""The main job, whole: a brand's program sends an order over the API, people scan it through the building on real
screens, the carrier pushes what happens on the road, and the shopper, the brand and the audit see the same story."""

import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlmodel import select

from api.portal.links import portal_link
from wms.audit.service import run_audit
from wms.dispatch.models import CarrierAccount, Label
from wms.notices.service import sequence
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.secrets import decrypt

pytestmark = pytest.mark.browser
MUG, BOARD = "FF-MUG-SAND", "FF-BOARD-OAK"
ORDER = {
    "ref": "F-9001",
    "recipient": {"name": "Zoë Łukasz", "street": "12 Market Row\nFlat 3", "city": "London", "postcode": "SW9 8LB"},
    "lines": [{"sku": MUG, "quantity": 2, "unit_price_minor": 1500}, {"sku": BOARD, "quantity": 1}],
}


def _wait_for(what: Callable[[], Any], seconds: float = 15) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.1)
    return found


def test_an_order_becomes_a_delivered_parcel(
    server: str, sandbox: Any, house: Any, screen: Any, released: Any, worker: None, database: Any
) -> None:
    fennel = house.brands["fennel"]
    api = httpx.Client(base_url=server, headers={"authorization": f"Bearer {fennel.api_key}"}, trust_env=False)
    with transaction(WAREHOUSE) as session:
        secret = decrypt(session.get_one(CarrierAccount, house.account_id).callback_secret).decode()
    listener = f"{server}/carriers/sandbox/{house.account_id}"
    sandbox.call("PUT", "/v1/webhook", {"url": listener, "secret": secret})

    # The brand sends the order twice, because its network failed in between; there is one order.
    first = api.post("/v1/orders", json=ORDER, headers={"idempotency-key": "k-9001"})
    again = api.post("/v1/orders", json=ORDER)
    assert (first.status_code, again.status_code) == (201, 200)
    order_id = database.rows("SELECT id FROM orders WHERE ref = 'F-9001'")[0][0]

    # The shopper's page shows it, and until when it can be changed.
    phone = screen()
    phone.go(portal_link(fennel.id, order_id))
    assert "You can still change it until" in phone.page.locator("body").inner_text()
    released()

    _pick(screen(), house)
    barcodes = _pack(screen({"width": 1280, "height": 800}), house)
    _hand_over(screen(), house, barcodes)
    assert api.get("/v1/orders/F-9001").json()["state"] == "shipped"

    # The carrier pushes what happens on the road, signed, each box on its own.
    for barcode in barcodes:
        for status in ("in_transit", "out_for_delivery", "delivered"):
            sandbox.advance(barcode, status)
    _wait_for(lambda: database.rows("SELECT state FROM orders WHERE ref = 'F-9001'") == [("delivered",)])

    phone.go(portal_link(fennel.id, order_id))
    phone.picture("portal-delivered")
    text = phone.page.locator("body").inner_text()
    assert phone.page.locator("h1").inner_text() == "Delivered"
    assert all(barcode in text for barcode in barcodes)

    with transaction(WAREHOUSE) as session:
        sequence(session, 1_000)
    kinds = [event["kind"] for event in api.get("/v1/events", params={"limit": 100}).json()["events"]]
    main = ["accepted", "released", "picking_started", "picked", "packed", "label_bought", "handed_over"]
    assert [kind for kind in kinds if kind in main] == main
    assert kinds[-1] == "delivered"
    stock = {row["sku"]: row for row in api.get("/v1/stock", params={"limit": 100}).json()["items"]}
    assert (stock[MUG]["sellable"], stock[MUG]["promised"]) == (118, 0)
    with transaction(WAREHOUSE) as session:
        assert [finding for finding in run_audit(session) if finding.count] == []
    api.close()


def _pick(picker: Any, house: Any) -> None:
    picker.log_in(house.staff["W-1001"], "/floor/pick")
    picker.press("Start walking")
    picker.scan("T-011")
    codes = house.brands["fennel"].barcodes
    for place, sku in (("A-02-3", MUG), ("A-03-1", BOARD)):
        assert picker.huge == place
        for code in (place, codes[sku], "T-011"):
            picker.scan(code)
    assert "Bring the cart" in picker.huge


def _pack(packer: Any, house: Any) -> list[str]:
    """Packs the mugs and the board into a box each, prints both labels, scans both; returns what the labels read."""
    codes = house.brands["fennel"].barcodes
    packer.log_in(house.staff["W-1002"], "/floor/pack")
    packer.scan("T-011")
    packer.scan(codes[MUG])
    packer.scan(codes[MUG])
    packer.page.get_by_role("link", name="Box 1 is full").click()
    packer.page.fill("[name=weight]", "820")
    packer.press("Close this box")
    packer.scan(codes[BOARD])
    packer.page.get_by_role("radio", name="Medium box").check()
    packer.page.get_by_role("radio", name="Large box").check()
    packer.page.fill("[name=weight]", "1990")
    packer.press("Close and get the label")
    packer.page.get_by_text("Print the label").first.wait_for(timeout=15_000)
    packer.picture("pack-two-boxes")
    with transaction(WAREHOUSE) as session:
        barcodes = [str(one) for one in session.exec(select(Label.barcode).order_by(Label.package_id)).all()]
    for number, barcode in enumerate(barcodes, start=1):
        assert packer.page.get_by_text(f"Box {number} of 2").is_visible()
        with packer.page.expect_download() as download:
            packer.press("Print the label")
        assert re.fullmatch(r"label-\d{18}\.pdf", download.value.suggested_filename)
        packer.page.get_by_text("Stick it on, scan it").wait_for(timeout=5_000)
        if number == 1:
            packer.scan(barcodes[1])
            assert packer.banner.startswith("This is not the label of this package.")
            packer.page.fill("[name=label]", "")
        packer.scan(barcode)
    assert packer.huge == "Next tote"
    return barcodes


def _hand_over(docker: Any, house: Any, barcodes: list[str]) -> None:
    docker.log_in(house.staff["W-1003"], "/floor/dock")
    docker.page.get_by_role("link", name="SANDBOX").click()
    for barcode in barcodes:
        docker.scan(barcode)
        assert docker.banner.startswith("Handed over: ")
    docker.press("Close the manifest")
    docker.page.wait_for_load_state()
    _wait_for(lambda: docker.page.reload() and "carrier knows" in docker.page.locator("main").inner_text())
