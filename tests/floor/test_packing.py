# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pypdfium2 as pdfium
import pytest
from sqlmodel import select

from wms.dispatch.models import Label
from wms.dispatch.prints import ReasonNeeded, WrongLabel
from wms.dispatch.service import void_labels
from wms.floor import packing
from wms.floor.bench import Bench, bench_of
from wms.floor.packing import CannotPack, WeightDoubted
from wms.floor.papers import packing_slip
from wms.floor.scans import WrongScan
from wms.orders.models import HoldKind, Order
from wms.orders.service import events_of_order, place_hold
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.ids import uuid7

MUG, TOWEL, BOOK = "FF-MUG-SAND", "FF-TOWEL-STR", "FF-BOOK-SOUP"
PACKER = "W-1002"


class Bench1:
    """One shipment on a bench; each step is a transaction of its own, as from the screen."""

    def __init__(self, floor: Any, order_id: UUID, brand: str = "fennel") -> None:
        self.floor, self.order_id, self.brand = floor, order_id, brand

    def step(self, work: Callable[..., Any]) -> Any:
        with transaction(WAREHOUSE) as session:
            shipment = self.floor.shipment(session, self.brand, self.order_id)
            return work(session, shipment, self.floor.staff(session, PACKER))

    def scan(self, sku: str, quantity: int = 1, action_id: UUID | None = None, code: str | None = None) -> str:
        barcode = code or self.floor.house.brands[self.brand].barcodes[sku]
        action = action_id or uuid7()
        return str(self.step(lambda s, sh, st: packing.scan_item(s, action, sh, barcode, quantity, st).sentence))

    def close(self, weight_g: int, carton: str = "M", confirmed: bool = False) -> str:
        return str(
            self.step(
                lambda s, sh, st: (
                    packing.close_package(s, uuid7(), sh, carton, weight_g, st, confirmed=confirmed).sentence
                )
            )
        )

    def finish(self) -> str:
        return str(self.step(lambda s, sh, st: packing.finish_packing(s, sh, st).sentence))

    @property
    def look(self) -> Bench:
        found: Bench = self.step(lambda s, sh, _: bench_of(s, sh))
        return found

    @property
    def state(self) -> str:
        return str(self.step(lambda _s, sh, _st: sh.state))


@pytest.fixture
def bench(floor: Any) -> Callable[..., Bench1]:
    """Brings an order to the bench: accepted, released and picked."""

    def bring(lines: dict[str, int], ref: str = "F-1", brand: str = "fennel") -> Bench1:
        order_id = floor.order(ref, lines, brand)
        floor.release()
        list_id = floor.plan()
        floor.bind(list_id)
        floor.pick_all(list_id)
        return Bench1(floor, order_id, brand)

    return bring


def _open(floor: Any, tote: str) -> UUID:
    with transaction(WAREHOUSE) as session:
        return packing.open_tote(session, tote, floor.staff(session, PACKER)).id


def test_a_tote_opens_the_bench_of_its_shipment(floor: Any, bench: Any) -> None:
    one = bench({MUG: 1})
    with transaction(WAREHOUSE) as session:
        expected = floor.shipment(session, "fennel", one.order_id).id
    assert _open(floor, "t-001 ") == expected


def test_a_tote_that_cannot_be_packed_says_why(floor: Any) -> None:
    order_id = floor.order("F-1", {MUG: 2})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    floor.pick(list_id, floor.walk(list_id).next_stop, quantity=1)
    with pytest.raises(CannotPack, match=r"^Not everything is picked yet: 1 of 2 pieces are in the tote\.$"):
        _open(floor, "T-001")
    with pytest.raises(WrongScan, match=r"^Tote T-002 is empty\.$"):
        _open(floor, "T-002")
    with pytest.raises(WrongScan, match="not a tote"):
        _open(floor, "F-1")
    floor.pick_all(list_id)
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (floor.house.brands["fennel"].id, order_id))
        place_hold(session, order, HoldKind.ADDRESS_REVIEW, owner="brand", handle="h", actor="brand:fennel")
    with pytest.raises(CannotPack, match=r"^Order F-1 is on hold \(address review\)\. Put the tote aside\.$"):
        _open(floor, "T-001")


def test_scanned_items_fill_the_box_and_the_bench_counts_along(bench: Any) -> None:
    one = bench({MUG: 2, TOWEL: 1})
    assert one.scan(MUG) == "1 × Mug, sand glaze, 350 ml in box 1."
    assert [(item.code, item.packed, item.picked) for item in one.look.items] == [(MUG, 1, 2), (TOWEL, 0, 1)]
    one.scan(MUG)
    one.scan(TOWEL)
    assert one.look.left == 0
    assert one.look.open_box.items == [("Mug, sand glaze, 350 ml", 2), ("Tea towels, pair", 1)]
    assert one.look.carton.code == "S"


@pytest.mark.parametrize(
    ("scan", "sentence"),
    [
        ({"sku": TOWEL}, "Wrong item: Tea towels, pair does not belong to this shipment."),
        ({"sku": MUG, "code": "4006381333931"}, "Unknown code “4006381333931”. Scan the code on the article."),
        ({"sku": MUG, "quantity": 3}, "Only 2 × Mug, sand glaze, 350 ml can still be packed, not 3."),
        ({"sku": MUG, "quantity": 0}, "Only 2 × Mug, sand glaze, 350 ml can still be packed, not 0."),
    ],
)
def test_a_wrong_item_or_one_too_many_is_refused_and_nothing_is_recorded(
    bench: Any, bare: Any, scan: dict[str, Any], sentence: str
) -> None:
    one = bench({MUG: 2})
    before = bare()
    with pytest.raises(WrongScan) as refusal:
        one.scan(**scan)
    assert refusal.value.detail == sentence
    assert bare() == before


def test_the_piece_after_the_last_is_one_too_many(bench: Any, bare: Any) -> None:
    one = bench({MUG: 1})
    one.scan(MUG)
    before = bare()
    with pytest.raises(WrongScan, match="All of Mug, sand glaze, 350 ml is packed already"):
        one.scan(MUG)
    assert bare() == before


def test_an_item_scan_that_is_sent_twice_puts_one_piece_into_the_box(bench: Any) -> None:
    one = bench({MUG: 2})
    action_id = uuid7()
    assert one.scan(MUG, action_id=action_id) == one.scan(MUG, action_id=action_id)
    assert one.look.left == 1


def test_a_code_that_the_scanner_fills_with_a_zero_is_the_same_article(bench: Any) -> None:
    one = bench({MUG: 1})
    barcode = one.floor.house.brands["fennel"].barcodes[MUG]
    assert one.scan(MUG, code=f"0{barcode}") == "1 × Mug, sand glaze, 350 ml in box 1."


def test_a_weight_that_cannot_be_right_is_asked_about_once(bench: Any) -> None:
    one = bench({MUG: 2})
    one.scan(MUG, 2)
    for weight_g in (339, 2041):
        with pytest.raises(WeightDoubted, match=f"The scale says {weight_g} g"):
            one.close(weight_g)
        assert one.look.open_box is not None
    assert one.close(2041, confirmed=True) == "Box 1 is closed: Medium box, 2041 g."


def test_goods_that_need_two_boxes_leave_in_two_boxes(bench: Any, database: Any) -> None:
    one = bench({MUG: 2, TOWEL: 1})
    one.scan(MUG, 2)
    assert one.close(920) == "Box 1 is closed: Medium box, 920 g."
    assert one.scan(TOWEL) == "1 × Tea towels, pair in box 2."
    with pytest.raises(CannotPack, match="0 pieces are not in a closed box yet"):
        one.finish()
    one.close(300, "S")
    assert one.finish() == "Packed. The label is on its way."
    assert one.state == "labelling"
    assert database.rows("SELECT number, state, weight_g, length_mm FROM package ORDER BY number") == [
        (1, "packed", 920, 350),
        (2, "packed", 300, 250),
    ]


def test_packing_ends_only_when_every_picked_piece_is_in_a_closed_box(bench: Any, bare: Any) -> None:
    one = bench({MUG: 2})
    one.scan(MUG)
    one.close(460)
    before = bare()
    with pytest.raises(CannotPack, match=r"^1 pieces are not in a closed box yet\.$"):
        one.finish()
    assert bare() == before
    assert one.state == "picked"


def test_finishing_frees_the_tote_and_asks_for_the_label_once(bench: Any, database: Any) -> None:
    one = bench({MUG: 1})
    one.scan(MUG)
    one.close(460)
    one.finish()
    assert one.finish() == "Packed. The label is on its way."
    assert database.rows("SELECT count(*) FROM tote WHERE shipment_id IS NOT NULL") == [(0,)]
    assert database.rows("SELECT attempt, state FROM label_purchase") == [(1, "calling")]
    with transaction(WAREHOUSE) as session:
        events = events_of_order(session, one.floor.house.brands["fennel"].id, one.order_id)
        assert events[-1].kind == "packed"
        assert (events[-1].data["packages"], events[-1].data["weight_g"]) == (1, 460)


def test_a_box_can_be_emptied_and_scanned_anew(bench: Any) -> None:
    one = bench({MUG: 2})
    one.scan(MUG, 2)
    said = one.step(lambda s, sh, st: packing.empty_box(s, uuid7(), sh, st).sentence)
    assert said == "Box 1 is empty again. Scan its items anew."
    assert one.look.left == 2
    with pytest.raises(CannotPack, match="There is nothing in the box"):
        one.close(460)


def test_a_hold_stops_the_packer_at_every_step(bench: Any, bare: Any) -> None:
    one = bench({MUG: 2})
    one.scan(MUG)
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (one.floor.house.brands["fennel"].id, one.order_id))
        place_hold(session, order, HoldKind.FRAUD_REVIEW, owner="brand", handle="h", actor="brand:fennel")
    before = bare()
    for step in (lambda: one.scan(MUG), lambda: one.close(460), one.finish):
        with pytest.raises(CannotPack, match="fraud review"):
            step()
    assert bare() == before


def test_the_label_is_printed_once_without_a_reason_and_must_be_the_boxs_own(
    bench: Any, sandbox: Any, run_jobs: Any, database: Any
) -> None:
    one = bench({MUG: 1})
    one.scan(MUG)
    one.close(460)
    one.finish()
    run_jobs()
    assert one.state == "labelled"
    package = one.look.next_unverified.package

    def print_it(reason: str) -> bytes:
        content: bytes = one.step(lambda s, sh, st: packing.print_box_label(s, sh, package, reason, st))
        return content

    assert print_it("").startswith(b"%PDF")
    with pytest.raises(ReasonNeeded):
        print_it("  ")
    assert print_it("It was damaged").startswith(b"%PDF")
    assert database.rows("SELECT reason, actor FROM label_print ORDER BY reason") == [
        ("", "staff:W-1002"),
        ("It was damaged", "staff:W-1002"),
    ]

    def scan_label(barcode: str) -> str:
        said: str = one.step(
            lambda s, sh, st: (
                packing.scan_label(s, uuid7(), sh, packing.find_package(s, sh, package.id), barcode, st).sentence
            )
        )
        return said

    with pytest.raises(WrongLabel):
        scan_label("SBX000000000")
    assert one.look.next_unverified is not None
    with transaction(WAREHOUSE) as session:
        barcode = session.exec(select(Label.barcode)).one()
    assert scan_label(f"{barcode}\r") == "Box 1 carries the right label."
    assert one.look.next_unverified is None


def test_a_refused_label_says_why_and_can_be_asked_for_again(bench: Any, sandbox: Any, run_jobs: Any) -> None:
    one = bench({MUG: 1})
    one.scan(MUG)
    one.close(460)
    sandbox.fault("purchase", "refuse")
    one.finish()
    run_jobs()
    assert one.state == "packed"
    assert one.look.trouble
    one.step(lambda s, sh, st: packing.ask_for_labels(s, uuid7(), sh, st))
    run_jobs()
    assert one.state == "labelled"
    assert one.look.trouble == ""


def test_a_refused_label_stands_at_the_benches_with_its_reason_and_a_retry(
    bench: Any, sandbox: Any, run_jobs: Any, visitor: Any, floor: Any, database: Any
) -> None:
    one = bench({MUG: 1})
    one.scan(MUG)
    one.close(460)
    sandbox.fault("purchase", "refuse")
    one.finish()
    run_jobs()
    visitor.log_in(PACKER, floor.house.staff[PACKER].pin)
    ((reason,),) = database.rows("SELECT reason FROM label_purchase")
    waiting = visitor.http.get("/floor/pack").text
    shipment = one.step(lambda _s, sh, _st: sh)
    at = f"/floor/pack/{shipment.brand_id}/{shipment.id}"
    assert at in waiting
    assert f"no label: {reason}" in waiting
    assert reason in visitor.http.get(at).text
    visitor.send(f"{at}/labels", {"token": visitor.token(at)})
    run_jobs()
    assert one.state == "labelled"
    assert reason not in visitor.http.get("/floor/pack").text

    one.step(lambda s, sh, _: void_labels(s, sh, "staff:W-1004", "smudged"))
    assert "Its label is void." in visitor.http.get(at).text


def test_the_packing_slip_names_the_brand_the_order_and_every_article(bench: Any) -> None:
    one = bench({MUG: 2, TOWEL: 1})
    one.scan(MUG, 2)
    one.scan(TOWEL)
    package = one.look.open_box.package
    content = one.step(lambda s, sh, _: packing_slip(s, sh, package))
    document = pdfium.PdfDocument(content)
    text = "".join(page.get_textpage().get_text_range() for page in document)
    for expected in ("Fennel & Finch", "F-1", "Mug, sand glaze, 350 ml", "Tea towels, pair", "Asha Rao"):
        assert expected in text
