# SPDX-License-Identifier: Apache-2.0
from threading import Barrier, Thread
from typing import Any

import pypdfium2
import pytest

from wms.floor.actions import ActionReused
from wms.floor.papers import pick_list
from wms.floor.picking import CannotPick, bind_tote, report_short
from wms.floor.scans import WrongScan
from wms.floor.walk import find_list, walk_of
from wms.orders.models import HoldKind, Order
from wms.orders.service import events_of_order, place_hold
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import NotFound
from wms.platform.ids import uuid7

MUG, TOWEL, BOOK = "FF-MUG-SAND", "FF-TOWEL-STR", "FF-BOOK-SOUP"


def test_a_cart_takes_the_shipments_in_the_order_of_their_release_and_walks_the_building_once(floor: Any) -> None:
    first = floor.order("F-1", {MUG: 2, TOWEL: 1})
    floor.release()
    second = floor.order("J-1", {"JT-SOCK-M": 1, "JT-SOCK-L": 1}, "juniper")
    floor.release()
    third = floor.order("F-2", {TOWEL: 3, MUG: 1})
    floor.release()

    walk = floor.walk(floor.plan(slots=2))

    assert [(stop.location, stop.sku, stop.left, stop.slot) for stop in walk.stops] == [
        ("A-01-2", TOWEL, 1, 1),
        ("A-02-3", MUG, 2, 1),
        ("B-02-1", "JT-SOCK-L", 1, 2),
        ("B-01-3", "JT-SOCK-M", 1, 2),
    ]
    with transaction(WAREHOUSE) as session:
        assert floor.shipment(session, "fennel", first).state == "picking"
        assert floor.shipment(session, "juniper", second).state == "picking"
        assert floor.shipment(session, "fennel", third).state == "released"
        events = events_of_order(session, floor.house.brands["fennel"].id, first)
        assert [event.kind for event in events] == ["accepted", "released", "picking_started"]
        assert events[-1].actor == "staff:W-1001"


def test_whoever_still_has_a_walk_is_given_that_one_again(floor: Any) -> None:
    floor.order("F-1", {MUG: 1})
    floor.release()
    list_id = floor.plan()
    floor.order("F-2", {MUG: 1})
    floor.release()
    assert floor.plan() == list_id
    assert floor.plan(badge="W-1004") not in (None, list_id)
    assert floor.plan(badge="W-1003") is None


def test_two_carts_that_ask_at_the_same_moment_never_share_a_shipment(floor: Any, database: Any) -> None:
    for number in range(6):
        floor.order(f"F-{number}", {MUG: 1})
    floor.release()
    barrier, lists = Barrier(2), []

    def ask(badge: str) -> None:
        barrier.wait()
        lists.append(floor.plan(slots=4, badge=badge))

    threads = [Thread(target=ask, args=(badge,)) for badge in ("W-1001", "W-1004")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(lists)) == 2
    taken = database.rows("SELECT shipment_id, count(DISTINCT pick_list_id) FROM pick_task GROUP BY shipment_id")
    assert all(lists_of_it == 1 for _, lists_of_it in taken)
    assert len(taken) >= 4


def test_the_right_scans_bring_the_goods_into_the_tote_and_finish_the_shipment(floor: Any, database: Any) -> None:
    order_id = floor.order("F-1", {MUG: 3})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    stop = floor.walk(list_id).next_stop

    assert floor.pick(list_id, stop, quantity=2) == "2 × Mug, sand glaze, 350 ml in tote T-001."
    rest = floor.walk(list_id).next_stop
    assert (rest.task_id, rest.left) == (stop.task_id, 1)
    floor.pick(list_id, rest)

    with transaction(WAREHOUSE) as session:
        assert floor.shipment(session, "fennel", order_id).state == "picked"
        events = events_of_order(session, floor.house.brands["fennel"].id, order_id)
        assert events[-1].kind == "picked"
        assert events[-1].data["pieces"] == 3
    assert database.rows("SELECT state FROM pick_list") == [("done",)]
    moves = database.rows(
        "SELECT account, sum(quantity)::int FROM stock_move WHERE reason = 'pick' GROUP BY 1 ORDER BY 1"
    )
    assert moves == [("bin", -3), ("tote", 3)]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"location_code": "A-01-1"}, "Wrong place: this is A-01-1. Go to A-02-3."),
        ({"location_code": ""}, "Wrong place: this is nothing. Go to A-02-3."),
        ({"item_barcode": "5060987600124"}, "Wrong item: that is Tea towels, pair. Take Mug, sand glaze, 350 ml."),
        (
            {"item_barcode": "4006381333931"},
            "Unknown code “4006381333931”. Take Mug, sand glaze, 350 ml (FF-MUG-SAND).",
        ),
        ({"tote_code": "T-002"}, "Wrong tote: that is T-002. This goes into T-001, slot 1."),
        ({"tote_code": "T-009"}, "Wrong tote: that is T-009. This goes into T-001, slot 1."),
        ({"tote_code": "A-02-3"}, "“A-02-3” is not a tote. Scan the label on the tote."),
        ({"quantity": 4}, "3 pieces are wanted here, not 4."),
        ({"quantity": 0}, "3 pieces are wanted here, not 0."),
    ],
)
def test_a_wrong_scan_is_refused_with_a_sentence_and_nothing_is_recorded(
    floor: Any, bare: Any, changed: dict[str, Any], sentence: str
) -> None:
    floor.order("F-1", {MUG: 3})
    floor.release()
    floor.order("F-2", {TOWEL: 1})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    stop = next(stop for stop in floor.walk(list_id).stops if stop.sku == MUG)
    before = bare()

    with pytest.raises(WrongScan) as refusal:
        floor.pick(list_id, stop, **changed)

    assert refusal.value.detail == sentence
    assert bare() == before


def test_a_scan_that_is_sent_twice_is_done_once_and_answered_twice(floor: Any, bare: Any) -> None:
    floor.order("F-1", {MUG: 3})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    stop = floor.walk(list_id).next_stop
    action_id = uuid7()

    said = floor.pick(list_id, stop, action_id=action_id, quantity=2)
    after = bare()
    assert floor.pick(list_id, stop, action_id=action_id, quantity=2) == said
    assert bare() == after
    assert floor.walk(list_id).next_stop.left == 1


def test_the_same_scan_sent_by_two_threads_at_once_is_done_once(floor: Any) -> None:
    floor.order("F-1", {MUG: 4})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    stop = floor.walk(list_id).next_stop
    action_id, barrier, said = uuid7(), Barrier(4), []

    def scan() -> None:
        barrier.wait()
        said.append(floor.pick(list_id, stop, action_id=action_id, quantity=1))

    threads = [Thread(target=scan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["1 × Mug, sand glaze, 350 ml in tote T-001."] * 4
    assert floor.walk(list_id).next_stop.left == 3


def test_an_action_of_somebody_else_is_not_answered(floor: Any) -> None:
    floor.order("F-1", {MUG: 1})
    floor.order("F-2", {MUG: 1})
    floor.release()
    mine, theirs = floor.plan(slots=1), floor.plan(slots=1, badge="W-1004")
    floor.bind(mine)
    action_id = uuid7()
    floor.pick(mine, floor.walk(mine).next_stop, action_id=action_id)
    stop = floor.walk(theirs, "W-1004").next_stop
    with pytest.raises(ActionReused):
        floor.pick(theirs, stop, "W-1004", action_id=action_id)


def test_a_walk_of_somebody_else_is_not_found(floor: Any) -> None:
    floor.order("F-1", {MUG: 1})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    stop = floor.walk(list_id).next_stop
    with pytest.raises(NotFound):
        floor.pick(list_id, stop, "W-1004")


def test_a_tote_in_use_is_refused_and_a_slot_keeps_its_first_tote(floor: Any, bare: Any) -> None:
    floor.order("F-1", {MUG: 1})
    floor.order("F-2", {MUG: 1})
    floor.release()
    list_id = floor.plan()

    def bind(slot: int, tote: str) -> str:
        with transaction(WAREHOUSE) as session:
            staff = floor.staff(session)
            return bind_tote(session, uuid7(), find_list(session, staff, list_id), slot, tote, staff).sentence

    assert bind(1, "t-007\r\n") == "Tote T-007 stands in slot 1."
    assert bind(1, "T-007") == "Tote T-007 stands in slot 1."
    before = bare()
    for slot, tote, sentence in (
        (2, "T-007", "Tote T-007 is in use. Take an empty one."),
        (1, "T-008", "Slot 1 already has tote T-007."),
        (2, "X-1", "“X-1” is not a tote. Scan the label on the tote."),
    ):
        with pytest.raises(WrongScan, match=sentence.replace(".", r"\.")):
            bind(slot, tote)
    assert bare() == before
    assert [slot.tote for slot in floor.walk(list_id).slots] == ["T-007", None]


def test_a_stop_without_a_tote_cannot_be_confirmed(floor: Any) -> None:
    floor.order("F-1", {MUG: 1})
    floor.release()
    list_id = floor.plan()
    with pytest.raises(WrongScan, match="Slot 1 has no tote yet"):
        floor.pick(list_id, floor.walk(list_id).next_stop, tote_code="T-001")


def _short(floor: Any, list_id: Any, stop: Any, missing: int, location: str | None = None) -> str:
    with transaction(WAREHOUSE) as session:
        from wms.floor.picking import find_task

        staff = floor.staff(session)
        task = find_task(session, staff, list_id, stop.task_id)
        said = report_short(session, uuid7(), task, location or stop.location, missing, staff).sentence
    return str(said)


def test_a_short_pick_sends_the_picker_to_another_bin_that_has_the_goods(floor: Any) -> None:
    order_id = floor.order("F-1", {TOWEL: 2})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    stop = floor.walk(list_id).next_stop
    assert stop.location == "A-01-2"

    assert _short(floor, list_id, stop, 2) == "Noted. Another place has them: it comes later on this walk."
    other = floor.walk(list_id).next_stop
    assert (other.location, other.left, other.tote) == ("B-01-2", 2, "T-001")
    floor.pick(list_id, other)
    with transaction(WAREHOUSE) as session:
        assert floor.shipment(session, "fennel", order_id).state == "picked"


def test_what_no_bin_has_is_cancelled_where_the_brand_says_so_and_the_rest_ships(floor: Any, database: Any) -> None:
    order_id = floor.order("F-1", {BOOK: 3})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    stop = floor.walk(list_id).next_stop
    floor.pick(list_id, stop, quantity=1)

    said = _short(floor, list_id, stop, 2)
    assert said == "Noted: 2 × The Soup Book, hardback missing, and no other place has them."
    with transaction(WAREHOUSE) as session:
        assert floor.shipment(session, "fennel", order_id).state == "picked"
        events = events_of_order(session, floor.house.brands["fennel"].id, order_id)
        assert [event.kind for event in events][-2:] == ["line_cancelled", "picked"]
    assert database.rows("SELECT state FROM pick_task") == [("short",)]
    assert database.rows("SELECT quantity, picked FROM shipment_line") == [(1, 1)]


def test_a_shipment_of_which_nothing_is_found_frees_its_tote(floor: Any, database: Any) -> None:
    order_id = floor.order("F-1", {BOOK: 3})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    _short(floor, list_id, floor.walk(list_id).next_stop, 3)
    with transaction(WAREHOUSE) as session:
        assert floor.shipment(session, "fennel", order_id).state == "cancelled"
    assert database.rows("SELECT count(*) FROM tote WHERE shipment_id IS NOT NULL") == [(0,)]
    assert database.rows("SELECT state FROM pick_list") == [("done",)]


def test_a_short_pick_is_reported_at_the_bin_and_not_from_afar(floor: Any, bare: Any) -> None:
    floor.order("F-1", {TOWEL: 2})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    before = bare()
    with pytest.raises(WrongScan, match="Wrong place"):
        _short(floor, list_id, floor.walk(list_id).next_stop, 2, "A-03-1")
    with pytest.raises(WrongScan, match="3 cannot be missing"):
        _short(floor, list_id, floor.walk(list_id).next_stop, 3)
    assert bare() == before


def test_a_hold_stops_the_picking_of_its_shipment_and_the_walk_passes_it_by(floor: Any, bare: Any) -> None:
    held = floor.order("F-1", {TOWEL: 1})
    floor.order("F-2", {MUG: 1})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    stop = floor.walk(list_id).next_stop
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (floor.house.brands["fennel"].id, held))
        place_hold(session, order, HoldKind.BRAND_REQUEST, owner="brand", handle="h1", actor="brand:fennel")
    before = bare()

    with pytest.raises(CannotPick, match="on hold"):
        floor.pick(list_id, stop)

    assert bare() == before
    walk = floor.walk(list_id)
    assert walk.next_stop.sku == MUG
    assert [slot.held for slot in walk.slots] == [True, False]


def test_a_held_shipment_is_not_given_to_a_cart(floor: Any) -> None:
    held = floor.order("F-1", {TOWEL: 1})
    floor.release()
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (floor.house.brands["fennel"].id, held))
        place_hold(session, order, HoldKind.BRAND_REQUEST, owner="brand", handle="h1", actor="brand:fennel")
    assert floor.plan() is None


def test_a_hold_that_is_being_placed_makes_the_scan_wait_and_then_stops_it(floor: Any, bare: Any) -> None:
    order_id = floor.order("F-1", {MUG: 1})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    stop, ended = floor.walk(list_id).next_stop, []

    def scan() -> None:
        try:
            ended.append(floor.pick(list_id, stop))
        except CannotPick as refusal:
            ended.append(refusal.detail)

    thread = Thread(target=scan)
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (floor.house.brands["fennel"].id, order_id))
        place_hold(session, order, HoldKind.BRAND_REQUEST, owner="brand", handle="h1", actor="brand:fennel")
        # The lock on the order is held from here on, whether the hold's row is written already or not.
        session.flush()
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()
        assert ended == []
    thread.join()
    assert ended == ["This shipment was put on hold. Leave the goods and go on with the next stop."]


def test_a_supervisor_takes_over_a_walk_and_the_one_who_left_it_scans_nothing_more(
    floor: Any, visitor: Any, bare: Any, database: Any
) -> None:
    floor.order("F-1", {MUG: 2, TOWEL: 1})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    floor.pick(list_id, floor.walk(list_id).next_stop)
    rest = floor.walk(list_id).next_stop
    take = f"/floor/pick/{list_id}/take"

    visitor.log_in("W-1001", floor.house.staff["W-1001"].pin)
    assert take not in visitor.http.get("/floor/pick").text
    assert visitor.send(take, {"token": visitor.token("/floor/pick")}).status_code == 403
    visitor.log_in("W-1004", floor.house.staff["W-1004"].pin)
    page = visitor.http.get("/floor/pick").text
    assert take in page
    assert "1 stop left" in page
    form = {"token": visitor.token("/floor/pick"), "action": str(uuid7())}
    for _ in range(2):
        assert visitor.send(take, form).headers["location"].startswith(f"/floor/pick/{list_id}?done=")
    assert "is yours now." in visitor.http.get(f"/floor/pick/{list_id}?done={form['action']}").text

    before = bare()
    with pytest.raises(NotFound, match="not one of your pick lists"):
        floor.pick(list_id, rest)
    assert bare() == before
    floor.pick_all(list_id, badge="W-1004")
    assert database.rows("SELECT state FROM pick_list") == [("done",)]
    assert visitor.send(take, {"token": visitor.token("/floor/pick")}).status_code == 409


def test_a_cart_takes_shipments_of_one_line_or_of_several_and_never_both(floor: Any, database: Any) -> None:
    for ref, lines in (("F-1", {MUG: 1}), ("F-2", {MUG: 1, TOWEL: 1}), ("F-3", {TOWEL: 4}), ("F-4", {MUG: 1, BOOK: 1})):
        floor.order(ref, lines)
        floor.release()
    first, second = floor.plan(), floor.plan(badge="W-1004")
    taken = database.rows(
        "SELECT DISTINCT t.pick_list_id, o.ref FROM pick_task t JOIN shipment_line n ON n.shipment_id = t.shipment_id"
        " JOIN orders o ON o.id = n.order_id ORDER BY o.ref"
    )
    assert taken == [(first, "F-1"), (second, "F-2"), (first, "F-3"), (second, "F-4")]


def test_the_rest_of_a_walk_is_printed_in_the_order_of_its_stops(floor: Any) -> None:
    floor.order("A", {MUG: 2, TOWEL: 1})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    with transaction(WAREHOUSE) as session:
        walk = walk_of(session, find_list(session, floor.staff(session), list_id))
        printed = pick_list(session, walk)
    with pypdfium2.PdfDocument(printed) as pdf:
        words = pdf[0].get_textpage().get_text_range()
    assert f"PICK-{walk.pick_list.number}" in words
    places = [words.index(stop.location) for stop in walk.stops]
    assert len(places) == 2
    assert places == sorted(places)
