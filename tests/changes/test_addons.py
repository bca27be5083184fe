# SPDX-License-Identifier: Apache-2.0
"""Add-ons: paid in time they travel along, unpaid they lapse, paid too late they are owed back."""

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import (
    BOOKS,
    bins,
    counter,
    offences,
    packed,
    release,
    set_policy,
    shipments,
    snapshot,
    start_picking,
    stocked,
    story,
)
from wms.changes.payments import lapse_addons, report_payment, settle_adjustment, waive_adjustment
from wms.intake.service import UnknownSkus
from wms.orders.models import HoldKind, PaymentState
from wms.orders.service import find_order
from wms.platform.db import WAREHOUSE, brand_scope, in_transaction, transaction
from wms.platform.ids import new_id
from wms.shipments.holds import BRAND, HoldIn, lift, place
from wms.shipments.missing import report_short
from wms.shipments.service import lines_of
from wms.stock.allocations import open_allocations
from wms.stock.ledger import Cause
from wms.stock.models import Location


@pytest.fixture
def shop(database: Any, house: Any, fennel: Any, frozen_clock: Any, sell: Any) -> Any:
    """One cup is sold at 09:00 by a brand that edits orders; mugs may be forgotten. Returns the articles' ids."""
    set_policy(
        database,
        fennel,
        add_ons="edit_order",
        payment_window_seconds=1800,
        payment_link="https://pay.example/{ref}/{adjustment}",
    )
    articles = {sku: stocked(house, fennel, sku, ("A-01-1", 10)) for sku in ("CUP", "MUG")}
    sell("A-1", ("CUP", 1, 900))
    return articles


def settle(fennel: Any, adjustment_id: Any, ref: str = "PAY-1") -> Any:
    return in_transaction(
        brand_scope(fennel), lambda session: settle_adjustment(session, fennel, adjustment_id, ref, "brand:test")
    )


def lapse() -> int:
    return in_transaction(WAREHOUSE, lapse_addons)


def mugs(change: Any, quantity: int = 2, price: int = 1500) -> Any:
    line = {"sku": "MUG", "quantity": quantity, "unit_price_minor": price}
    return change("A-1", "add_items", lines=[line])


def invoice(database: Any) -> Any:
    ((adjustment_id,),) = database.rows("SELECT id FROM adjustment WHERE kind = 'invoice_due'")
    return adjustment_id


def test_an_add_on_waits_for_its_money_outside_of_every_shipment(
    database: Any, fennel: Any, shop: Any, change: Any
) -> None:
    answered = mugs(change)
    assert answered.answer == "awaiting_payment"
    owed = answered.outcome["invoice_due"]
    assert owed == {
        "id": str(invoice(database)),
        "amount_minor": 3000,
        "currency": "GBP",
        "until": "2026-03-02T09:30:00+00:00",
        "payment_link": f"https://pay.example/A-1/{invoice(database)}",
    }
    assert counter(database, shop["MUG"]) == (10, 2)
    assert database.rows("SELECT line_no, quantity, awaiting_payment FROM order_line ORDER BY 1") == [
        (1, 1, False),
        (2, 2, True),
    ]
    assert database.rows("SELECT count(*) FROM shipment_line") == [(1,)]
    # The payment window counts in the one clock.
    assert database.rows("SELECT to_char(release_at, 'HH24:MI') FROM shipment") == [("09:30",)]
    assert offences(*BOOKS, "O1", "O4") == {}


def test_paid_in_time_it_travels_along(database: Any, fennel: Any, shop: Any, change: Any, frozen_clock: Any) -> None:
    mugs(change)
    frozen_clock.advance(minutes=20)
    assert settle(fennel, invoice(database)).refusal is None
    carried = "SELECT quantity, state FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id ORDER BY quantity"
    assert database.rows(carried) == [(1, "held"), (2, "held")]
    assert database.rows("SELECT answer, resolved_at IS NOT NULL FROM change") == [("applied", True)]
    before = snapshot(database)
    settle(fennel, invoice(database))
    assert (snapshot(database), lapse()) == (before, 0)
    assert release(frozen_clock) == 1
    assert bins(database, shop["MUG"]) == {"A-01-1": (10, 2)}
    assert offences(*BOOKS) == {}


def test_unpaid_it_lapses_and_the_rest_is_on_time(
    database: Any, fennel: Any, shop: Any, change: Any, frozen_clock: Any
) -> None:
    mugs(change)
    frozen_clock.advance(minutes=29)
    assert lapse() == 0
    frozen_clock.advance(minutes=1)
    assert lapse() == 1
    assert counter(database, shop["MUG"]) == (10, 0)
    assert database.rows("SELECT state FROM adjustment") == [("lapsed",)]
    assert database.rows("SELECT answer, reason_code FROM change") == [("refused", "not_paid")]
    assert database.rows("SELECT quantity, cancelled, awaiting_payment FROM order_line WHERE line_no = 2") == [
        (2, 2, False)
    ]
    (order_id,) = database.rows("SELECT id FROM orders")[0]
    assert [kind for kind, _ in story(database, order_id)] == [
        "accepted",
        "line_added",
        "change_requested",
        "addon_lapsed",
    ]
    assert release(frozen_clock) == 1
    assert offences(*BOOKS) == {}


def test_paid_too_late_it_is_owed_back_once(
    database: Any, fennel: Any, shop: Any, change: Any, frozen_clock: Any
) -> None:
    mugs(change)
    frozen_clock.advance(minutes=31)
    adjustment_id = invoice(database)
    first = settle(fennel, adjustment_id)
    assert (first.refusal.status, first.refusal.code) == (409, "lapsed")
    before = snapshot(database)
    assert settle(fennel, adjustment_id).refusal.extra == first.refusal.extra
    assert snapshot(database) == before
    assert database.rows("SELECT kind, amount_minor, state FROM adjustment ORDER BY kind") == [
        ("invoice_due", 3000, "lapsed"),
        ("refund_due", 3000, "due"),
    ]
    assert counter(database, shop["MUG"]) == (10, 0)


def test_after_the_release_it_can_be_paid_while_nobody_has_packed(
    database: Any, fennel: Any, shop: Any, change: Any, frozen_clock: Any
) -> None:
    set_policy(database, fennel, payment_window_seconds=7 * 86_400, max_hold_seconds=900)
    mugs(change)
    assert release(frozen_clock) == 1
    assert settle(fennel, invoice(database)).refusal is None
    assert bins(database, shop["MUG"]) == {"A-01-1": (10, 2)}
    assert database.rows("SELECT answer FROM change") == [("applied",)]
    assert offences(*BOOKS) == {}


def test_packing_ends_the_time_to_pay(database: Any, fennel: Any, shop: Any, change: Any, frozen_clock: Any) -> None:
    set_policy(database, fennel, payment_window_seconds=7 * 86_400, max_hold_seconds=900)
    mugs(change)
    release(frozen_clock)
    (order_id,) = database.rows("SELECT id FROM orders")[0]
    packed(shipments(order_id, fennel)[0])
    assert lapse() == 1
    assert counter(database, shop["MUG"]) == (10, 0)
    assert settle(fennel, invoice(database)).refusal.code == "lapsed"
    assert offences(*BOOKS) == {}


def test_what_the_bins_cannot_cover_after_the_release_follows_in_its_own_parcel(
    database: Any, house: Any, fennel: Any, shop: Any, change: Any, frozen_clock: Any
) -> None:
    set_policy(database, fennel, payment_window_seconds=7 * 86_400, max_hold_seconds=900)
    stocked(house, fennel, "JUG", ("RESERVE-01", 5))
    change("A-1", "add_items", lines=[{"sku": "JUG", "quantity": 1, "unit_price_minor": 100}])
    release(frozen_clock)
    assert settle(fennel, invoice(database)).refusal is None
    assert database.rows("SELECT state FROM shipment ORDER BY id") == [("released",), ("held",)]
    assert offences(*BOOKS) == {}


def test_a_waived_invoice_is_a_gift(database: Any, fennel: Any, shop: Any, change: Any) -> None:
    mugs(change)
    adjustment_id = invoice(database)
    in_transaction(brand_scope(fennel), lambda session: waive_adjustment(session, fennel, adjustment_id, "brand:test"))
    assert database.rows("SELECT state FROM adjustment") == [("waived",)]
    assert database.rows("SELECT count(*) FROM shipment_line") == [(2,)]
    assert offences(*BOOKS) == {}


def test_something_free_is_added_at_once(database: Any, fennel: Any, shop: Any, change: Any) -> None:
    assert mugs(change, price=0).answer == "applied"
    assert database.rows("SELECT count(*) FROM adjustment") == [(0,)]
    assert database.rows("SELECT quantity FROM shipment_line ORDER BY id") == [(1,), (2,)]


def test_a_driver_collects_what_was_added(database: Any, fennel: Any, shop: Any, change: Any, sell: Any) -> None:
    sell("A-2", ("CUP", 1, 900), payment="cod", cod_amount_minor=900)
    answered = change("A-2", "add_items", lines=[{"sku": "MUG", "quantity": 1, "unit_price_minor": 1500}])
    assert answered.answer == "applied"
    assert database.rows("SELECT cod_amount_minor FROM orders WHERE ref = 'A-2'") == [(2400,)]
    change("A-2", "reduce", lines=[{"line": 1}])
    assert database.rows("SELECT cod_amount_minor FROM orders WHERE ref = 'A-2'") == [(1500,)]


def test_what_is_not_there_is_refused_and_promises_nothing(database: Any, shop: Any, change: Any) -> None:
    answered = mugs(change, quantity=11)
    assert (answered.answer, answered.reason_code) == ("refused", "not_enough_stock")
    assert counter(database, shop["MUG"]) == (10, 0)
    assert database.rows("SELECT count(*) FROM order_line") == [(1,)]
    assert database.rows("SELECT count(*) FROM adjustment") == [(0,)]
    assert offences(*BOOKS) == {}


def test_an_unknown_article_is_no_change_at_all(database: Any, shop: Any, change: Any) -> None:
    before = snapshot(database)
    with pytest.raises(UnknownSkus):
        change("A-1", "add_items", lines=[{"sku": "NOPE", "quantity": 1}])
    assert snapshot(database) == before


def test_a_brand_that_sells_new_orders_gets_a_code_that_stays(
    database: Any, fennel: Any, shop: Any, change: Any
) -> None:
    set_policy(database, fennel, add_ons="new_order")
    first, second = mugs(change), mugs(change)
    assert (first.answer, first.reason_code) == ("refused", "new_order")
    assert first.outcome["alternatives"] == ["new_order"]
    code = first.outcome["combine_code"]
    assert (len(code), second.outcome["combine_code"]) == (8, code)
    assert database.rows("SELECT combine_code FROM orders") == [(code,)]
    assert database.rows("SELECT count(*) FROM order_line") == [(1,)]


def test_by_payment_means_edit_until_the_money_is_taken(
    database: Any, fennel: Any, shop: Any, change: Any, sell: Any
) -> None:
    set_policy(database, fennel, add_ons="by_payment")
    sell("A-2", ("CUP", 1, 900), payment="authorised")
    line = {"sku": "MUG", "quantity": 1, "unit_price_minor": 1500}
    assert change("A-2", "add_items", lines=[line]).answer == "awaiting_payment"
    in_transaction(brand_scope(fennel), lambda s: report_payment(s, fennel, "A-2", PaymentState.CAPTURED, "brand:test"))
    assert change("A-2", "add_items", lines=[line]).reason_code == "new_order"


def test_cancelling_drops_what_was_not_paid_yet(database: Any, fennel: Any, shop: Any, change: Any) -> None:
    mugs(change)
    answered = change("A-1", "cancel")
    assert answered.answer == "applied"
    assert database.rows("SELECT kind, amount_minor, state FROM adjustment ORDER BY kind") == [
        ("invoice_due", 3000, "lapsed"),
        ("refund_due", 900, "due"),
    ]
    assert database.rows("SELECT answer, reason_code FROM change WHERE kind = 'add_items'") == [("refused", "not_paid")]
    assert (counter(database, shop["MUG"]), counter(database, shop["CUP"])) == ((10, 0), (10, 0))
    # Whoever was faster with the money than with the news gets it back.
    assert settle(fennel, invoice(database)).refusal.code == "lapsed"
    assert database.rows("SELECT amount_minor FROM adjustment WHERE cause LIKE 'late:%'") == [(3000,)]
    assert offences(*BOOKS) == {}


def test_the_edit_window_is_not_shortened_by_a_shorter_payment_window(
    database: Any, fennel: Any, shop: Any, change: Any, frozen_clock: Any
) -> None:
    set_policy(database, fennel, edit_window_seconds=7200)
    mugs(change)
    ((release_at,),) = database.rows("SELECT release_at FROM shipment")
    assert release_at - frozen_clock.at == timedelta(hours=2)


def test_a_hold_that_gives_stock_back_leaves_an_unpaid_add_on_its_own(
    database: Any, fennel: Any, shop: Any, change: Any, frozen_clock: Any
) -> None:
    mugs(change)
    wanted = HoldIn(kind=HoldKind.FRAUD_REVIEW, handle="look", release_stock=True)
    with transaction(brand_scope(fennel)) as session:
        place(session, find_order(session, fennel, "A-1"), wanted, BRAND, "brand:test")
    assert (counter(database, shop["CUP"]), counter(database, shop["MUG"])) == ((10, 0), (10, 2))
    with transaction(brand_scope(fennel)) as session:
        lift(session, find_order(session, fennel, "A-1"), "look", BRAND, "brand:test")
    settle(fennel, invoice(database))
    assert release(frozen_clock) == 1
    assert (counter(database, shop["CUP"]), counter(database, shop["MUG"])) == ((10, 1), (10, 2))
    assert offences(*BOOKS) == {}


def test_an_order_of_which_only_an_unpaid_add_on_is_left_is_over(
    database: Any, fennel: Any, shop: Any, change: Any
) -> None:
    mugs(change)
    assert change("A-1", "reduce", lines=[{"line": 1}]).answer == "applied"
    assert database.rows("SELECT state FROM orders") == [("cancelled",)]
    assert (counter(database, shop["MUG"]), counter(database, shop["CUP"])) == ((10, 0), (10, 0))
    assert database.rows("SELECT state FROM adjustment WHERE kind = 'invoice_due'") == [("lapsed",)]
    assert offences(*BOOKS) == {}


def refunds(database: Any) -> Any:
    return database.rows("SELECT kind, amount_minor FROM adjustment WHERE kind = 'refund_due'")


def test_a_paid_add_on_is_owed_back_though_the_orders_own_payment_was_never_taken(
    database: Any, fennel: Any, shop: Any, change: Any
) -> None:
    database.rows("UPDATE orders SET payment_state = 'authorised'")
    mugs(change)
    settle(fennel, invoice(database))
    change("A-1", "cancel")
    assert refunds(database) == [("refund_due", 3000)]


def test_a_gift_is_not_owed_back(database: Any, fennel: Any, shop: Any, change: Any) -> None:
    mugs(change)
    adjustment_id = invoice(database)
    in_transaction(brand_scope(fennel), lambda session: waive_adjustment(session, fennel, adjustment_id, "brand:test"))
    change("A-1", "cancel")
    assert refunds(database) == [("refund_due", 900)]


def test_a_shipping_charge_that_was_paid_back_is_not_owed_twice(
    database: Any, fennel: Any, shop: Any, change: Any, sell: Any
) -> None:
    set_policy(database, fennel, consolidation="auto")
    for ref in ("A-2", "A-3"):
        sell(ref, ("CUP", 1, 900), payment="captured", shipping_charge_minor=399)
    ((adjustment_id,),) = database.rows(
        "SELECT a.id FROM adjustment a JOIN orders o ON o.id = a.order_id WHERE o.ref = 'A-3'"
    )
    settle(fennel, adjustment_id)
    change("A-3", "cancel")
    assert refunds(database) == [("refund_due", 900)]


def test_a_picker_who_finds_nothing_is_not_stopped_by_an_unpaid_add_on(
    database: Any, house: Any, fennel: Any, shop: Any, change: Any, frozen_clock: Any
) -> None:
    set_policy(database, fennel, payment_window_seconds=7 * 86_400, max_hold_seconds=900)
    mugs(change)
    release(frozen_clock)
    (order_id,) = database.rows("SELECT id FROM orders")[0]
    with transaction(WAREHOUSE) as session:
        shipment = start_picking(session, shipments(order_id, fennel)[0])
        (allocation,) = open_allocations(session, fennel, [line.id for line in lines_of(session, shipment)])
        location = session.get_one(Location, allocation.location_id)
        report_short(session, allocation, 1, location, Cause(new_id(), "short", "staff:W-1001"))
    assert database.rows("SELECT s.state, o.state FROM shipment s, orders o") == [("cancelled", "picking")]
    assert lapse() == 1
    assert database.rows("SELECT state FROM orders") == [("cancelled",)]
    assert offences(*BOOKS, "O1") == {}
