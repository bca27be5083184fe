# SPDX-License-Identifier: Apache-2.0
"""One package more: a further piece under the same master number where the carrier can, else every label anew."""

from typing import Any

import pytest

from wms.dispatch.models import CarrierAccount, LabelPurchase
from wms.dispatch.service import connect, hand_over, request_labels, verify_label, void_labels
from wms.platform.db import WAREHOUSE, transaction
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.packages import packages_of
from wms.shipments.service import lock_shipment, move_to

WHO = "staff:W-1002"


@pytest.fixture
def grown(database: Any, bench: Any, run_jobs: Any, sandbox: Any) -> Any:
    """A shipment of which some boxes were labelled, and then one box more was packed."""

    def make(boxes: int = 2) -> Shipment:
        shipment = bench.pack(boxes)
        database.rows(
            "UPDATE package SET state = 'cancelled' WHERE shipment_id = %s AND number = %s", shipment.id, boxes
        )
        request(shipment)
        run_jobs()
        with transaction(WAREHOUSE) as session:
            move_to(session, lock_shipment(session, shipment.brand_id, shipment.id), ShipmentState.PACKED)
        database.rows("UPDATE package SET state = 'packed' WHERE shipment_id = %s AND number = %s", shipment.id, boxes)
        return shipment

    return make


def request(shipment: Shipment) -> LabelPurchase:
    with transaction(WAREHOUSE) as session:
        return request_labels(session, shipment, WHO)


def labels(database: Any, shipment: Shipment) -> list[tuple[Any, ...]]:
    """(attempt, package number, state) of every label ever, the oldest first."""
    return database.rows(
        "SELECT p.attempt, k.number, l.state FROM label l JOIN label_purchase p ON p.id = l.purchase_id"
        " JOIN package k ON k.id = l.package_id WHERE p.shipment_id = %s ORDER BY p.attempt, k.number",
        shipment.id,
    )


def numbers(database: Any, shipment: Shipment) -> list[str]:
    rows = database.rows(
        "SELECT tracking_number FROM package WHERE shipment_id = %s AND state <> 'cancelled' ORDER BY number",
        shipment.id,
    )
    return [number for (number,) in rows]


def assert_books_agree(database: Any, house: Any, shipment: Shipment) -> None:
    """Every label of the shipment that the carrier ever made is ours, and void there as here."""
    with transaction(WAREHOUSE) as session:
        carrier = connect(session.get_one(CarrierAccount, house.account_id))
    theirs = {e.tracking_number: e.is_voided for e in carrier.ledger() if e.key.startswith(shipment.id.hex)}
    ours = database.rows("SELECT tracking_number, state = 'voided' FROM label WHERE tracking_number IS NOT NULL")
    assert theirs == dict(ours)


@pytest.mark.parametrize("boxes", [2, 3])
def test_the_labels_on_the_boxes_stay_and_the_new_box_gets_a_piece(
    boxes: int, database: Any, house: Any, grown: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = grown(boxes)
    kept = numbers(database, shipment)[:-1]
    assert request(shipment).extends_id is not None
    assert labels(database, shipment)[-1] == (2, boxes, "calling")
    run_jobs()
    assert labels(database, shipment) == [(1, n, "bought") for n in range(1, boxes)] + [(2, boxes, "bought")]
    after = numbers(database, shipment)
    assert after[:-1] == kept
    ((state, master),) = database.rows("SELECT state, master_tracking FROM shipment")
    assert state == "labelled"
    assert master.startswith("SBM")
    assert database.rows("SELECT DISTINCT master_tracking FROM label_purchase") == [(master,)]
    shown = sandbox.call("GET", f"/v1/tracking/{master}")["parcels"]
    assert [parcel["tracking_number"] for parcel in shown] == after
    assert_books_agree(database, house, shipment)


def test_all_of_it_leaves_and_arrives_as_one_shipment(
    database: Any, house: Any, grown: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = grown()
    request(shipment)
    run_jobs()
    with transaction(WAREHOUSE) as session:
        account = session.get_one(CarrierAccount, house.account_id)
        for package in packages_of(session, shipment):
            assert package.tracking_number is not None
            verify_label(session, package, package.tracking_number, WHO)
            hand_over(session, account, package.tracking_number, "staff:W-1003")
    assert database.rows("SELECT state FROM shipment") == [("handed_over",)]
    assert database.rows("SELECT sum(quantity) FROM stock_move WHERE account = 'shipped'") == [(2,)]


@pytest.mark.parametrize("fault", ["error_500_after_success", "connection_reset_after_success"])
def test_a_lost_answer_adds_one_piece(
    fault: str, database: Any, house: Any, grown: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = grown()
    sandbox.fault("purchase", fault)
    request(shipment)
    run_jobs()
    assert labels(database, shipment) == [(1, 1, "bought"), (2, 2, "unknown")]
    run_jobs(retries=True)
    assert labels(database, shipment) == [(1, 1, "bought"), (2, 2, "bought")]
    assert_books_agree(database, house, shipment)


def test_a_carrier_that_adds_nothing_gets_every_label_anew(
    database: Any, house: Any, grown: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = grown()
    (kept, _) = numbers(database, shipment)
    sandbox.fault("purchase", "refuse")
    request(shipment)
    run_jobs()
    assert labels(database, shipment) == [(1, 1, "bought"), (2, 2, "refused")]
    assert database.rows("SELECT state FROM shipment") == [("packed",)]
    assert numbers(database, shipment) == [kept, None]

    assert request(shipment).extends_id is None
    run_jobs()
    assert labels(database, shipment) == [(1, 1, "voided"), (2, 2, "refused"), (3, 1, "bought"), (3, 2, "bought")]
    assert kept not in numbers(database, shipment)
    assert_books_agree(database, house, shipment)
    told = [kind for (kind,) in database.rows("SELECT kind FROM order_event WHERE kind LIKE 'label%%' ORDER BY seq")]
    assert told == ["label_bought", "label_refused", "label_voided", "label_bought"]


def test_a_label_for_another_door_does_not_stay(database: Any, house: Any, grown: Any, run_jobs: Any) -> None:
    shipment = grown()
    database.rows("UPDATE recipient SET street = '1 Mill Lane'")
    assert request(shipment).extends_id is None
    run_jobs()
    assert labels(database, shipment) == [(1, 1, "voided"), (2, 1, "bought"), (2, 2, "bought")]
    assert_books_agree(database, house, shipment)


def test_a_void_takes_the_added_piece_along(database: Any, house: Any, grown: Any, run_jobs: Any) -> None:
    shipment = grown()
    request(shipment)
    run_jobs()
    with transaction(WAREHOUSE) as session:
        voided = void_labels(session, shipment, WHO, "another address")
        assert len(voided) == 2
        assert {package.label_verified_at for package in packages_of(session, shipment)} == {None}
    assert labels(database, shipment) == [(1, 1, "void_requested"), (2, 2, "void_requested")]
    run_jobs()
    assert labels(database, shipment) == [(1, 1, "voided"), (2, 2, "voided")]
    assert numbers(database, shipment) == [None, None]
    assert_books_agree(database, house, shipment)
    with transaction(WAREHOUSE) as session:
        assert session.get_one(Shipment, (shipment.brand_id, shipment.id)).master_tracking is None
