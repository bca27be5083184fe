# SPDX-License-Identifier: Apache-2.0
"""Work that late changes give the floor again: further stops, pieces taken out, parcels opened."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from tests.factories import BOOKS, at_once, bins, counter, offences
from wms.floor import packing, rework
from wms.floor.actions import Outcome
from wms.floor.packing import CannotPack
from wms.floor.put_back import count_tasks, find_put_back, put_back, task_of_item, tasks_of, tasks_of_shipment
from wms.floor.scans import WrongScan
from wms.orders.models import HoldKind, Order, OrderLine
from wms.orders.service import place_hold
from wms.platform.db import WAREHOUSE, brand_scope, transaction
from wms.platform.ids import uuid7
from wms.shipments.models import Shipment, ShipmentLine, ShipmentState
from wms.shipments.service import StateConflict, lines_of, lock_shipment
from wms.stock.allocations import Demand, allocate
from wms.stock.promises import Want, promise, release_promises

MUG, TOWEL, BOOK = "FF-MUG-SAND", "FF-TOWEL-STR", "FF-BOOK-SOUP"
PACKER, SHELVER = "W-1002", "W-1004"
CHECKS = (*BOOKS, "O3", "L1")


class Parcel:
    """One order of the brand "fennel" on the floor, and what changes and people do to it."""

    def __init__(self, floor: Any, lines: dict[str, int]) -> None:
        self.floor, self.brand = floor, floor.house.brands["fennel"]
        self.order_id = floor.order("F-1", lines)
        floor.release()

    def collect(self) -> UUID:
        """Picks all of it; returns the walk."""
        list_id = self.floor.plan()
        self.floor.bind(list_id)
        self.floor.pick_all(list_id)
        return UUID(str(list_id))

    def change(self, work: Callable[[Any, Shipment], Any]) -> Any:
        """Runs a verb in the brand's scope, as its API does, with the shipment locked."""
        with transaction(brand_scope(self.brand.id)) as session:
            shipment = self.floor.shipment(session, "fennel", self.order_id)
            return work(session, lock_shipment(session, shipment.brand_id, shipment.id))

    def bench(self, work: Callable[[Any, Shipment, Any], Any]) -> Any:
        with transaction(WAREHOUSE) as session:
            return work(
                session,
                self.floor.shipment(session, "fennel", self.order_id),
                self.floor.staff(session, PACKER),
            )

    def add(self, sku: str, quantity: int) -> int:
        """Adds a line as a change does, and returns how many stops that makes."""

        def work(session: Any, shipment: Shipment) -> int:
            sku_id = self.brand.skus[sku]
            order_line = OrderLine(
                brand_id=self.brand.id,
                order_id=self.order_id,
                line_no=9,
                sku_id=sku_id,
                quantity=quantity,
                unit_price_minor=100,
            )
            session.add(order_line)
            session.flush()
            promise(session, self.brand.id, shipment.warehouse_id, [Want(order_line.id, sku_id, quantity)])
            line = ShipmentLine(
                brand_id=self.brand.id,
                shipment_id=shipment.id,
                order_id=self.order_id,
                order_line_id=order_line.id,
                sku_id=sku_id,
                quantity=quantity,
            )
            session.add(line)
            session.flush()
            demand = Demand(line.id, sku_id, quantity)
            assert not allocate(session, self.brand.id, shipment.warehouse_id, {shipment.id: [demand]})
            return rework.add_delta_picks(session, shipment)

        return int(self.change(work))

    def take_out(self, sku: str, quantity: int) -> list[tuple[int, str]]:
        """Takes pieces off a line as a change does; returns (pieces, lot) of what must be shelved."""

        def work(session: Any, shipment: Shipment) -> list[tuple[int, str]]:
            line = next(one for one in lines_of(session, shipment) if one.sku_id == self.brand.skus[sku])
            tasks = rework.take_out(session, shipment, {line.id: quantity}, "brand:fennel", "test")
            line.quantity -= quantity
            order_line = session.get_one(OrderLine, (line.brand_id, line.order_line_id))
            order_line.cancelled += quantity
            session.add_all([line, order_line])
            session.flush()
            release_promises(session, line.brand_id, shipment.warehouse_id, {line.order_line_id: quantity})
            rework.settle(session, shipment, "brand:fennel")
            return [(task.quantity, task.lot) for task in tasks]

        found: list[tuple[int, str]] = self.change(work)
        return found

    def scan(self, sku: str, quantity: int = 1) -> str:
        code = self.brand.barcodes[sku]
        return str(self.bench(lambda s, sh, st: packing.scan_item(s, uuid7(), sh, code, quantity, st).sentence))

    def close(self, weight_g: int = 600) -> str:
        return str(
            self.bench(
                lambda s, sh, st: packing.close_package(s, uuid7(), sh, "M", weight_g, st, confirmed=True).sentence
            )
        )

    def finish(self) -> str:
        return str(self.bench(lambda s, sh, st: packing.finish_packing(s, sh, st).sentence))

    def reopen(self) -> None:
        self.change(lambda session, shipment: rework.reopen(session, shipment, "brand:fennel", "test"))

    def open(self, code: str) -> Shipment:
        found: Shipment = self.bench(lambda session, _sh, staff: packing.open_tote(session, code, staff))
        return found

    @property
    def state(self) -> str:
        return str(self.bench(lambda _s, shipment, _st: shipment.state))


@pytest.fixture
def parcel(floor: Any) -> Callable[..., Parcel]:
    return lambda **lines: Parcel(floor, {{"mug": MUG, "towel": TOWEL, "book": BOOK}[k]: n for k, n in lines.items()})


def test_what_is_added_while_the_picker_walks_joins_the_walk_and_its_tote(parcel: Any, floor: Any) -> None:
    one = parcel(mug=1)
    list_id = floor.plan()
    floor.bind(list_id)
    assert one.add(TOWEL, 2) == 1
    walk = floor.walk(list_id)
    assert [(stop.sku, stop.left, stop.slot, stop.tote) for stop in walk.stops] == [
        (MUG, 1, 1, "T-001"),
        (TOWEL, 2, 1, "T-001"),
    ]
    floor.pick(list_id, walk.stops[0])
    with pytest.raises(CannotPack, match=r"^Not everything is picked yet: 1 of 3 pieces are in the tote\.$"):
        one.open("T-001")
    floor.pick_all(list_id)
    assert one.state == "picked"
    assert one.open("T-001").state is ShipmentState.PICKED
    assert offences(*CHECKS) == {}


def test_what_is_added_at_the_bench_is_a_walk_of_its_own_into_the_same_tote(
    parcel: Any, floor: Any, database: Any
) -> None:
    one = parcel(mug=1)
    first = one.collect()
    one.scan(MUG)
    assert one.add(TOWEL, 1) == 1
    assert one.state == "picking"
    with pytest.raises(CannotPack, match=r"^Something was added: 1 of 2 pieces are here\. A picker brings the rest\.$"):
        one.scan(MUG)
    assert database.rows("SELECT state, staff_id FROM pick_list ORDER BY number DESC LIMIT 1") == [("open", None)]
    second = floor.plan(badge=PACKER)
    assert second not in (None, first)
    (stop,) = floor.walk(second, PACKER).stops
    assert (stop.sku, stop.slot, stop.tote) == (TOWEL, 1, "T-001")
    assert floor.plan() is None
    floor.pick(second, stop, PACKER)
    assert one.state == "picked"
    one.scan(TOWEL)
    assert one.close() == "Box 1 is closed: Medium box, 600 g."
    assert one.finish() == "Packed. The label is on its way."
    assert offences(*CHECKS) == {}


def test_a_walk_that_was_added_to_is_not_closed_under_the_picker(parcel: Any, floor: Any, database: Any) -> None:
    one = parcel(mug=1)
    list_id = floor.plan()
    floor.bind(list_id)
    (mug,) = floor.walk(list_id).stops
    one.add(TOWEL, 1)
    floor.pick(list_id, mug)
    assert database.rows("SELECT state FROM pick_list") == [("walking",)]
    floor.pick_all(list_id)
    assert database.rows("SELECT state FROM pick_list") == [("done",)]


def test_a_further_piece_for_a_labelled_parcel_leaves_its_box_and_label_alone(
    parcel: Any, floor: Any, database: Any, sandbox: Any, run_jobs: Any
) -> None:
    one = parcel(mug=1)
    one.collect()
    one.scan(MUG)
    one.close()
    one.finish()
    run_jobs()
    assert one.state == "labelled"
    ((number,),) = database.rows("SELECT tracking_number FROM label")
    assert one.add(TOWEL, 1) == 1
    list_id = floor.plan()
    floor.bind(list_id)
    floor.pick_all(list_id)
    one.scan(TOWEL)
    assert one.close(300) == "Box 2 is closed: Medium box, 300 g."
    one.finish()
    run_jobs()
    assert database.rows("SELECT count(*), count(DISTINCT tracking_number) FROM label WHERE state = 'bought'") == [
        (2, 2)
    ]
    assert (number,) in database.rows("SELECT tracking_number FROM label WHERE state = 'bought'")
    assert len(database.rows("SELECT DISTINCT master_tracking FROM shipment WHERE master_tracking IS NOT NULL")) == 1
    assert offences(*CHECKS) == {}


def test_pieces_still_in_their_bins_stay_there_and_the_shipment_goes_on(parcel: Any, floor: Any, database: Any) -> None:
    one = parcel(mug=2, towel=1)
    before = bins(database, one.brand.skus[TOWEL])
    list_id = floor.plan()
    floor.bind(list_id)
    mug = next(stop for stop in floor.walk(list_id).stops if stop.sku == MUG)
    floor.pick(list_id, mug)
    assert one.take_out(TOWEL, 1) == []
    assert one.state == "picked"
    assert {code: on_hand for code, (on_hand, _) in bins(database, one.brand.skus[TOWEL]).items()} == {
        code: on_hand for code, (on_hand, _) in before.items()
    }
    assert floor.walk(list_id).stops == []
    # The walk that lost its last stop is over when its picker asks for the next one.
    assert floor.plan() is None
    assert database.rows("SELECT state FROM pick_list") == [("done",)]
    assert offences(*CHECKS) == {}


def test_pieces_are_taken_from_the_bins_first_and_then_from_the_tote(parcel: Any, floor: Any, database: Any) -> None:
    one = parcel(mug=5)
    list_id = floor.plan()
    floor.bind(list_id)
    floor.pick(list_id, floor.walk(list_id).next_stop, quantity=3)
    assert one.take_out(MUG, 1) == []
    assert [stop.left for stop in floor.walk(list_id).stops] == [1]
    assert one.take_out(MUG, 2) == [(1, "")]
    assert one.state == "picked"
    assert database.rows("SELECT quantity, picked FROM shipment_line") == [(2, 2)]
    assert offences(*CHECKS) == {}


def test_a_held_shipment_is_not_told_as_picked_when_a_change_takes_the_rest(
    parcel: Any, floor: Any, database: Any
) -> None:
    one = parcel(mug=2)
    list_id = floor.plan()
    floor.bind(list_id)
    floor.pick(list_id, floor.walk(list_id).next_stop, quantity=1)
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (one.brand.id, one.order_id))
        place_hold(session, order, HoldKind.FRAUD_REVIEW, owner="brand", handle="h", actor="brand:fennel")
    one.take_out(MUG, 1)
    assert one.state == "picked"
    assert database.rows("SELECT 1 FROM order_event WHERE kind = 'picked'") == []
    with pytest.raises(CannotPack, match="fraud review"):
        one.open("T-001")
    assert offences(*CHECKS) == {}


def test_a_box_with_a_piece_that_leaves_is_opened_and_the_other_stays_closed(
    parcel: Any, floor: Any, database: Any
) -> None:
    one = parcel(mug=1, towel=2)
    one.collect()
    one.scan(MUG)
    one.close()
    one.scan(TOWEL, 2)
    one.close()
    assert one.take_out(TOWEL, 1) == [(1, "")]
    assert database.rows("SELECT number, state FROM package ORDER BY number") == [(1, "packed"), (2, "cancelled")]
    assert one.bench(lambda s, sh, _st: [(t.name, t.left) for t in tasks_of_shipment(s, sh)]) == [
        ("Tea towels, pair", 1)
    ]
    assert one.scan(TOWEL) == "1 × Tea towels, pair in box 3."
    one.close(300)
    assert one.finish() == "Packed. The label is on its way."
    assert offences(*CHECKS) == {}


def test_a_labelled_parcel_is_opened_and_found_by_its_old_label_and_its_licence_plate(
    parcel: Any, floor: Any, database: Any, sandbox: Any, run_jobs: Any
) -> None:
    one = parcel(mug=2)
    one.collect()
    one.scan(MUG, 2)
    one.close()
    one.finish()
    run_jobs()
    ((barcode, sscc),) = database.rows("SELECT b.barcode, p.sscc FROM label b JOIN package p ON p.id = b.package_id")
    assert one.open(barcode).state is ShipmentState.LABELLED
    assert one.take_out(MUG, 1) == [(1, "")]
    run_jobs()
    assert one.state == "picked"
    assert database.rows("SELECT state FROM label") == [("voided",)]
    assert database.rows("SELECT state FROM package") == [("cancelled",)]
    for code in (barcode, sscc, f"00{sscc}"):
        assert one.open(code).state is ShipmentState.PICKED
    one.scan(MUG)
    assert one.close() == "Box 2 is closed: Medium box, 600 g."
    one.finish()
    run_jobs()
    assert one.state == "labelled"
    assert database.rows("SELECT state, count(*) FROM label GROUP BY 1 ORDER BY 1") == [("bought", 1), ("voided", 1)]
    assert offences(*CHECKS) == {}


def test_only_what_is_packed_or_labelled_is_opened(parcel: Any) -> None:
    one = parcel(mug=1)
    with pytest.raises(StateConflict):
        one.reopen()
    assert one.state == "released"


def test_nothing_is_packed_while_a_change_is_being_decided(parcel: Any, database: Any, bare: Any) -> None:
    one = parcel(mug=1)
    one.collect()
    database.rows("UPDATE shipment SET pending_changes = 1")
    before = bare()
    for step in (lambda: one.scan(MUG), one.close, one.finish, lambda: one.open("T-001")):
        with pytest.raises(CannotPack, match=r"^Somebody asked for a change of this shipment\."):
            step()
    assert bare() == before
    database.rows("UPDATE shipment SET pending_changes = 0")
    assert one.scan(MUG) == "1 × Mug, sand glaze, 350 ml in box 1."


def _shelve(floor: Any, code: str, place: str, quantity: int, action_id: UUID | None = None) -> Outcome:
    with transaction(WAREHOUSE) as session:
        staff = floor.staff(session, SHELVER)
        task = find_put_back(session, staff, tasks_of(session, staff.warehouse_id)[0].id)
        return put_back(session, action_id or uuid7(), task, code, place, quantity, staff)


def test_goods_that_were_taken_out_go_back_into_the_scanned_bin(parcel: Any, floor: Any, database: Any) -> None:
    one = parcel(mug=3)
    one.collect()
    sku_id, code = one.brand.skus[MUG], one.brand.barcodes[MUG]
    one.take_out(MUG, 2)
    before, held = bins(database, sku_id), counter(database, sku_id)
    with transaction(WAREHOUSE) as session:
        task = task_of_item(session, floor.house.warehouse_id, code)
    assert (task.left, task.refs, task.tote, task.place in before) == (2, "F-1", "T-001", True)
    place = str(task.place)
    assert _shelve(floor, code, place, 1).sentence == f"1 × Mug, sand glaze, 350 ml lie in {place} again."
    assert _shelve(floor, code, place.lower(), 1).sentence == f"1 × Mug, sand glaze, 350 ml lie in {place} again."
    assert bins(database, sku_id)[place][0] == before[place][0] + 2
    assert counter(database, sku_id) == held
    assert database.rows("SELECT done, state FROM put_back") == [(2, "done")]
    with transaction(WAREHOUSE) as session:
        assert count_tasks(session, floor.house.warehouse_id) == 0
        with pytest.raises(WrongScan, match=r"^Nothing of Mug, sand glaze, 350 ml waits to be put back\.$"):
            task_of_item(session, floor.house.warehouse_id, code)
    assert offences(*CHECKS) == {}


def test_a_put_back_that_is_sent_twice_moves_goods_once(parcel: Any, floor: Any, database: Any) -> None:
    one = parcel(mug=2)
    one.collect()
    one.take_out(MUG, 1)
    with transaction(WAREHOUSE) as session:
        place = str(tasks_of(session, floor.house.warehouse_id)[0].place)
        task_id = tasks_of(session, floor.house.warehouse_id)[0].id
    action_id, code, said = uuid7(), one.brand.barcodes[MUG], set()
    for _ in range(2):
        with transaction(WAREHOUSE) as session:
            staff = floor.staff(session, SHELVER)
            task = find_put_back(session, staff, task_id)
            said.add(put_back(session, action_id, task, code, place, 1, staff).sentence)
    assert len(said) == 1
    assert database.rows("SELECT count(*) FROM stock_move WHERE reason = 'put_back'") == [(2,)]
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize(
    ("item", "place", "quantity", "sentence"),
    [
        (TOWEL, "", 1, "Wrong item: that is Tea towels, pair. Take Mug, sand glaze, 350 ml."),
        (MUG, "T-001", 1, "“T-001” is not a location of this building. Scan the label on the shelf."),
        (MUG, "", 2, "1 pieces wait here, not 2."),
        (MUG, "", 0, "1 pieces wait here, not 0."),
    ],
)
def test_a_wrong_put_back_is_refused_and_moves_nothing(
    parcel: Any, floor: Any, bare: Any, item: str, place: str, quantity: int, sentence: str
) -> None:
    one = parcel(mug=2)
    one.collect()
    one.take_out(MUG, 1)
    with transaction(WAREHOUSE) as session:
        place = place or str(tasks_of(session, floor.house.warehouse_id)[0].place)
    before = bare()
    with pytest.raises(WrongScan) as refusal:
        _shelve(floor, one.brand.barcodes[item], place, quantity)
    assert refusal.value.detail == sentence
    assert bare() == before


def test_the_empty_tote_of_a_cancelled_shipment_is_free_with_the_next_walk(
    parcel: Any, floor: Any, database: Any
) -> None:
    one = parcel(mug=2)
    floor.bind(floor.plan())
    assert one.take_out(MUG, 2) == []
    database.rows("UPDATE shipment SET state = 'cancelled'")
    assert floor.plan() is None
    assert database.rows("SELECT count(*) FROM tote WHERE shipment_id IS NOT NULL") == [(0,)]


def test_the_tote_of_a_cancelled_shipment_is_free_once_it_is_empty(parcel: Any, floor: Any, database: Any) -> None:
    one = parcel(mug=2)
    one.collect()
    one.take_out(MUG, 2)
    database.rows("UPDATE shipment SET state = 'cancelled'")
    with pytest.raises(CannotPack, match=r"^This shipment was cancelled\."):
        one.open("T-001")
    with transaction(WAREHOUSE) as session:
        place = str(tasks_of(session, floor.house.warehouse_id)[0].place)
        assert session.exec(select(Shipment)).one().state is ShipmentState.CANCELLED
    for still_bound in (1, 0):
        _shelve(floor, one.brand.barcodes[MUG], place, 1)
        assert database.rows("SELECT count(*) FROM tote WHERE shipment_id IS NOT NULL") == [(still_bound,)]


def test_a_stop_that_is_added_while_the_last_one_is_scanned_is_never_lost(floor: Any, database: Any) -> None:
    """Whoever is first, the added goods stand on a walk that is not done, and are fetched."""
    brand, joined = floor.house.brands["fennel"], 0
    for round_ in range(12):
        order_id = floor.order(f"F-{round_}", {MUG: 1})
        floor.release()
        list_id = floor.plan(1)
        floor.bind(list_id)
        (stop,) = floor.walk(list_id).stops
        one = object.__new__(Parcel)
        one.floor, one.brand, one.order_id = floor, brand, order_id

        def work(number: int, one: Parcel = one, list_id: UUID = list_id, stop: Any = stop) -> Any:
            return one.add(TOWEL, 1) if number else floor.pick(list_id, stop)

        at_once(2, work)
        ((found, is_done),) = database.rows(
            "SELECT l.id, l.state = 'done' FROM pick_task t JOIN pick_list l ON l.id = t.pick_list_id"
            " JOIN allocation a ON a.id = t.allocation_id WHERE t.state = 'open' AND a.state = 'open'"
        )
        assert not is_done
        joined += found == list_id
        assert floor.plan(1) == found
        floor.pick_all(found)
        assert one.state == "picked"
        database.rows("UPDATE tote SET brand_id = NULL, shipment_id = NULL")
    assert offences("S1", "S2", "S3", "S4", "O1") == {}


def test_the_audit_finds_goods_that_left_a_tote_without_reaching_a_bin(parcel: Any, database: Any) -> None:
    one = parcel(mug=2)
    one.collect()
    one.take_out(MUG, 1)
    assert offences("S2") == {}
    database.rows("UPDATE put_back SET done = quantity, state = 'done'")
    assert offences("S2") == {"S2": [f"in totes {one.brand.skus[MUG]}"]}
