# SPDX-License-Identifier: Apache-2.0
"""Another address, contact or service: at every stage up to the dock, and the label goes where the shipment goes."""

from typing import Any

import pytest
from sqlmodel import select

from tests.factories import (
    BOOKS,
    give_to_carrier,
    offences,
    packed,
    placed,
    release,
    set_policy,
    shipments,
    snapshot,
    stocked,
)
from wms.brands.models import Brand
from wms.changes.options import open_kinds, options
from wms.changes.service import ChangeRefTaken, VersionConflict
from wms.dispatch.dock import NotForHandOver, hand_over
from wms.dispatch.models import CarrierAccount
from wms.dispatch.prints import verify_label
from wms.dispatch.service import request_labels
from wms.orders.models import HoldKind, Order
from wms.orders.service import place_hold
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import Invalid
from wms.shipments.models import Package

YORK = {"name": "Asha Rao", "street": "4 Mill Lane", "city": "York", "postcode": "YO1 7HH", "country": "GB"}
CHECKS = (*BOOKS, "O4", "L1")


@pytest.fixture
def cups(house: Any, fennel: Any, frozen_clock: Any) -> Any:
    return stocked(house, fennel, "CUP", ("A-01-1", 50))


def ship_to(database: Any) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT r.city, o.recipient_id = s.recipient_id, r.key <> '' FROM shipment s"
        " JOIN recipient r ON r.id = s.recipient_id JOIN shipment_line l ON l.shipment_id = s.id"
        " JOIN orders o ON o.id = l.order_id"
    )


def bring_to(stage: str, order_id: Any, fennel: Any, frozen_clock: Any) -> None:
    """Takes an order's only shipment as far as the stage."""
    if stage == "held":
        return
    release(frozen_clock)
    if stage == "released":
        return
    from tests.factories import pick_all, start_picking

    with transaction(WAREHOUSE) as session:
        shipment = start_picking(session, shipments(order_id, fennel)[0])
        if stage == "picked":
            pick_all(session, shipment)


@pytest.mark.parametrize("stage", ["held", "released", "picking", "picked"])
def test_an_address_changes_wherever_no_label_names_it(
    database: Any, fennel: Any, cups: Any, frozen_clock: Any, change: Any, stage: str
) -> None:
    order_id = placed(fennel, ("CUP", 2), ref="A-1")
    bring_to(stage, order_id, fennel, frozen_clock)
    answered = change("A-1", "address", recipient=YORK)
    assert (answered.answer, answered.stage) == ("applied", stage)
    assert ship_to(database) == [("York", True, True)]
    assert answered.request == {"reason": ""}
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize("stage", ["held", "released", "picking", "picked"])
def test_a_contact_and_a_service_change_on_the_way(
    database: Any, fennel: Any, cups: Any, frozen_clock: Any, change: Any, stage: str
) -> None:
    order_id = placed(fennel, ("CUP", 2), ref="A-1")
    bring_to(stage, order_id, fennel, frozen_clock)
    assert change("A-1", "contact", phone="+44 113 496 0001", notes="Ring twice").answer == "applied"
    assert change("A-1", "service", service="express").answer == "applied"
    assert database.rows(
        "SELECT r.phone, r.street, o.notes, o.service, s.service FROM orders o"
        " JOIN recipient r ON r.id = o.recipient_id JOIN shipment s ON s.recipient_id = r.id"
    ) == [("+44 113 496 0001", "12 Market Row\nFlat 3", "Ring twice", "express", "express")]
    assert offences(*CHECKS) == {}


def test_a_service_that_no_carrier_has_is_refused_and_changes_nothing(
    database: Any, fennel: Any, cups: Any, change: Any
) -> None:
    placed(fennel, ("CUP", 2), ref="A-1")
    answered = change("A-1", "service", service="drone")
    assert (answered.answer, answered.reason_code) == ("refused", "no_carrier")
    assert database.rows("SELECT o.service, s.service FROM orders o, shipment s") == [("standard", "standard")]


@pytest.mark.parametrize(
    ("kind", "members"), [("service", {"service": "standard"}), ("contact", {"phone": "+44 113 496 0000"})]
)
def test_what_is_like_that_already_is_refused(
    database: Any, fennel: Any, cups: Any, change: Any, kind: str, members: Any
) -> None:
    placed(fennel, ("CUP", 2), ref="A-1")
    assert change("A-1", kind, **members).reason_code == "nothing_to_change"
    assert database.rows("SELECT count(*) FROM recipient") == [(1,)]


def test_a_country_that_there_is_not_is_no_change_at_all(database: Any, fennel: Any, cups: Any, change: Any) -> None:
    placed(fennel, ("CUP", 2), ref="A-1")
    before = snapshot(database)
    with pytest.raises(Invalid):
        change("A-1", "address", recipient={**YORK, "country": "XX"})
    assert snapshot(database) == before


@pytest.mark.parametrize("kind", ["service", "reduce"])
def test_what_the_carrier_has_is_refused(
    database: Any, fennel: Any, cups: Any, frozen_clock: Any, change: Any, kind: str
) -> None:
    order_id = placed(fennel, ("CUP", 2), ref="A-1")
    release(frozen_clock)
    (box,) = packed(shipments(order_id, fennel)[0])
    give_to_carrier(box)
    members = {
        "service": {"service": "express"},
        "reduce": {"lines": [{"line": 1, "quantity": 1}]},
    }[kind]
    answered = change("A-1", kind, **members)
    assert (answered.answer, answered.reason_code) == ("refused", "with_carrier")
    assert ship_to(database)[0][0] == "Leeds"
    assert database.rows("SELECT count(*) FROM recipient") == [(1,)]


def test_an_address_after_the_label_voids_it_and_buys_another(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any, run_jobs: Any
) -> None:
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    ((old,),) = database.rows("SELECT barcode FROM label")
    answered = change("R-1", "address", recipient=YORK)
    assert (answered.answer, answered.stage) == ("applied_with_rework", "labelled")
    assert dock(database, old) == "void"
    run_jobs()
    assert database.rows("SELECT state FROM shipment") == [("labelled",)]
    assert database.rows(
        "SELECT l.state FROM label l JOIN label_purchase p ON p.id = l.purchase_id ORDER BY attempt"
    ) == [
        ("voided",),
        ("bought",),
    ]
    ((new,),) = database.rows("SELECT barcode FROM label WHERE state = 'bought'")
    assert new != old
    assert dock(database, old) == "void"
    assert dock(database, new) == "handed over"
    assert ship_to(database)[0][0] == "York"
    assert offences(*CHECKS) == {}


def dock(database: Any, barcode: str) -> str:
    """Scans a label at the bench and at the dock; returns why it was refused there, or that it left."""
    try:
        with transaction(WAREHOUSE) as session:
            (account,) = session.exec(select(CarrierAccount)).all()
            (package,) = session.exec(select(Package)).all()
            if database.rows("SELECT 1 FROM label WHERE state = 'bought' AND barcode = %s", barcode):
                verify_label(session, package, barcode, "staff:W-1002")
            hand_over(session, account, barcode, "staff:W-1003")
    except NotForHandOver as refusal:
        return str(refusal.extra["reason"])
    return "handed over"


def test_a_held_parcel_is_not_labelled_again_before_somebody_asks(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any, run_jobs: Any
) -> None:
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    with transaction(WAREHOUSE) as session:
        (order_id,) = database.rows("SELECT id FROM orders")[0]
        order = session.get_one(Order, (fennel, order_id))
        place_hold(session, order, HoldKind.FRAUD_REVIEW, owner="brand", handle="x", actor="brand:test")
    assert change("R-1", "address", recipient=YORK).answer == "applied_with_rework"
    run_jobs()
    assert database.rows("SELECT state FROM shipment") == [("packed",)]
    assert database.rows("SELECT state FROM label") == [("voided",)]
    assert offences(*CHECKS) == {}


def test_a_change_while_the_label_is_being_bought_waits_for_it(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any, run_jobs: Any
) -> None:
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    answered = change("R-1", "address", recipient=YORK)
    assert (answered.answer, answered.reason_code, answered.resolved_at) == ("requested", "label_under_way", None)
    assert database.rows("SELECT pending_changes FROM shipment") == [(1,)]
    assert ship_to(database)[0][0] == "Leeds"
    run_jobs()
    assert database.rows("SELECT answer, resolved_at IS NOT NULL FROM change") == [("applied_with_rework", True)]
    assert database.rows("SELECT state, pending_changes FROM shipment") == [("labelled", 0)]
    assert ship_to(database)[0][0] == "York"
    assert database.rows("SELECT state, count(*) FROM label GROUP BY 1 ORDER BY 1") == [("bought", 1), ("voided", 1)]
    assert offences(*CHECKS) == {}


def test_a_refused_label_lets_the_change_through_on_the_bench(
    database: Any, bench: Any, sandbox: Any, fennel: Any, change: Any, run_jobs: Any
) -> None:
    shipment = bench.pack()
    sandbox.fault("purchase", "refuse")
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    assert change("R-1", "address", recipient=YORK).answer == "requested"
    run_jobs()
    assert database.rows("SELECT answer FROM change") == [("applied",)]
    assert database.rows("SELECT state, pending_changes FROM shipment") == [("packed", 0)]
    assert ship_to(database)[0][0] == "York"


def test_a_parcel_with_a_pending_change_stays_at_the_dock(
    database: Any, bench: Any, sandbox: Any, fennel: Any, run_jobs: Any
) -> None:
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    ((barcode,),) = database.rows("SELECT barcode FROM label")
    database.rows("UPDATE shipment SET pending_changes = 1")
    assert dock(database, barcode) == "change"


def test_a_version_that_is_over_decides_nothing(database: Any, fennel: Any, cups: Any, change: Any) -> None:
    placed(fennel, ("CUP", 2), ref="A-1")
    change("A-1", "contact", phone="+44 113 496 0001", expected_version=1)
    before = snapshot(database)
    with pytest.raises(VersionConflict) as refusal:
        change("A-1", "cancel", expected_version=1)
    assert refusal.value.extra == {"version": 2}
    assert snapshot(database) == before


def test_a_reference_stands_for_one_change(database: Any, fennel: Any, cups: Any, change: Any) -> None:
    placed(fennel, ("CUP", 2), ref="A-1")
    first = change("A-1", "contact", ref="C", phone="+44 113 496 0001")
    before = snapshot(database)
    with pytest.raises(ChangeRefTaken):
        change("A-1", "contact", ref="C", phone="+44 113 496 0002")
    assert change("A-1", "contact", ref="C", phone="+44 113 496 0001").id == first.id
    assert snapshot(database) == before


def test_the_options_say_what_the_change_is_answered_then(
    database: Any, fennel: Any, cups: Any, frozen_clock: Any, change: Any
) -> None:
    set_policy(database, fennel, edit_window_seconds=900)
    order_id = placed(fennel, ("CUP", 2), ref="A-1")

    def found() -> Any:
        with transaction(WAREHOUSE) as session:
            brand = session.get_one(Brand, fennel)
            return options(session, brand, session.get_one(Order, (fennel, order_id)))

    held = {option.kind: option for option in found()}
    assert (held["cancel"].answer, held["cancel"].until.isoformat()) == ("applied", "2026-03-02T09:15:00+00:00")
    assert (held["add_items"].reason_code, held["add_items"].alternatives) == ("new_order", ("new_order",))
    assert held["split_off"].reason_code == "not_combined"
    release(frozen_clock)
    assert {option.kind: option.until for option in found()}["cancel"] is None
    (box,) = packed(shipments(order_id, fennel)[0])
    give_to_carrier(box)
    assert open_kinds(found()) == {"address", "contact", "cancel"}
