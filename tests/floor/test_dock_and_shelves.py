# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest
from sqlmodel import select

from tests.factories import BOOKS, offences
from wms.catalog.models import Barcode
from wms.dispatch.dock import NotForHandOver
from wms.dispatch.models import CarrierAccount, Label, Manifest
from wms.dispatch.prints import verify_label
from wms.dispatch.service import request_labels
from wms.floor.board import board_of
from wms.floor.desk import search, story_of
from wms.floor.dock import close_manifest, find_manifest, gate_of, scan_out
from wms.floor.scans import WrongScan
from wms.floor.shelves import WhichBrand, content_of, receive_goods
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import Invalid, NotFound
from wms.platform.ids import uuid7
from wms.shipments.packages import packages_of
from wms.stock.models import Location

MUG = "FF-MUG-SAND"
STOCK = "/floor/stock?location=A-02-3"


@pytest.fixture
def parcel(bench: Any, sandbox: Any, run_jobs: Any) -> str:
    """A packed parcel with a checked label; what the label reads."""
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    with transaction(WAREHOUSE) as session:
        label = session.exec(select(Label)).one()
        for package in packages_of(session, shipment):
            verify_label(session, package, label.barcode or "", "staff:W-1002")
        return label.barcode or ""


def _scan(floor: Any, code: str, action_id: Any = None) -> str:
    with transaction(WAREHOUSE) as session:
        account = session.get_one(CarrierAccount, floor.house.account_id)
        said = scan_out(session, action_id or uuid7(), account, code, floor.staff(session, "W-1003")).sentence
    return str(said)


def test_a_parcel_is_handed_over_once_and_stands_on_the_manifest(floor: Any, parcel: str, run_jobs: Any) -> None:
    action_id = uuid7()
    assert _scan(floor, f"{parcel}\n", action_id) == _scan(floor, parcel, action_id) == f"Handed over: {parcel}."
    with pytest.raises(NotForHandOver, match=r"^This parcel was scanned already\.$"):
        _scan(floor, parcel)
    with transaction(WAREHOUSE) as session:
        account = session.get_one(CarrierAccount, floor.house.account_id)
        gate = gate_of(session, account)
        assert [one.tracking_number for one in gate.parcels] == [parcel]
        assert gate.waiting == 0
        manifest = find_manifest(session, floor.staff(session), session.exec(select(Manifest.id)).one())
        close_manifest(session, uuid7(), manifest, floor.staff(session, "W-1003"))
    run_jobs()
    with transaction(WAREHOUSE) as session:
        gate = gate_of(session, session.get_one(CarrierAccount, floor.house.account_id))
        assert (gate.manifest, gate.parcels, [one.state for one in gate.closed]) == (None, [], ["closed"])


def test_a_manifest_that_the_carrier_refused_is_shown_with_its_reason_and_closed_again(
    floor: Any, visitor: Any, parcel: str, sandbox: Any, run_jobs: Any, database: Any
) -> None:
    _scan(floor, parcel)
    sandbox.advance(parcel, "collected")
    visitor.log_in("W-1003", floor.house.staff["W-1003"].pin)
    gate = f"/floor/dock/{floor.house.account_id}"
    ((manifest_id,),) = database.rows("SELECT id FROM manifest")
    close = f"{gate}/{manifest_id}/close"
    visitor.send(close, {"token": visitor.token(gate)})
    run_jobs()
    ((reason,),) = database.rows("SELECT reason FROM manifest WHERE state = 'closing'")
    page = visitor.http.get(gate).text
    assert reason in page
    assert f'action="{close}"' in page
    assert "a manifest was refused" in visitor.http.get("/floor/dock").text

    # The driver brings it back to the ramp, and the carrier takes the manifest.
    sandbox.advance(parcel, "label_created")
    assert visitor.send(close, {"token": visitor.token(gate)}).status_code == 303
    again = visitor.send(close, {"token": visitor.token(gate)})
    assert (again.status_code, "This manifest is closing." in again.text) == (409, True)
    run_jobs()
    assert database.rows("SELECT state, reason FROM manifest") == [("closed", None)]
    assert "did not take" not in visitor.http.get(gate).text


def test_a_code_that_is_no_label_of_ours_is_refused(floor: Any, parcel: str, bare: Any) -> None:
    before = bare()
    with pytest.raises(NotFound, match=r"^This is not the label of one of our parcels\.$"):
        _scan(floor, MUG)
    assert bare() == before


def _receive(floor: Any, barcode: str, quantity: int, place: str = "A-02-3", **more: Any) -> str:
    with transaction(WAREHOUSE) as session:
        staff = floor.staff(session, "W-1003")
        action_id = more.pop("action_id", None) or uuid7()
        return str(receive_goods(session, action_id, place, barcode, quantity, staff, **more).sentence)


def _content(floor: Any, place: str) -> list[tuple[str, str, int]]:
    with transaction(WAREHOUSE) as session:
        found = content_of(session, session.get_one(Location, floor.house.locations[place]))
        return [(shelf.sku, shelf.lot, shelf.on_hand) for shelf in found]


def test_goods_that_are_received_twice_under_one_action_are_booked_once(floor: Any) -> None:
    action_id, code = uuid7(), floor.house.brands["fennel"].barcodes[MUG]
    said = _receive(floor, code, 12, action_id=action_id, reference="DN-7")
    assert said == "12 × Mug, sand glaze, 350 ml received into A-02-3."
    assert _receive(floor, code, 12, action_id=action_id) == said
    assert _content(floor, "A-02-3") == [(MUG, "", 132)]


def test_a_receipt_that_cannot_be_true_is_refused_and_books_nothing(floor: Any, bare: Any) -> None:
    codes = floor.house.brands["fennel"].barcodes
    before = bare()
    for error, sentence, arguments in (
        (WrongScan, "is not a location of this building", (codes[MUG], 1, "Z-99-9")),
        (WrongScan, "Unknown code", ("4006381333931", 1)),
        (Invalid, "Type how many pieces arrived", (codes[MUG], 0)),
        (Invalid, "is kept by lot", (codes["FF-TEA-ASSAM"], 5)),
    ):
        with pytest.raises(error, match=sentence):
            _receive(floor, *arguments)
    assert bare() == before
    _receive(floor, codes["FF-TEA-ASSAM"], 5, "A-03-2", lot="L2612")
    assert _content(floor, "A-03-2") == [("FF-TEA-ASSAM", "L2611", 75), ("FF-TEA-ASSAM", "L2612", 5)]


def test_a_code_of_two_brands_is_received_only_after_the_brand_is_chosen(floor: Any, bare: Any) -> None:
    fennel, juniper = floor.house.brands["fennel"], floor.house.brands["juniper"]
    with transaction(WAREHOUSE) as session:
        code = fennel.barcodes[MUG]
        session.add(Barcode(brand_id=juniper.id, code=code, sku_id=juniper.skus["JT-MUG-ENML"]))
    before = bare()
    with pytest.raises(WhichBrand, match="Fennel & Finch and Juniper Trail"):
        _receive(floor, code, 3, "RECV-01")
    assert bare() == before
    assert _receive(floor, code, 3, "RECV-01", brand_id=juniper.id) == "3 × Enamel mug received into RECV-01."


def test_the_desk_finds_an_order_by_whatever_is_printed_on_paper(floor: Any, parcel: str, database: Any) -> None:
    ref, sscc, master = database.rows(
        "SELECT (SELECT ref FROM orders), (SELECT sscc FROM package), (SELECT master_tracking FROM shipment)"
    )[0]
    with transaction(WAREHOUSE) as session:
        warehouse_id = floor.house.warehouse_id
        for printed in (ref, f" {ref} ", parcel, sscc, f"00{sscc}", f"(00){sscc}", master or parcel):
            assert [found.ref for found in search(session, warehouse_id, printed)] == [ref], printed
        assert search(session, warehouse_id, "") == []
        assert search(session, warehouse_id, "nothing") == []
        found = search(session, warehouse_id, ref)[0]
        story = story_of(session, floor.staff(session), found.brand_id, found.order_id)
        assert [event.seq for event in story.events] == list(range(1, len(story.events) + 1))
        assert [line.picked for line in story.lines] == [line.quantity for line in story.lines]
        with pytest.raises(NotFound):
            story_of(session, floor.staff(session), floor.house.brands["juniper"].id, found.order_id)


def test_the_board_counts_every_stage_and_names_what_comes_next(floor: Any) -> None:
    floor.order("F-1", {MUG: 1})
    floor.release()
    floor.order("F-2", {MUG: 1})
    floor.order("J-2", {"JT-SOCK-M": 1}, "juniper")
    with transaction(WAREHOUSE) as session:
        board = board_of(session, floor.house.warehouse_id, floor.clock.at)
    assert {str(stage): count for stage, count in board.counts.items() if count} == {"held": 2, "released": 1}
    assert [(card.refs, (card.at - board.at).total_seconds()) for card in board.next_releases] == [
        ("F-2", 60),
        ("J-2", 300),
    ]
    assert [card.refs for card in board.oldest] == ["F-1"]
    assert (board.left_today, board.is_quiet, board.blocked) == (0, True, 0)


@pytest.fixture
def clerk(floor: Any, visitor: Any) -> Any:
    visitor.log_in("W-1003", floor.house.staff["W-1003"].pin)
    return visitor


def _shelf_form(floor: Any, token: str, **more: Any) -> dict[str, Any]:
    brand = floor.house.brands["fennel"]
    shelf = {"location": "A-02-3", "brand": str(brand.id), "sku": str(brand.skus[MUG]), "lot": ""}
    return {**shelf, "token": token, "action": str(uuid7()), **more}


def test_goods_are_put_away_once_and_what_is_about_to_be_picked_stays(
    floor: Any, clerk: Any, bare: Any, database: Any
) -> None:
    floor.order("F-1", {MUG: 3})
    floor.release()
    before = bare()
    for target, quantity, sentence in (
        ("RECV-01", 118, "117 pieces can be moved from here; the others are about to be picked."),
        ("RECV-01", 0, "117 pieces can be moved from here"),
        ("Z-99-9", 1, "is not a location of this building"),
        ("A-02-3", 1, "Move the goods to another location of the same building."),
    ):
        answer = clerk.send(
            "/floor/stock/move", _shelf_form(floor, clerk.token(STOCK), target=target, quantity=quantity)
        )
        assert (answer.status_code in (400, 409), sentence in answer.text) == (True, True), sentence
    assert bare() == before

    form = _shelf_form(floor, clerk.token(STOCK), target="recv-01", quantity=17)
    for _ in range(2):
        answer = clerk.send("/floor/stock/move", form)
        assert "17 × Mug, sand glaze, 350 ml moved to RECV-01." in clerk.http.get(answer.headers["location"]).text
    assert _content(floor, "A-02-3") == [(MUG, "", 103)]
    assert _content(floor, "RECV-01") == [(MUG, "", 17)]
    assert offences(*BOOKS) == {}


def test_a_count_books_the_difference_once_and_moves_what_a_picker_was_to_take(
    floor: Any, clerk: Any, database: Any
) -> None:
    floor.order("F-1", {MUG: 3})
    floor.release()
    form = _shelf_form(floor, clerk.token(STOCK), expected=120, counted=2)
    for _ in range(2):
        answer = clerk.send("/floor/stock/count", form)
        page = clerk.http.get(answer.headers["location"]).text
        assert "2 × Mug, sand glaze, 350 ml counted: 118 less than the books said." in page
    assert _content(floor, "A-02-3") == [(MUG, "", 2)]
    assert database.rows("SELECT sum(quantity) FROM allocation WHERE state = 'open'") == [(2,)]
    stale = clerk.send("/floor/stock/count", _shelf_form(floor, clerk.token(STOCK), expected=120, counted=120))
    assert stale.status_code == 409
    assert "The books now say 2, not 120: somebody was here. Count again." in stale.text
    clerk.send("/floor/stock/count", _shelf_form(floor, clerk.token(STOCK), expected=2, counted=5))
    assert _content(floor, "A-02-3") == [(MUG, "", 5)]
    assert offences(*BOOKS) == {}


def test_only_people_of_the_stock_room_move_and_count(floor: Any, visitor: Any, bare: Any) -> None:
    before = bare()
    visitor.log_in("W-1001", floor.house.staff["W-1001"].pin)
    more = {"target": "RECV-01", "quantity": 1, "expected": 120, "counted": 1}
    form = _shelf_form(floor, visitor.token("/floor/pick"), **more)
    for path in ("/floor/stock/move", "/floor/stock/count"):
        assert visitor.send(path, form).status_code == 403
    visitor.log_in("W-1003", floor.house.staff["W-1003"].pin)
    for path in ("/floor/stock/move", "/floor/stock/count"):
        assert visitor.send(path, {**form, "token": "0" * 64}).status_code == 403
    assert bare() == before
