# SPDX-License-Identifier: Apache-2.0
"""Labels are bought once, whatever goes wrong between us and the carrier. Every call goes to a real server."""

from typing import Any

import pytest

from wms.dispatch.intents import PackagesNotReady, ShipmentHeld
from wms.dispatch.models import CarrierAccount, Label, LabelPurchase
from wms.dispatch.service import (
    LabelStateConflict,
    NoCarrier,
    ask_again,
    connect,
    declare_refused,
    flag_unresolved,
    needing_person,
    request_labels,
)
from wms.orders.models import HoldKind, Order
from wms.orders.service import place_hold
from wms.platform.db import WAREHOUSE, transaction
from wms.shipments.models import Shipment
from wms.shipments.service import StateConflict

LOST_AFTER_SUCCESS = ["error_500_after_success", "connection_reset_after_success", "timeout_after_success"]
LOST_BEFORE = ["error_500_before", "timeout_before"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> None:
    """A carrier that does not answer is waited for half a second."""
    from wms.platform.settings import settings

    monkeypatch.setenv("WMS_CARRIER_TIMEOUT_MS", "500")
    settings.cache_clear()


def request(shipment: Shipment) -> LabelPurchase:
    with transaction(WAREHOUSE) as session:
        return request_labels(session, shipment, "staff:W-1002")


def state_of(database: Any, shipment: Shipment) -> tuple[Any, ...]:
    """Shipment state, purchases as (attempt, state), label states of all attempts."""
    (state,) = database.rows("SELECT state FROM shipment WHERE id = %s", shipment.id)[0]
    purchases = database.rows(
        "SELECT attempt, state FROM label_purchase WHERE shipment_id = %s ORDER BY attempt", shipment.id
    )
    labels = database.rows(
        "SELECT l.state FROM label l JOIN label_purchase p ON p.id = l.purchase_id"
        " JOIN package k ON k.id = l.package_id WHERE p.shipment_id = %s ORDER BY p.attempt, k.number",
        shipment.id,
    )
    return state, purchases, [label for (label,) in labels]


def events_of(database: Any, shipment: Shipment, prefix: str = "label_") -> list[str]:
    rows = database.rows(
        "SELECT kind FROM order_event WHERE data->>'shipment_id' = %s AND kind LIKE %s ORDER BY seq",
        str(shipment.id),
        prefix + "%",
    )
    return [kind for (kind,) in rows]


def at_the_carrier(house: Any, shipment: Shipment) -> list[tuple[str, bool]]:
    """The carrier's own books for a shipment: (tracking number, void)."""
    with transaction(WAREHOUSE) as session:
        carrier = connect(session.get_one(CarrierAccount, house.account_id))
    return [
        (entry.tracking_number, entry.is_voided) for entry in carrier.ledger() if entry.key.startswith(shipment.id.hex)
    ]


def test_a_label_is_bought_and_the_story_says_so(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    purchase = request(shipment)
    assert state_of(database, shipment) == ("labelling", [(1, "calling")], ["calling"])
    assert purchase.key == f"{shipment.id.hex}-1"

    run_jobs()

    assert state_of(database, shipment) == ("labelled", [(1, "bought")], ["bought"])
    ((number, is_void),) = at_the_carrier(house, shipment)
    assert not is_void
    ((tracking, barcode, pdf, zpl),) = database.rows(
        "SELECT k.tracking_number, l.barcode, l.pdf, l.zpl FROM label l JOIN package k ON k.id = l.package_id"
    )
    assert (tracking, barcode) == (number, number)
    assert bytes(pdf).startswith(b"%PDF")
    assert bytes(zpl).startswith(b"^XA")
    ((data, actor),) = database.rows("SELECT data, actor FROM order_event WHERE kind = 'label_bought'")
    assert data == {
        "shipment_id": str(shipment.id),
        "carrier": "sandbox",
        "service": "standard",
        "tracking_numbers": [number],
        "master_tracking": None,
    }
    assert actor == "carrier:SANDBOX"


def test_three_boxes_get_three_labels_under_one_master_number(
    database: Any, house: Any, bench: Any, run_jobs: Any
) -> None:
    shipment = bench.pack(boxes=3)
    request(shipment)
    run_jobs()
    assert state_of(database, shipment) == ("labelled", [(1, "bought")], ["bought"] * 3)
    numbers = [number for number, _ in at_the_carrier(house, shipment)]
    packed = database.rows("SELECT tracking_number FROM package ORDER BY number")
    assert [number for (number,) in packed] == numbers
    ((master,),) = database.rows("SELECT master_tracking FROM shipment")
    assert master.startswith("SBM")


@pytest.mark.parametrize("kind", LOST_AFTER_SUCCESS)
def test_a_lost_answer_is_looked_up_and_never_bought_again(
    kind: str, database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack(boxes=2)
    sandbox.fault("purchase", kind, delay_s=1)
    request(shipment)

    run_jobs()
    assert state_of(database, shipment) == ("labelling", [(1, "unknown")], ["unknown"] * 2)
    assert events_of(database, shipment) == ["label_unknown"]

    run_jobs(retries=True)
    assert state_of(database, shipment) == ("labelled", [(1, "bought")], ["bought"] * 2)
    assert events_of(database, shipment) == ["label_unknown", "label_bought"]
    assert [is_void for _, is_void in at_the_carrier(house, shipment)] == [False, False]


@pytest.mark.parametrize("kind", LOST_BEFORE)
def test_a_request_that_never_arrived_is_sent_again_under_the_same_key(
    kind: str, database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    sandbox.fault("purchase", kind, delay_s=1)
    request(shipment)
    run_jobs()
    assert state_of(database, shipment) == ("labelling", [(1, "unknown")], ["unknown"])
    assert at_the_carrier(house, shipment) == []

    run_jobs(retries=True)
    assert state_of(database, shipment) == ("labelled", [(1, "bought")], ["bought"])
    assert len(at_the_carrier(house, shipment)) == 1


def test_a_carrier_that_is_busy_is_asked_later_and_nobody_is_alarmed(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    sandbox.fault("purchase", "rate_limited_429")
    request(shipment)
    run_jobs()
    assert state_of(database, shipment) == ("labelling", [(1, "calling")], ["calling"])
    assert database.rows("SELECT in_doubt FROM label_purchase") == [(False,)]
    run_jobs(retries=True)
    assert state_of(database, shipment) == ("labelled", [(1, "bought")], ["bought"])
    assert events_of(database, shipment) == ["label_bought"]


def test_a_carrier_that_cannot_be_reached_was_not_asked(database: Any, house: Any, bench: Any, run_jobs: Any) -> None:
    shipment = bench.pack()
    database.rows("UPDATE carrier_account SET base_url = 'http://127.0.0.1:9'")
    request(shipment)
    run_jobs()
    assert state_of(database, shipment) == ("labelling", [(1, "calling")], ["calling"])
    assert database.rows("SELECT in_doubt FROM label_purchase") == [(False,)]

    database.rows("UPDATE label_purchase SET asked_at = asked_at - interval '16 minutes'")
    run_jobs(retries=True)
    assert state_of(database, shipment) == ("packed", [(1, "refused")], ["refused"])
    assert database.rows("SELECT reason_code FROM label_purchase") == [("not_sent",)]


def test_a_refusal_brings_the_shipment_back_to_the_bench_and_the_next_attempt_has_a_new_key(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    sandbox.fault("purchase", "refuse")
    request(shipment)
    run_jobs()
    assert state_of(database, shipment) == ("packed", [(1, "refused")], ["refused"])
    ((data,),) = database.rows("SELECT data FROM order_event WHERE kind = 'label_refused'")
    assert data["reason_code"] == "refused_on_purpose"

    assert request(shipment).key == f"{shipment.id.hex}-2"
    run_jobs()
    assert state_of(database, shipment) == ("labelled", [(1, "refused"), (2, "bought")], ["refused", "bought"])
    assert len(at_the_carrier(house, shipment)) == 1


def test_of_a_half_bought_shipment_what_was_bought_is_voided(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack(boxes=2)
    sandbox.fault("purchase", "half")
    request(shipment)
    run_jobs()
    assert state_of(database, shipment) == ("packed", [(1, "refused")], ["voided", "refused"])
    assert [is_void for _, is_void in at_the_carrier(house, shipment)] == [True]
    assert events_of(database, shipment) == ["label_refused"]

    request(shipment)
    run_jobs()
    assert state_of(database, shipment)[0] == "labelled"
    assert sorted(is_void for _, is_void in at_the_carrier(house, shipment)) == [False, False, True]


def test_what_stays_unknown_for_15_minutes_is_a_persons_task_and_no_second_key_is_used(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    sandbox.call("PUT", "/sandbox/faults", {"purchase": [{"kind": "error_500_before"}]})
    request(shipment)
    run_jobs()
    database.rows("UPDATE label_purchase SET asked_at = asked_at - interval '16 minutes'")
    run_jobs(retries=True)
    assert state_of(database, shipment) == ("labelling", [(1, "unknown")], ["unknown"])
    assert events_of(database, shipment) == ["label_unknown"]
    with transaction(WAREHOUSE) as session:
        (task,) = needing_person(session, house.warehouse_id)
        assert task.shipment_id == shipment.id
        with pytest.raises(StateConflict):
            request_labels(session, shipment, "staff:W-1002")
        ask_again(session, task)
    sandbox.call("DELETE", "/sandbox/faults")
    run_jobs()
    assert state_of(database, shipment) == ("labelled", [(1, "bought")], ["bought"])
    with transaction(WAREHOUSE) as session:
        assert needing_person(session, house.warehouse_id) == []


def test_a_person_who_asked_the_carrier_can_declare_an_unknown_purchase_refused(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    sandbox.fault("purchase", "error_500_before")
    request(shipment)
    run_jobs()
    with transaction(WAREHOUSE) as session:
        purchase = session.get_one(LabelPurchase, (shipment.brand_id, _only(database, "label_purchase")))
        declare_refused(session, purchase, "staff:W-1004", "They know nothing of it, says Ms Hall.")
    assert state_of(database, shipment) == ("packed", [(1, "refused")], ["refused"])
    run_jobs(retries=True)
    assert state_of(database, shipment) == ("packed", [(1, "refused")], ["refused"])
    assert at_the_carrier(house, shipment) == []


def test_the_sweeper_flags_an_open_purchase_whatever_became_of_its_job(database: Any, house: Any, bench: Any) -> None:
    request(bench.pack())
    database.rows("DELETE FROM job")
    with transaction(WAREHOUSE) as session:
        assert flag_unresolved(session) == 0
    database.rows("UPDATE label_purchase SET asked_at = asked_at - interval '16 minutes'")
    with transaction(WAREHOUSE) as session:
        assert flag_unresolved(session) == 1
        assert flag_unresolved(session) == 0
        assert len(needing_person(session, house.warehouse_id)) == 1


def test_a_shipment_on_hold_gets_no_label(database: Any, bench: Any) -> None:
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (shipment.brand_id, _only(database, "orders")))
        place_hold(session, order, HoldKind.BRAND_REQUEST, owner="brand:fennel", handle="wait", actor="brand:fennel")
    with pytest.raises(ShipmentHeld):
        request(shipment)
    assert state_of(database, shipment) == ("packed", [], [])


def test_a_hold_that_comes_while_the_label_is_bought_wins_and_the_label_is_voided(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    request(shipment)
    with transaction(WAREHOUSE) as session:
        order = session.get_one(Order, (shipment.brand_id, _only(database, "orders")))
        place_hold(session, order, HoldKind.BRAND_REQUEST, owner="brand:fennel", handle="wait", actor="brand:fennel")
    run_jobs()
    assert state_of(database, shipment) == ("packed", [(1, "refused")], ["voided"])
    assert events_of(database, shipment) == ["label_refused"]
    assert database.rows("SELECT reason_code FROM label_purchase") == [("shipment_held",)]
    assert [is_void for _, is_void in at_the_carrier(house, shipment)] == [True]


def test_an_open_box_gets_no_label(database: Any, bench: Any) -> None:
    shipment = bench.pack(boxes=2)
    database.rows("UPDATE package SET state = 'open' WHERE number = 2")
    with pytest.raises(PackagesNotReady):
        request(shipment)
    assert state_of(database, shipment) == ("packed", [], [])
    assert database.rows("SELECT kind FROM job WHERE kind = 'dispatch.buy_labels'") == []


def test_a_service_that_no_account_offers_is_refused_with_a_sentence(database: Any, bench: Any) -> None:
    shipment = bench.pack(service="teleport")
    with pytest.raises(NoCarrier, match="No carrier account of this warehouse offers the service 'teleport'"):
        request(shipment)
    assert state_of(database, shipment) == ("packed", [], [])


def test_asking_twice_buys_once(database: Any, bench: Any) -> None:
    shipment = bench.pack()
    request(shipment)
    with pytest.raises(StateConflict):
        request(shipment)
    assert state_of(database, shipment) == ("labelling", [(1, "calling")], ["calling"])


def test_a_job_that_runs_twice_changes_nothing(database: Any, house: Any, bench: Any, run_jobs: Any) -> None:
    shipment = bench.pack()
    request(shipment)
    run_jobs()
    before = database.rows("SELECT * FROM label"), database.rows("SELECT * FROM order_event ORDER BY order_id, seq")
    database.rows("UPDATE job SET state = 'ready' WHERE kind = 'dispatch.buy_labels'")
    run_jobs()
    assert (
        database.rows("SELECT * FROM label"),
        database.rows("SELECT * FROM order_event ORDER BY order_id, seq"),
    ) == before


def test_cash_on_delivery_is_collected_with_the_first_shipment_of_an_order(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack(payment="cod", cod_amount_minor=4599)
    request(shipment)
    run_jobs()
    ((zpl,),) = database.rows("SELECT zpl FROM label")
    assert b"GBP 45.99" in bytes(zpl)


def _only(database: Any, table: str) -> Any:
    ((id_,),) = database.rows(f"SELECT id FROM {table}")
    return id_


def test_labels_of_one_brand_are_invisible_to_another(database: Any, house: Any, bench: Any, run_jobs: Any) -> None:
    from sqlmodel import select

    from wms.platform.db import brand_scope

    shipment = bench.pack()
    request(shipment)
    run_jobs()
    other = next(brand.id for brand in house.brands.values() if brand.id != shipment.brand_id)
    with transaction(brand_scope(other)) as session:
        assert session.exec(select(Label)).all() == []
    with transaction(brand_scope(shipment.brand_id)) as session:
        assert len(session.exec(select(Label)).all()) == 1


def test_nobody_declares_a_purchase_refused_while_the_carrier_is_being_asked(
    database: Any, house: Any, bench: Any, run_jobs: Any, sandbox: Any
) -> None:
    shipment = bench.pack()
    sandbox.fault("purchase", "error_500_before")
    request(shipment)
    run_jobs()
    database.rows("UPDATE job SET state = 'running' WHERE kind = 'dispatch.buy_labels'")
    with transaction(WAREHOUSE) as session:
        purchase = session.get_one(LabelPurchase, (shipment.brand_id, _only(database, "label_purchase")))
        with pytest.raises(LabelStateConflict, match="being asked in this moment"):
            declare_refused(session, purchase, "staff:W-1004", "They know nothing of it.")
    assert state_of(database, shipment) == ("labelling", [(1, "unknown")], ["unknown"])
    database.rows("UPDATE job SET state = 'ready' WHERE kind = 'dispatch.buy_labels'")
    run_jobs(retries=True)
    assert state_of(database, shipment) == ("labelled", [(1, "bought")], ["bought"])
