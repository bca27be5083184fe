# SPDX-License-Identifier: Apache-2.0
"""Voids, the last scan, and the manifest that goes with the driver."""

import threading
from datetime import UTC, date, datetime
from typing import Any

import pypdfium2
import pytest

from wms.dispatch.models import CarrierAccount, Label, Manifest
from wms.dispatch.service import (
    LabelStateConflict,
    ManifestNotOpen,
    NotForHandOver,
    ReasonNeeded,
    WrongLabel,
    accept_cost,
    ask_again,
    close_manifest,
    hand_over,
    label_by_barcode,
    live_label,
    manifest_sheet,
    needing_person,
    packages_on,
    print_label,
    request_labels,
    verify_label,
    void_labels,
)
from wms.orders.models import HoldKind
from wms.orders.service import place_hold
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.platform.errors import NotFound
from wms.shipments.models import Package, Shipment
from wms.shipments.service import member_orders

DOCK = "staff:W-1003"


@pytest.fixture
def labelled(bench: Any, run_jobs: Any, sandbox: Any) -> Any:
    """Packs a shipment, buys its labels and scans them on their boxes."""

    def make(boxes: int = 1, check: bool = True, **order: Any) -> tuple[Shipment, list[str]]:
        packed = bench.pack(boxes, **order)
        with transaction(WAREHOUSE) as session:
            request_labels(session, packed, "staff:W-1002")
        run_jobs()
        with transaction(WAREHOUSE) as session:
            shipment = session.get_one(Shipment, (packed.brand_id, packed.id))
            labels = [live_label(session, packed.brand_id, p.id) for p in _packages(session, packed)]
            codes = [label.barcode for label in labels if label and label.barcode]
            for package, code in zip(_packages(session, packed), codes, strict=True):
                if check:
                    verify_label(session, package, code, "staff:W-1002")
        return shipment, codes

    return make


def _packages(session: Any, shipment: Shipment) -> list[Package]:
    from wms.shipments.packages import packages_of

    return list(packages_of(session, shipment))


def account(session: Any, house: Any) -> CarrierAccount:
    found: CarrierAccount = session.get_one(CarrierAccount, house.account_id)
    return found


def scan(house: Any, code: str) -> Package:
    return in_transaction(WAREHOUSE, lambda session: hand_over(session, account(session, house), code, DOCK))


def assert_nothing_left(database: Any) -> None:
    assert database.rows("SELECT 1 FROM package WHERE state = 'handed_over'") == []
    assert database.rows("SELECT 1 FROM manifest") == []
    assert database.rows("SELECT 1 FROM stock_move WHERE account = 'shipped'") == []
    assert database.rows("SELECT 1 FROM order_event WHERE kind = 'handed_over'") == []


def test_a_scanned_parcel_is_shipped_and_on_the_manifest(
    database: Any, house: Any, labelled: Any, frozen_clock: Any
) -> None:
    _, (first, second) = labelled(boxes=2)
    scan(house, first)
    assert database.rows("SELECT state FROM shipment") == [("labelled",)]
    scan(house, second)
    assert database.rows("SELECT state FROM shipment") == [("handed_over",)]
    assert database.rows("SELECT state FROM orders") == [("shipped",)]
    assert database.rows("SELECT sum(quantity) FROM stock_move WHERE account = 'shipped'") == [(2,)]
    assert database.rows("SELECT day, number, state FROM manifest") == [(date(2026, 3, 2), 1, "open")]
    with transaction(WAREHOUSE) as session:
        (manifest_id,) = database.rows("SELECT id FROM manifest")[0]
        on_it = packages_on(session, session.get_one(Manifest, manifest_id))
        assert [label.barcode for label, _ in on_it] == sorted([first, second])


def test_a_parcel_is_handed_over_once(database: Any, house: Any, labelled: Any) -> None:
    _, (code,) = labelled()
    scan(house, code)
    with pytest.raises(NotForHandOver, match="scanned already") as refusal:
        scan(house, code)
    assert refusal.value.extra == {"reason": "gone"}
    assert database.rows("SELECT sum(quantity) FROM stock_move WHERE account = 'shipped'") == [(1,)]


def test_two_scanners_at_once_hand_a_parcel_over_once(database: Any, house: Any, labelled: Any) -> None:
    _, (code,) = labelled()
    barrier, outcomes = threading.Barrier(8), []

    def go() -> None:
        barrier.wait()
        try:
            scan(house, code)
            outcomes.append("handed over")
        except NotForHandOver as refusal:
            outcomes.append(refusal.extra["reason"])

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["gone"] * 7 + ["handed over"]
    assert database.rows("SELECT sum(quantity) FROM stock_move WHERE account = 'shipped'") == [(1,)]
    assert database.rows("SELECT count(*) FROM manifest") == [(1,)]


def test_a_void_label_stays_here(database: Any, house: Any, labelled: Any, run_jobs: Any) -> None:
    shipment, (code,) = labelled()
    with transaction(WAREHOUSE) as session:
        void_labels(session, shipment, "staff:W-1002", "damaged box")
    for _ in range(2):
        with pytest.raises(NotForHandOver, match="void") as refusal:
            scan(house, code)
        assert refusal.value.extra == {"reason": "void"}
        assert_nothing_left(database)
        run_jobs()
    assert database.rows("SELECT state FROM label") == [("voided",)]


def test_after_a_void_the_new_label_goes_and_the_old_one_does_not(
    database: Any, house: Any, bench: Any, labelled: Any, run_jobs: Any
) -> None:
    shipment, (old,) = labelled()
    with transaction(WAREHOUSE) as session:
        void_labels(session, shipment, "staff:W-1002", "smudged")
        assert database.rows("SELECT state, master_tracking FROM shipment") == [("labelled", None)]
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    ((new, number),) = database.rows(
        "SELECT l.barcode, k.tracking_number FROM label l JOIN package k ON k.id = l.package_id"
        " WHERE l.state = 'bought'"
    )
    assert new == number != old
    with transaction(WAREHOUSE) as session:
        (package,) = _packages(session, shipment)
        with pytest.raises(WrongLabel):
            verify_label(session, package, old, "staff:W-1002")
        verify_label(session, package, new, "staff:W-1002")
    with pytest.raises(NotForHandOver):
        scan(house, old)
    scan(house, new)
    assert database.rows("SELECT state FROM shipment") == [("handed_over",)]


def test_a_label_of_another_carriers_account_is_refused(database: Any, house: Any, labelled: Any) -> None:
    _, (code,) = labelled()
    with transaction(WAREHOUSE) as session:
        known = account(session, house)
        other = CarrierAccount(**{**known.model_dump(exclude={"id"}), "code": "OTHER"})
        session.add(other)
    with pytest.raises(NotForHandOver, match="goes with SANDBOX, not with OTHER") as refusal:
        in_transaction(WAREHOUSE, lambda session: hand_over(session, other, code, DOCK))
    assert refusal.value.extra == {"reason": "foreign"}
    assert_nothing_left(database)


def test_a_parcel_on_hold_is_refused(database: Any, house: Any, labelled: Any) -> None:
    shipment, (code,) = labelled()
    with transaction(WAREHOUSE) as session:
        (order,) = member_orders(session, shipment)
        place_hold(session, order, HoldKind.FRAUD_REVIEW, owner="brand:fennel", handle="f", actor="brand:fennel")
    with pytest.raises(NotForHandOver) as refusal:
        scan(house, code)
    assert refusal.value.extra == {"reason": "held"}
    assert_nothing_left(database)


def test_a_label_with_yesterdays_address_is_refused(database: Any, house: Any, labelled: Any) -> None:
    _, (code,) = labelled()
    database.rows("UPDATE recipient SET phone = '+44 20 7946 0000'")
    database.rows("UPDATE recipient SET street = '13 Market Row'")
    with pytest.raises(NotForHandOver, match="address was changed") as refusal:
        scan(house, code)
    assert refusal.value.extra == {"reason": "address"}
    assert_nothing_left(database)


def test_another_phone_number_does_not_make_a_label_wrong(database: Any, house: Any, labelled: Any) -> None:
    _, (code,) = labelled()
    database.rows("UPDATE recipient SET phone = '+44 20 7946 0000', email = 'asha@example.com'")
    scan(house, code)
    assert database.rows("SELECT state FROM package") == [("handed_over",)]


def test_a_label_that_nobody_checked_is_refused(database: Any, house: Any, labelled: Any) -> None:
    _, (code,) = labelled(check=False)
    with pytest.raises(NotForHandOver) as refusal:
        scan(house, code)
    assert refusal.value.extra == {"reason": "unchecked"}
    assert_nothing_left(database)


def test_a_code_that_is_no_label_is_unknown(database: Any, house: Any, labelled: Any) -> None:
    labelled()
    with pytest.raises(NotFound):
        scan(house, "5060987600117")
    assert_nothing_left(database)


def test_a_shipment_that_left_cannot_be_voided(database: Any, house: Any, labelled: Any) -> None:
    shipment, (first, _) = labelled(boxes=2)
    scan(house, first)
    with transaction(WAREHOUSE) as session, pytest.raises(LabelStateConflict):
        void_labels(session, shipment, "staff:W-1002", "too late")
    assert database.rows("SELECT DISTINCT state FROM label") == [("bought",)]


def test_a_void_that_the_carrier_refuses_is_a_persons_task_and_the_box_is_labelled_anew(
    database: Any, house: Any, labelled: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment, (old,) = labelled()
    # The carrier has it on its truck already, whatever we think.
    sandbox.advance(old, "collected")
    with transaction(WAREHOUSE) as session:
        void_labels(session, shipment, "staff:W-1002", "smudged")
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    assert database.rows("SELECT state FROM label ORDER BY state") == [("bought",), ("void_requested",)]
    with transaction(WAREHOUSE) as session:
        (task,) = needing_person(session, house.warehouse_id)
        assert (task.attempt, task.reason_code) == (1, "void_refused")
        accept_cost(session, task)
        assert label_by_barcode(session, old).state == "void_requested"
    with transaction(WAREHOUSE) as session:
        assert needing_person(session, house.warehouse_id) == []


def test_a_void_whose_answer_is_lost_is_asked_again(
    database: Any, house: Any, labelled: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment, _ = labelled()
    sandbox.fault("void", "error_500_after_success")
    with transaction(WAREHOUSE) as session:
        void_labels(session, shipment, "staff:W-1002", "smudged")
    run_jobs()
    assert database.rows("SELECT state FROM label") == [("void_requested",)]
    run_jobs(retries=True)
    assert database.rows("SELECT state FROM label") == [("voided",)]
    with transaction(WAREHOUSE) as session:
        assert needing_person(session, house.warehouse_id) == []


def test_a_label_is_printed_freely_once_and_then_with_a_reason(database: Any, labelled: Any) -> None:
    _, (code,) = labelled()
    with transaction(WAREHOUSE) as session:
        label = label_by_barcode(session, code)
        assert print_label(session, label, "", "staff:W-1002").startswith(b"%PDF")
    with transaction(WAREHOUSE) as session, pytest.raises(ReasonNeeded):
        print_label(session, label_by_barcode(session, code), " ", "staff:W-1002")
    with transaction(WAREHOUSE) as session:
        print_label(session, label_by_barcode(session, code), "paper jam", "staff:W-1002")
    assert database.rows("SELECT reason, actor FROM label_print ORDER BY at") == [
        ("", "staff:W-1002"),
        ("paper jam", "staff:W-1002"),
    ]


def test_the_label_of_the_neighbours_box_is_refused(database: Any, labelled: Any) -> None:
    shipment, (first, second) = labelled(boxes=2, check=False)
    with transaction(WAREHOUSE) as session:
        package = _packages(session, shipment)[0]
        with pytest.raises(WrongLabel):
            verify_label(session, package, second, "staff:W-1002")
        assert package.label_verified_at is None
        verify_label(session, package, first, "staff:W-1002")
    assert database.rows("SELECT number FROM package WHERE label_verified_at IS NOT NULL") == [(1,)]
    assert database.rows("SELECT verified_by FROM label WHERE barcode = %s", first) == [("staff:W-1002",)]


def close(database: Any) -> None:
    with transaction(WAREHOUSE) as session:
        ((manifest_id,),) = database.rows("SELECT id FROM manifest ORDER BY number DESC LIMIT 1")
        close_manifest(session, session.get_one(Manifest, manifest_id), DOCK)


def test_a_closed_manifest_carries_the_carriers_reference(
    database: Any, house: Any, labelled: Any, run_jobs: Any, sandbox: Any, frozen_clock: Any
) -> None:
    _, (code,) = labelled()
    scan(house, code)
    close(database)
    assert database.rows("SELECT state FROM manifest") == [("closing",)]
    run_jobs()
    ((state, reference, closed_by),) = database.rows("SELECT state, carrier_reference, closed_by FROM manifest")
    assert (state, closed_by) == ("closed", DOCK)
    assert sandbox.call("GET", f"/v1/manifests/{reference}")["tracking_numbers"] == [code]
    with transaction(WAREHOUSE) as session, pytest.raises(ManifestNotOpen):
        close_manifest(session, session.get_one(Manifest, database.rows("SELECT id FROM manifest")[0][0]), DOCK)
    _, (later,) = labelled()
    scan(house, later)
    assert database.rows("SELECT number, state FROM manifest ORDER BY number") == [(1, "closed"), (2, "open")]


@pytest.mark.parametrize("kind", ["error_500_after_success", "connection_reset_after_success", "rate_limited_429"])
def test_a_manifest_whose_answer_is_lost_is_told_once(
    kind: str, database: Any, house: Any, labelled: Any, run_jobs: Any, sandbox: Any
) -> None:
    _, (code,) = labelled()
    scan(house, code)
    sandbox.fault("manifest", kind)
    close(database)
    run_jobs()
    assert database.rows("SELECT state FROM manifest") == [("closing",)]
    run_jobs(retries=True)
    ((state, reference),) = database.rows("SELECT state, carrier_reference FROM manifest")
    assert state == "closed"
    assert sandbox.call("GET", f"/v1/manifests/{reference}")["tracking_numbers"] == [code]


def test_a_manifest_that_the_carrier_refuses_waits_for_a_person(
    database: Any, house: Any, labelled: Any, run_jobs: Any, sandbox: Any
) -> None:
    _, (code,) = labelled()
    scan(house, code)
    sandbox.advance(code, "collected")
    close(database)
    run_jobs()
    ((state, reason),) = database.rows("SELECT state, reason FROM manifest")
    assert state == "closing"
    assert code in reason
    close(database)
    assert database.rows("SELECT state, reason FROM manifest") == [("closing", None)]


def test_the_first_scan_of_a_day_closes_what_yesterday_left_open(
    database: Any, house: Any, labelled: Any, run_jobs: Any, frozen_clock: Any
) -> None:
    _, (monday,) = labelled()
    _, (tuesday,) = labelled()
    scan(house, monday)
    # Half past eleven in the evening of London's summer is the next day's half past ten in UTC's evening.
    frozen_clock.at = datetime(2026, 6, 2, 23, 30, tzinfo=UTC)
    scan(house, tuesday)
    run_jobs()
    assert database.rows("SELECT day, state FROM manifest ORDER BY day") == [
        (date(2026, 3, 2), "closed"),
        (date(2026, 6, 3), "open"),
    ]


def test_the_sheet_lists_every_parcel(database: Any, house: Any, labelled: Any, frozen_clock: Any) -> None:
    _, codes = labelled(boxes=2)
    for code in codes:
        scan(house, code)
    with transaction(WAREHOUSE) as session:
        ((manifest_id,),) = database.rows("SELECT id FROM manifest")
        sheet = manifest_sheet(session, session.get_one(Manifest, manifest_id))
    document = pypdfium2.PdfDocument(sheet)
    text = document[0].get_textpage().get_text_range()
    document.close()
    assert all(code in text for code in codes)
    assert "SANDBOX-20260302-1" in text


def test_a_refused_void_can_be_asked_again(
    database: Any, house: Any, labelled: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment, (code,) = labelled()
    sandbox.advance(code, "collected")
    with transaction(WAREHOUSE) as session:
        void_labels(session, shipment, "staff:W-1002", "smudged")
    run_jobs()
    sandbox.advance(code, "label_created")
    with transaction(WAREHOUSE) as session:
        (task,) = needing_person(session, house.warehouse_id)
        ask_again(session, task)
    run_jobs()
    assert database.rows("SELECT state FROM label") == [("voided",)]
    with transaction(WAREHOUSE) as session:
        assert needing_person(session, house.warehouse_id) == []
        assert session.get_one(Label, (shipment.brand_id, database.rows("SELECT id FROM label")[0][0])).barcode == code
