# SPDX-License-Identifier: Apache-2.0
"""The audit is clean over an honest day's work, and finds every kind of damage done behind our back."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlmodel import select

from carriers.errors import CarrierError
from wms.audit.checks import CHECKS
from wms.audit.service import Finding, compare_with_carriers, run_audit
from wms.dispatch.models import CarrierAccount, Label
from wms.dispatch.service import hand_over, request_labels, verify_label
from wms.platform.db import WAREHOUSE, transaction
from wms.shipments.models import Package


def findings() -> dict[str, Finding]:
    with transaction(WAREHOUSE, is_snapshot=True) as session:
        return {finding.code: finding for finding in run_audit(session)}


@pytest.fixture
def worked(bench: Any, sandbox: Any, run_jobs: Callable[..., int]) -> Any:
    """One shipment is labelled, another one has been handed over."""
    for _ in range(2):
        shipment = bench.pack()
        with transaction(WAREHOUSE) as session:
            request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    with transaction(WAREHOUSE) as session:
        label = session.exec(select(Label)).all()[0]
        package = session.get_one(Package, (label.brand_id, label.package_id))
        account = session.exec(select(CarrierAccount)).one()
        assert label.barcode is not None
        verify_label(session, package, label.barcode, "staff:W-1002")
        hand_over(session, account, label.barcode, "staff:W-1003")
    return bench


def test_an_honest_day_leaves_nothing_to_find(worked: Any) -> None:
    assert {code: finding.count for code, finding in findings().items()} == dict.fromkeys(
        ["S1", "S2", "S3", "S4", "O1", "O3", "O4", "L1", "L3", "L4", "M3", "M4", "T1", "T2"], 0
    )


def test_every_check_has_a_code_of_its_own() -> None:
    assert len({check.code for check in CHECKS}) == len(CHECKS)


DAMAGE = {
    "a counter that promises more than there is": (
        "S1",
        (
            "ALTER TABLE stock_counter DROP CONSTRAINT ck_stock_counter_promised_within_sellable;"
            "UPDATE stock_counter SET promised = sellable + 1 WHERE ctid = (SELECT min(ctid) FROM stock_counter)"
        ),
        (
            "ALTER TABLE stock_counter ADD CONSTRAINT ck_stock_counter_promised_within_sellable"
            " CHECK (0 <= promised AND promised <= sellable) NOT VALID"
        ),
    ),
    "a bin that holds more than the ledger says": (
        "S2",
        "UPDATE bin_stock SET on_hand = on_hand + 1 WHERE ctid = (SELECT min(ctid) FROM bin_stock)",
        "",
    ),
    "an allocation that nobody keeps": (
        "S2",
        "UPDATE bin_stock SET allocated = allocated + 1 WHERE ctid = (SELECT min(ctid) FROM bin_stock)",
        "",
    ),
    "a movement that makes goods out of nothing": (
        "S3",
        (
            "INSERT INTO stock_move (brand_id, id, group_id, warehouse_id, account, location_id, lot, sku_id, quantity,"
            " reason, reference, actor, at) SELECT brand_id, gen_random_uuid(), group_id, warehouse_id, 'adjustment',"
            " NULL, lot, sku_id, 1, reason, reference, actor, at FROM stock_move LIMIT 1"
        ),
        "",
    ),
    "a line promised more than was ordered": (
        "S4",
        "UPDATE promise SET quantity = quantity + 1 WHERE state = 'live'",
        "",
    ),
    "an event that is missing from a story": (
        "O1",
        "DELETE FROM order_event WHERE ctid = (SELECT min(ctid) FROM order_event WHERE kind = 'picked')",
        "",
    ),
    "an event that cannot follow": (
        "O1",
        "UPDATE order_event SET kind = 'delivered' WHERE kind = 'picked'",
        "",
    ),
    "an order whose state its story does not tell": ("O1", "UPDATE orders SET state = 'delivered'", ""),
    "a shipment packed under a hold": (
        "O3",
        (
            "INSERT INTO hold (brand_id, id, order_id, kind, owner, handle, note, release_stock, placed_at)"
            " SELECT brand_id, gen_random_uuid(), id, 'fraud_review', 'x', 'y', '', false,"
            " accepted_at - interval '1 hour' FROM orders LIMIT 1"
        ),
        "",
    ),
    "a label that was bought for another door": ("O4", "UPDATE recipient SET street = 'Elsewhere 1'", ""),
    "a parcel that left without a label": (
        "L1",
        "UPDATE label SET state = 'voided' WHERE package_id IN (SELECT id FROM package WHERE state = 'handed_over')",
        "",
    ),
    "a line that says it shipped more than left": (
        "L3",
        "UPDATE order_line SET quantity = quantity + 1, shipped = shipped + 1 WHERE shipped > 0",
        "",
    ),
    "a purchase in doubt that nobody was told of": (
        "L4",
        (
            "UPDATE label_purchase SET state = 'unknown', asked_at = now() - interval '16 minutes'"
            " WHERE shipment_id IN (SELECT id FROM shipment WHERE state = 'labelled')"
        ),
        "",
    ),
    "a callback that nobody reads": (
        "M3",
        (
            "INSERT INTO inbox_event (id, account_id, event_id, tracking_numbers, headers, body, state, received_at)"
            " SELECT gen_random_uuid(), id, 'e1', '{}', '{}', '', 'pending', now() - interval '2 minutes'"
            " FROM carrier_account"
        ),
        "",
    ),
    "a job that nobody runs": (
        "M4",
        (
            "INSERT INTO job (id, kind, args, state, run_at, retry_at, attempts, created_at) SELECT gen_random_uuid(),"
            " 'x', '{}', 'ready', now() - interval '2 minutes', now() - interval '2 minutes', 0, now()"
        ),
        "",
    ),
    "a foreign key that leaves the brand out": (
        "T1",
        (
            "ALTER TABLE sku ADD CONSTRAINT only_id UNIQUE (id);"
            "ALTER TABLE promise ADD CONSTRAINT stray FOREIGN KEY (sku_id) REFERENCES sku (id)"
        ),
        "ALTER TABLE promise DROP CONSTRAINT stray; ALTER TABLE sku DROP CONSTRAINT only_id",
    ),
    "a table without forced row-level security": (
        "T2",
        "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE orders FORCE ROW LEVEL SECURITY",
    ),
    "a view that passes row-level security": (
        "T2",
        "CREATE VIEW all_orders AS SELECT * FROM orders",
        "DROP VIEW all_orders",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found(what: str, worked: Any, database: Any) -> None:
    code, damage, repair = DAMAGE[what]
    database.owner.execute("SET session_replication_role = replica")
    try:
        for statement in damage.split(";"):
            database.owner.execute(statement)
        found = findings()
    finally:
        database.owner.execute("SET session_replication_role = origin")
        if code == "S1":
            database.owner.execute("UPDATE stock_counter SET promised = 0")
        for statement in filter(None, repair.split(";")):
            database.owner.execute(statement)
    assert found[code].count >= 1
    assert all(found[code].ids)


def test_a_label_that_only_one_side_knows_is_found(worked: Any, database: Any) -> None:
    before = compare_with_carriers()
    database.rows(
        "UPDATE label SET tracking_number = 'SB000' WHERE package_id IN (SELECT id FROM package WHERE state = 'packed')"
    )
    after = compare_with_carriers()
    # The sandbox of the whole test run keeps labels of other tests, which this database never knew.
    assert after.count == before.count + 2
    assert "SANDBOX SB000: bought here, unknown to the carrier" in after.ids or after.count > len(after.ids)


def test_no_transaction_is_open_while_a_carrier_is_asked_for_its_books(house: Any, database: Any) -> None:
    in_transaction = []

    class Carrier(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            in_transaction.append(
                database.rows(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND state LIKE 'idle in transaction%%'"
                )
            )
            self.send_response(503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keeps the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Carrier) as carrier:
        threading.Thread(target=carrier.serve_forever).start()
        database.rows("UPDATE carrier_account SET base_url = %s", f"http://127.0.0.1:{carrier.server_port}")
        with pytest.raises(CarrierError):
            compare_with_carriers()
        carrier.shutdown()
    assert in_transaction == [[(0,)]]
