# SPDX-License-Identifier: Apache-2.0
"""Late changes from the asking to the driver's van, with everything that people scan in between."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter
from sqlmodel import select

from tests.factories import BOOKS, counter, offences, set_policy
from wms.brands.models import Brand
from wms.changes.models import Change
from wms.changes.schemas import ChangeIn
from wms.changes.service import ask
from wms.dispatch.models import CarrierAccount
from wms.dispatch.service import NotForHandOver
from wms.floor import packing
from wms.floor.bench import bench_of
from wms.floor.dock import scan_out
from wms.floor.packing import CannotPack
from wms.floor.put_back import find_put_back, put_back, tasks_of, tasks_of_shipment
from wms.platform.db import WAREHOUSE, brand_scope, transaction
from wms.platform.ids import uuid7
from wms.shipments.models import Shipment

MUG, TOWEL = "FF-MUG-SAND", "FF-TOWEL-STR"
PACKER, DOCK, SHELVER = "W-1002", "W-1003", "W-1004"
YORK = {"name": "Asha Rao", "street": "4 Mill Lane", "city": "York", "postcode": "YO1 7HH", "country": "GB"}
CHECKS = (*BOOKS, "O3", "O4", "L1")
_change: TypeAdapter[Any] = TypeAdapter(ChangeIn)


class House:
    """A day of the brand "fennel": what the brand asks for, and what the floor scans."""

    def __init__(self, floor: Any, database: Any, sandbox: Any, run_jobs: Any) -> None:
        self.floor, self.database, self.sandbox, self.run_jobs = floor, database, sandbox, run_jobs
        self.brand = floor.house.brands["fennel"]

    def change(self, order_ref: str, kind: str, **members: Any) -> Change:
        body = _change.validate_python({"kind": kind, "ref": f"C-{uuid7()}", **members})
        with transaction(brand_scope(self.brand.id)) as session:
            return ask(session, session.get_one(Brand, self.brand.id), order_ref, body, "brand:fennel")

    def collect(self, badge: str = "W-1001") -> UUID:
        """Walks once, with an empty tote for each slot that has none."""
        list_id = self.floor.plan(badge=badge)
        assert list_id is not None
        for slot in self.floor.walk(list_id, badge).slots:
            if slot.wants_tote:
                self.floor.bind(list_id, badge)
                break
        self.floor.pick_all(list_id, badge)
        return UUID(str(list_id))

    def pack(self, code: str, goods: dict[str, int]) -> None:
        """Opens the bench with a tote or a box's code, packs everything into one box, and ends packing."""
        with transaction(WAREHOUSE) as session:
            shipment = packing.open_tote(session, code, self.floor.staff(session, PACKER))
        for sku, quantity in goods.items():
            with transaction(WAREHOUSE) as session:
                staff, barcode = self.floor.staff(session, PACKER), self.brand.barcodes[sku]
                packing.scan_item(session, uuid7(), shipment, barcode, quantity, staff)
        with transaction(WAREHOUSE) as session:
            staff = self.floor.staff(session, PACKER)
            packing.close_package(session, uuid7(), shipment, "M", 900, staff, confirmed=True)
            packing.finish_packing(session, shipment, staff)
        self.run_jobs()

    def stick(self, number: int | None = None) -> str:
        """Scans the label of the one box, or of the box with this number, that no label was checked on yet."""
        ((brand_id, package_id, shipment_id, barcode),) = self.database.rows(
            "SELECT p.brand_id, p.id, p.shipment_id, b.barcode FROM label b JOIN package p ON p.id = b.package_id"
            " WHERE b.state = 'bought' AND p.label_verified_at IS NULL AND p.number = coalesce(%s, p.number)",
            number,
        )
        with transaction(WAREHOUSE) as session:
            shipment, staff = session.get_one(Shipment, (brand_id, shipment_id)), self.floor.staff(session, PACKER)
            package = packing.find_package(session, shipment, package_id)
            packing.scan_label(session, uuid7(), shipment, package, barcode, staff)
        return str(barcode)

    def hand_over(self, barcode: str) -> str:
        """Scans a parcel at the dock; returns the sentence, or the reason of the refusal."""
        try:
            with transaction(WAREHOUSE) as session:
                account = session.exec(
                    select(CarrierAccount).where(CarrierAccount.warehouse_id == self.floor.house.warehouse_id)
                ).first()
                assert account is not None
                return scan_out(session, uuid7(), account, barcode, self.floor.staff(session, DOCK)).sentence
        except NotForHandOver as refusal:
            return f"{refusal.extra['reason']}: {refusal.detail}"

    def shelve_all(self) -> dict[str, int]:
        """Puts everything back where the screen says; returns the pieces by article."""
        shelved: dict[str, int] = {}
        with transaction(WAREHOUSE) as session:
            tasks = tasks_of(session, self.floor.house.warehouse_id)
        for task in tasks:
            with transaction(WAREHOUSE) as session:
                staff = self.floor.staff(session, SHELVER)
                row = find_put_back(session, staff, task.id)
                put_back(session, uuid7(), row, self.brand.barcodes[task.sku], str(task.place), task.left, staff)
            shelved[task.sku] = shelved.get(task.sku, 0) + task.left
        return shelved

    def carrier_refuses(self) -> None:
        """Lets the next purchase of labels be refused."""
        self.sandbox.fault("purchase", "refuse")

    def states(self) -> dict[str, str]:
        return dict(self.database.rows("SELECT ref, state FROM orders"))


@pytest.fixture
def day(floor: Any, database: Any, sandbox: Any, run_jobs: Any) -> House:
    return House(floor, database, sandbox, run_jobs)


def test_an_add_on_while_the_picker_walks_lands_in_the_same_tote_and_the_same_box(
    day: House, floor: Any, database: Any
) -> None:
    set_policy(database, day.brand.id, add_ons="edit_order")
    floor.order("F-1", {MUG: 1})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    answered = day.change("F-1", "add_items", lines=[{"sku": TOWEL, "quantity": 1}])
    assert (answered.answer, answered.stage) == ("applied_with_rework", "picking")
    mug, towel = floor.walk(list_id).stops
    assert (mug.sku, towel.sku, towel.slot, towel.tote) == (MUG, TOWEL, mug.slot, "T-001")
    floor.pick(list_id, mug)
    with pytest.raises(CannotPack, match=r"^Not everything is picked yet: 1 of 2 pieces"):
        day.pack("T-001", {MUG: 1})
    floor.pick(list_id, towel)
    day.pack("T-001", {MUG: 1, TOWEL: 1})
    assert day.hand_over(day.stick()).startswith("Handed over: ")
    assert day.states() == {"F-1": "shipped"}
    assert database.rows("SELECT line_no, shipped FROM order_line ORDER BY 1") == [(1, 1), (2, 1)]
    assert offences(*CHECKS) == {}


def test_an_add_on_at_the_bench_blocks_the_packer_until_it_lands(day: House, floor: Any, database: Any) -> None:
    set_policy(database, day.brand.id, add_ons="edit_order")
    floor.order("F-1", {MUG: 1})
    floor.release()
    first = day.collect()
    assert day.change("F-1", "add_items", lines=[{"sku": TOWEL, "quantity": 1}]).stage == "picked"
    with pytest.raises(CannotPack, match=r"^Something was added: 1 of 2 pieces are here\. A picker brings the rest\.$"):
        day.pack("T-001", {MUG: 1})
    assert day.collect(badge=PACKER) != first
    day.pack("T-001", {MUG: 1, TOWEL: 1})
    assert day.hand_over(day.stick()).startswith("Handed over: ")
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize(
    ("price", "labels"), [(0, [("bought", 2)]), (450, [("bought", 2), ("voided", 1)])], ids=["free", "paid at the door"]
)
def test_an_add_on_after_the_label_is_one_more_box_and_what_the_driver_collects_is_bought_anew(
    day: House, floor: Any, database: Any, price: int, labels: list[tuple[str, int]]
) -> None:
    set_policy(database, day.brand.id, add_ons="edit_order")
    floor.order("F-1", {MUG: 1})
    database.rows("UPDATE orders SET payment_state = 'cod', cod_amount_minor = 1000")
    floor.release()
    day.collect()
    day.pack("T-001", {MUG: 1})
    old = day.stick()
    answered = day.change("F-1", "add_items", lines=[{"sku": TOWEL, "quantity": 1, "unit_price_minor": price}])
    assert (answered.answer, answered.stage) == ("applied_with_rework", "labelled")
    assert day.hand_over(old).split(":")[0] == ("void" if price else "not_labelled")
    with pytest.raises(CannotPack, match=r"^Something was added: 1 of 2 pieces are here\."):
        day.pack(old, {TOWEL: 1})
    day.collect()
    day.pack("T-001", {TOWEL: 1})
    assert database.rows("SELECT state, count(*) FROM label GROUP BY 1 ORDER BY 1") == labels
    assert database.rows("SELECT cod_amount_minor FROM orders") == [(1000 + price,)]
    new = [day.stick(number) for number in ((2,) if not price else (1, 2))]
    assert [day.hand_over(one)[:11] for one in ([] if price else [old]) + new] == ["Handed over"] * 2
    assert day.states() == {"F-1": "shipped"}
    assert offences(*CHECKS) == {}


def test_an_add_on_that_is_to_be_paid_first_comes_too_late_for_a_packed_parcel(
    day: House, floor: Any, database: Any
) -> None:
    set_policy(database, day.brand.id, add_ons="edit_order")
    floor.order("F-1", {MUG: 1})
    floor.release()
    day.collect()
    day.pack("T-001", {MUG: 1})
    answered = day.change("F-1", "add_items", lines=[{"sku": TOWEL, "quantity": 1, "unit_price_minor": 450}])
    assert (answered.answer, answered.reason_code) == ("refused", "packed_already")
    assert answered.outcome["alternatives"] == ["new_order"]
    assert database.rows("SELECT count(*) FROM order_line") == [(1,)]
    assert day.hand_over(day.stick()).startswith("Handed over: ")
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize("host", ["picking", "picked", "packed"])
def test_an_order_that_joins_on_the_floor_is_fetched_into_the_same_parcel(
    day: House, floor: Any, database: Any, host: str
) -> None:
    set_policy(database, day.brand.id, consolidate_until="packed")
    floor.order("F-1", {MUG: 1})
    floor.release()
    list_id = floor.plan()
    floor.bind(list_id)
    if host != "picking":
        floor.pick_all(list_id)
    if host == "packed":
        day.carrier_refuses()
        day.pack("T-001", {MUG: 1})
    assert database.rows("SELECT state FROM shipment") == [(host,)]
    floor.order("F-2", {TOWEL: 1})
    assert day.change("F-2", "merge", into="F-1").answer == "applied_with_rework"
    if host == "picking":
        floor.pick_all(list_id)
    else:
        day.collect()
    day.pack("T-001", {TOWEL: 1} if host == "packed" else {MUG: 1, TOWEL: 1})
    for number in (1, 2) if host == "packed" else (1,):
        assert day.hand_over(day.stick(number)).startswith("Handed over: ")
    assert day.states() == {"F-1": "shipped", "F-2": "shipped"}
    assert offences(*CHECKS) == {}


def test_a_new_address_after_the_label_makes_the_old_label_worthless_at_the_dock(
    day: House, floor: Any, database: Any
) -> None:
    floor.order("F-1", {MUG: 1})
    floor.release()
    day.collect()
    day.pack("T-001", {MUG: 1})
    old = day.stick()
    assert day.change("F-1", "address", recipient=YORK).answer == "applied_with_rework"
    void = "void: This label is void. Take the parcel back to the packing bench."
    assert day.hand_over(old) == void
    day.run_jobs()
    assert day.hand_over(old) == void
    # The bench finds the parcel by the label that is still on it, and has the new one stuck over it.
    with transaction(WAREHOUSE) as session:
        assert packing.open_tote(session, old, floor.staff(session, PACKER)).state == "labelled"
    new = day.stick()
    assert new != old
    assert day.hand_over(new).startswith("Handed over: ")
    assert database.rows("SELECT state, count(*) FROM label GROUP BY 1 ORDER BY 1") == [("bought", 1), ("voided", 1)]
    assert offences(*CHECKS) == {}


def test_one_of_two_orders_in_a_labelled_parcel_is_cancelled_and_the_other_leaves(
    day: House, floor: Any, database: Any
) -> None:
    floor.order("F-1", {MUG: 2})
    floor.order("F-2", {MUG: 1, TOWEL: 1})
    assert day.change("F-2", "merge", into="F-1").answer == "applied"
    floor.release()
    day.collect()
    day.pack("T-001", {MUG: 3, TOWEL: 1})
    old = day.stick()
    towels = counter(database, day.brand.skus[TOWEL])
    answered = day.change("F-2", "cancel")
    assert (answered.answer, answered.stage) == ("applied_with_rework", "labelled")
    day.run_jobs()
    assert day.states() == {"F-1": "packed", "F-2": "cancelled"}
    assert day.hand_over(old).startswith("void: ")
    assert counter(database, day.brand.skus[TOWEL]) == (towels[0], towels[1] - 1)
    with transaction(WAREHOUSE) as session:
        shipment = packing.open_tote(session, old, floor.staff(session, PACKER))
        wanted = [(item.code, item.picked) for item in bench_of(session, shipment).items]
        out = sorted((task.sku, task.left) for task in tasks_of_shipment(session, shipment))
    assert (wanted, out) == ([(MUG, 2)], [(MUG, 1), (TOWEL, 1)])
    assert day.shelve_all() == {MUG: 1, TOWEL: 1}
    day.pack(old, {MUG: 2})
    new = day.stick()
    assert day.hand_over(new).startswith("Handed over: ")
    assert day.states() == {"F-1": "shipped", "F-2": "cancelled"}
    assert database.rows(
        "SELECT o.ref, l.quantity, l.cancelled, l.shipped FROM order_line l JOIN orders o ON o.id = l.order_id"
        " ORDER BY 1, 2"
    ) == [("F-1", 2, 0, 2), ("F-2", 1, 1, 0), ("F-2", 1, 1, 0)]
    assert database.rows("SELECT sum(quantity) FROM stock_move WHERE account = 'tote'") == [(0,)]
    assert offences(*CHECKS) == {}


def test_a_member_that_goes_elsewhere_is_fetched_anew_and_the_others_are_packed_again(
    day: House, floor: Any, database: Any
) -> None:
    floor.order("F-1", {MUG: 1})
    floor.order("F-2", {TOWEL: 1})
    assert day.change("F-2", "merge", into="F-1").answer == "applied"
    floor.release()
    day.collect()
    day.pack("T-001", {MUG: 1, TOWEL: 1})
    old = day.stick()
    assert day.change("F-2", "address", recipient=YORK).answer == "applied_with_rework"
    day.run_jobs()
    assert day.hand_over(old).startswith("void: ")
    day.pack(old, {MUG: 1})
    assert day.hand_over(day.stick()).startswith("Handed over: ")
    assert day.shelve_all() == {TOWEL: 1}
    floor.release()
    day.collect()
    day.pack("T-001", {TOWEL: 1})
    assert day.hand_over(day.stick()).startswith("Handed over: ")
    assert day.states() == {"F-1": "shipped", "F-2": "shipped"}
    assert database.rows("SELECT sum(quantity) FROM stock_move WHERE account = 'tote'") == [(0,)]
    assert offences(*CHECKS) == {}
