# SPDX-License-Identifier: Apache-2.0
"""The put-back screen over real HTTP: what waits, the scanned item, the bin, and who may see it."""

import re
from typing import Any

import pytest

from tests.floor.test_door import Visitor
from wms.floor import rework
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.ids import uuid7
from wms.shipments.service import lines_of, lock_shipment

MUG, TOWEL = "FF-MUG-SAND", "FF-TOWEL-STR"


@pytest.fixture
def waiting(floor: Any) -> None:
    """A tote of three mugs of which a change took two out."""
    order_id = floor.order("F-1", {MUG: 3})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    floor.pick_all(list_id)
    with transaction(WAREHOUSE) as session:
        shipment = floor.shipment(session, "fennel", order_id)
        shipment = lock_shipment(session, shipment.brand_id, shipment.id)
        (line,) = lines_of(session, shipment)
        rework.take_out(session, shipment, {line.id: 2}, "brand:fennel", "test")
        line.quantity -= 2


def _logged_in(server: str, house: Any, badge: str) -> Visitor:
    visitor = Visitor(server)
    assert visitor.log_in(badge, house.staff[badge].pin).headers["location"] == "/floor"
    return visitor


@pytest.mark.usefixtures("waiting")
def test_what_was_taken_out_is_scanned_back_into_a_bin(server: str, house: Any, database: Any) -> None:
    shelver = _logged_in(server, house, "W-1004")
    assert "1 waiting" in shelver.http.get("/floor").text
    page = shelver.http.get("/floor/put-back").text
    assert "2 × Mug, sand glaze, 350 ml" in page
    assert "tote T-001" in page
    code = house.brands["fennel"].barcodes[MUG]
    page = shelver.http.get("/floor/put-back", params={"item": code}).text
    (task,) = re.findall(r'name="task" value="([0-9a-f-]{36})"', page)
    (place,) = re.findall(r'class="huge code[^"]*">([^<]+)<', page)
    form = {"task": task, "item": code, "location": place, "quantity": "2", "token": shelver.token("/floor/put-back")}
    form["action"] = str(uuid7())
    for _ in range(2):
        answer = shelver.send("/floor/put-back", form)
        assert answer.status_code == 303
        shown = shelver.http.get(answer.headers["location"]).text
        assert f"2 × Mug, sand glaze, 350 ml lie in {place} again." in shown
        assert "Nothing." in shown
    assert database.rows("SELECT done, state FROM put_back") == [(2, "done")]
    shelver.http.close()


@pytest.mark.usefixtures("waiting")
def test_a_wrong_scan_is_refused_on_the_screen_and_keeps_the_item(server: str, house: Any, database: Any) -> None:
    shelver = _logged_in(server, house, "W-1004")
    codes = house.brands["fennel"].barcodes
    answer = shelver.http.get("/floor/put-back", params={"item": codes[TOWEL]})
    assert (answer.status_code, "Nothing of Tea towels, pair waits to be put back." in answer.text) == (409, True)
    ((task,),) = database.rows("SELECT id FROM put_back")
    form = {"task": str(task), "item": codes[MUG], "location": "NOWHERE", "quantity": "1"}
    answer = shelver.send("/floor/put-back", {**form, "token": shelver.token("/floor/put-back")})
    assert (answer.status_code, "is not a location of this building" in answer.text) == (409, True)
    assert f'name="item" value="{codes[MUG]}"' in answer.text
    assert database.rows("SELECT done FROM put_back") == [(0,)]
    shelver.http.close()


def test_a_packer_does_not_shelve(server: str, house: Any) -> None:
    packer = _logged_in(server, house, "W-1002")
    assert packer.http.get("/floor/put-back").status_code == 403
    packer.http.close()


@pytest.mark.usefixtures("waiting")
def test_the_bench_says_what_to_take_out_and_why_it_waits(server: str, house: Any, database: Any) -> None:
    packer = _logged_in(server, house, "W-1002")
    address = packer.http.get("/floor/pack", params={"tote": "T-001"}).headers["location"]
    assert "Take out and put aside" in packer.http.get(address).text
    database.rows("UPDATE shipment SET pending_changes = 1")
    page = packer.http.get(address).text
    assert "A change of it is being decided." in page
    assert "Somebody asked for a change of this shipment." in page
    packer.http.close()
