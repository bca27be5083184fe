# SPDX-License-Identifier: Apache-2.0
"""A change while somebody walks: what is still in its bin is not fetched, what is in the tote stays."""

from typing import Any

import pytest
from sqlmodel import select

from tests.factories import BOOKS, bins, counter, offences, release, set_policy, stocked
from wms.brands.models import Staff
from wms.dispatch.service import request_labels
from wms.floor.picking import CannotPick, bind_tote, confirm_pick, find_task, plan_pick_list
from wms.floor.walk import find_list, walk_of
from wms.orders.service import place_stock_hold
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.ids import new_id
from wms.shipments.models import Shipment, ShipmentLine
from wms.shipments.service import lines_of, lock_shipment

CHECKS = (*BOOKS, "O4", "L1")


class Walker:
    """One picker with one cart, on the way with order A-1: 2 cups from A-01-1, then 3 mugs from A-01-2."""

    def __init__(self, house: Any) -> None:
        self.house = house
        with transaction(WAREHOUSE) as session:
            pick_list = plan_pick_list(session, house.warehouse_id, 1, self.staff(session))
            assert pick_list is not None
            self.list_id = pick_list.id
            self.stops = walk_of(session, pick_list).stops
        with transaction(WAREHOUSE) as session:
            staff = self.staff(session)
            bind_tote(session, new_id(), find_list(session, staff, self.list_id), 1, "T-001", staff)

    def staff(self, session: Any) -> Staff:
        found: Staff = session.exec(select(Staff).where(Staff.badge == "W-1001")).one()
        return found

    def pick(self, number: int) -> None:
        stop = self.stops[number]
        with transaction(WAREHOUSE) as session:
            staff = self.staff(session)
            task = find_task(session, staff, self.list_id, stop.task_id)
            confirm_pick(session, new_id(), task, stop.location, f"EAN-{stop.sku}", stop.left, "T-001", staff)


@pytest.fixture
def walker(database: Any, house: Any, fennel: Any, frozen_clock: Any, sell: Any) -> Walker:
    set_policy(database, fennel, edit_window_seconds=900)
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    stocked(house, fennel, "MUG", ("A-01-2", 10))
    database.rows(
        "INSERT INTO barcode (brand_id, sku_id, code) SELECT brand_id, id, 'EAN-' || code"
        " FROM sku WHERE code IN ('CUP', 'MUG')"
    )
    sell("A-1", ("CUP", 2, 900), ("MUG", 3, 1500))
    assert release(frozen_clock) == 1
    return Walker(house)


def test_an_order_that_nobody_has_picked_yet_is_cancelled_on_the_walk(
    database: Any, walker: Walker, change: Any
) -> None:
    answered = change("A-1", "cancel")
    assert (answered.answer, answered.stage) == ("applied_with_rework", "picking")
    assert database.rows("SELECT DISTINCT state FROM pick_task") == [("cancelled",)]
    assert database.rows("SELECT state FROM orders") == [("cancelled",)]
    assert database.rows("SELECT count(*) FROM put_back") == [(0,)]
    with pytest.raises(CannotPick):
        walker.pick(0)
    assert offences(*CHECKS) == {}


def test_the_last_unpicked_line_comes_off_and_the_tote_is_ready(
    database: Any, fennel: Any, walker: Walker, change: Any
) -> None:
    walker.pick(0)
    assert change("A-1", "reduce", lines=[{"line": 2}]).answer == "applied_with_rework"
    assert database.rows("SELECT state FROM shipment") == [("picked",)]
    ((mug,),) = database.rows("SELECT id FROM sku WHERE code = 'MUG'")
    assert (counter(database, mug), bins(database, mug)) == ((10, 0), {"A-01-2": (10, 0)})
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize("picked", [1, 2])
def test_what_is_in_the_tote_is_put_back(database: Any, walker: Walker, change: Any, picked: int) -> None:
    for number in range(picked):
        walker.pick(number)
    answered = change("A-1", "cancel")
    assert (answered.answer, answered.stage) == ("applied_with_rework", "picking" if picked == 1 else "picked")
    assert database.rows("SELECT state FROM shipment") == [("cancelled",)]
    assert (
        database.rows("SELECT quantity, state FROM put_back ORDER BY quantity") == [(2, "open"), (3, "open")][:picked]
    )
    assert database.rows("SELECT DISTINCT promised FROM stock_counter WHERE promised > 0") == []
    assert offences(*CHECKS) == {}


def test_an_add_on_while_the_picker_walks_comes_into_the_same_tote(
    database: Any, fennel: Any, walker: Walker, change: Any
) -> None:
    set_policy(database, fennel, add_ons="edit_order")
    walker.pick(0)
    walker.pick(1)
    assert database.rows("SELECT state FROM shipment") == [("picked",)]
    answered = change("A-1", "add_items", lines=[{"sku": "CUP", "quantity": 1}])
    assert (answered.answer, answered.stage) == ("applied_with_rework", "picked")
    assert database.rows("SELECT state FROM shipment") == [("picking",)]
    assert database.rows("SELECT count(*) FROM pick_task WHERE state = 'open'") == [(1,)]
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize("kind", ["cancel", "reduce"])
def test_a_labelled_parcel_is_opened_again(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any, run_jobs: Any, kind: str
) -> None:
    shipment = bench.pack(2)
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    answered = change("R-1", kind, **({"lines": [{"line": 1, "quantity": 1}]} if kind == "reduce" else {}))
    assert (answered.answer, answered.stage) == ("applied_with_rework", "labelled")
    run_jobs()
    assert database.rows("SELECT DISTINCT state FROM label") == [("voided",)]
    left = {"cancel": ("cancelled", 2), "reduce": ("picked", 1)}[kind]
    assert database.rows("SELECT s.state, p.quantity FROM shipment s, put_back p") == [left]
    assert offences(*CHECKS) == {}


def test_a_cancellation_while_the_label_is_being_bought_waits_for_it(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any, run_jobs: Any
) -> None:
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    asked = change("R-1", "cancel")
    assert (asked.answer, asked.reason_code, asked.stage) == ("requested", "label_under_way", "labelling")
    run_jobs()
    assert database.rows("SELECT answer FROM change") == [("applied_with_rework",)]
    assert database.rows("SELECT state, pending_changes FROM shipment") == [("cancelled", 0)]
    assert database.rows("SELECT state FROM orders") == [("cancelled",)]
    assert database.rows("SELECT state FROM label") == [("voided",)]
    assert offences(*CHECKS) == {}


def test_a_second_change_follows_its_order_out_of_the_parcel_that_both_waited_for(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any, run_jobs: Any
) -> None:
    set_policy(database, fennel, consolidate_until="packed")
    bench.pack()
    bench.pack()
    assert change("R-2", "merge", into="R-1").answer == "applied"
    ((shared,),) = database.rows("SELECT id FROM shipment WHERE state = 'packed'")
    with transaction(WAREHOUSE) as session:
        request_labels(session, lock_shipment(session, fennel, shared), "staff:W-1002")
    for street in ("4 Mill Lane", "5 Mill Lane"):
        door = {"name": "Asha Rao", "street": street, "city": "York", "postcode": "YO1 7HH", "country": "GB"}
        assert change("R-2", "address", recipient=door).reason_code == "label_under_way"
    run_jobs()
    assert database.rows("SELECT answer FROM change WHERE kind = 'address' ORDER BY id") == [
        ("applied_with_rework",),
        ("applied",),
    ]
    assert database.rows("SELECT pending_changes FROM shipment WHERE id = %s", shared) == [(0,)]
    assert database.rows(
        "SELECT r.street FROM shipment s JOIN recipient r ON r.id = s.recipient_id WHERE s.state = 'held'"
    ) == [("5 Mill Lane",)]
    assert offences(*CHECKS) == {}


def wait_for_two_more(database: Any, fennel: Any, shipment: Any) -> None:
    """Has the order of a packed shipment wait for two more pieces, in a shipment of their own."""
    ((line,),) = database.rows("SELECT id FROM order_line")
    database.rows("UPDATE order_line SET quantity = 3 WHERE id = %s", line)
    with transaction(WAREHOUSE) as session:
        packed_line = lines_of(session, shipment)[0]
        later = Shipment(
            brand_id=fennel,
            warehouse_id=shipment.warehouse_id,
            recipient_id=shipment.recipient_id,
            service=shipment.service,
            release_at=shipment.release_at,
        )
        session.add(later)
        session.flush()
        keys = {"brand_id": fennel, "order_id": packed_line.order_id, "order_line_id": packed_line.order_line_id}
        session.add(ShipmentLine(**keys, shipment_id=later.id, sku_id=packed_line.sku_id, quantity=2))
        session.flush()
        place_stock_hold(session, fennel, packed_line.order_id, later.id)


def test_a_cancellation_that_ends_in_two_steps_is_owed_back_in_full(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any, run_jobs: Any
) -> None:
    """One part of the order is packed, and another waits for stock that was not there for it."""
    set_policy(database, fennel, on_shortage="backorder")
    shipment = bench.pack(shipping_charge_minor=399, payment="captured")
    wait_for_two_more(database, fennel, shipment)
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    assert change("R-1", "cancel").answer == "requested"
    assert database.rows("SELECT kind, amount_minor FROM adjustment") == [("refund_due", 2500)]
    run_jobs()
    assert database.rows("SELECT state FROM orders") == [("cancelled",)]
    assert database.rows("SELECT kind, amount_minor FROM adjustment ORDER BY id") == [
        ("refund_due", 2500),
        ("refund_due", 1250 + 399),
    ]
    assert offences(*CHECKS) == {}


def test_a_contact_that_waited_behind_an_address_goes_to_the_new_door(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any, run_jobs: Any
) -> None:
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    door = {"name": "Asha Rao", "street": "4 Mill Lane", "city": "York", "postcode": "YO1 7HH", "country": "GB"}
    change("R-1", "address", recipient=door)
    change("R-1", "contact", phone="+44 113 496 0001")
    run_jobs()
    assert database.rows("SELECT DISTINCT answer FROM change WHERE kind = 'contact'") == [("applied",)]
    assert database.rows(
        "SELECT r.city, r.phone, o.recipient_id = r.id, s.state, s.pending_changes FROM orders o, shipment s"
        " JOIN recipient r ON r.id = s.recipient_id"
    ) == [("York", "+44 113 496 0001", True, "labelled", 0)]
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize("kind", ["cancel", "address"])
def test_what_a_carrier_cannot_be_asked_keeps_nobody_from_changing_the_rest(
    database: Any, bench: Any, fennel: Any, change: Any, kind: str
) -> None:
    set_policy(database, fennel, on_shortage="backorder")
    shipment = bench.pack()
    wait_for_two_more(database, fennel, shipment)
    database.rows("UPDATE package SET state = 'handed_over'")
    door = {"name": "Asha Rao", "street": "4 Mill Lane", "city": "York", "postcode": "YO1 7HH", "country": "GB"}
    answered = change("R-1", kind, **({"recipient": door} if kind == "address" else {}))
    assert (answered.answer, answered.reason_code) == ("applied", "in_part")
    assert [(part["stage"], part["answer"], part["reason_code"]) for part in answered.outcome["parts"]] == [
        ("with_carrier", "refused", "with_carrier"),
        ("held", "applied", ""),
    ]


def test_a_refusal_claims_nothing_that_was_rolled_back(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any
) -> None:
    set_policy(database, fennel, on_shortage="backorder")
    shipment = bench.pack()
    wait_for_two_more(database, fennel, shipment)
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    answered = change("R-1", "service", service="no_such_service")
    assert (answered.answer, answered.reason_code) == ("refused", "no_carrier")
    assert "parts" not in answered.outcome
    assert database.rows("SELECT pending_changes FROM shipment ORDER BY id") == [(0,), (0,)]
