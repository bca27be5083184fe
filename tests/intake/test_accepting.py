# SPDX-License-Identifier: Apache-2.0
"""What intake accepts, what it refuses, and exactly which rows that leaves."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.factories import (
    BOOKS,
    OrderFactory,
    RecipientFactory,
    counter,
    offences,
    order,
    place,
    placed,
    release,
    set_policy,
    shipments,
    snapshot,
    start_picking,
    stocked,
    story,
)
from wms.intake.schemas import LINES_MAX, LineIn, OrderIn
from wms.orders.models import Order, PaymentState
from wms.platform.db import WAREHOUSE, brand_scope, transaction
from wms.platform.ids import new_id
from wms.shipments.missing import report_short
from wms.shipments.service import changeable_until, lines_of
from wms.stock.allocations import open_allocations
from wms.stock.ledger import Cause
from wms.stock.models import Location


@pytest.fixture
def fennel(house: Any) -> Any:
    return house.brands["fennel"].id


@pytest.fixture
def juniper(house: Any) -> Any:
    return house.brands["juniper"].id


def test_an_order_becomes_exactly_these_rows(database: Any, house: Any, fennel: Any, frozen_clock: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 10))
    (answer,) = place(fennel, order(("CUP", 3), ref="A-1"))
    assert (answer.ref, answer.state, answer.existed, answer.refusal) == ("A-1", "accepted", False, None)
    assert answer.release_at == datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    assert answer.warnings == []
    assert database.rows("SELECT ref, state, service, currency, payment_state, version, accepted_at FROM orders") == [
        ("A-1", "accepted", "standard", "GBP", "captured", 1, frozen_clock.at)
    ]
    assert database.rows("SELECT line_no, sku_id, quantity, cancelled, shipped FROM order_line") == [(1, sku, 3, 0, 0)]
    assert database.rows("SELECT state, release_at, version FROM shipment") == [("held", answer.release_at, 0)]
    assert database.rows("SELECT sku_id, quantity, picked FROM shipment_line") == [(sku, 3, 0)]
    assert database.rows("SELECT sku_id, quantity, state FROM promise") == [(sku, 3, "live")]
    assert database.rows("SELECT seq, kind, state, actor FROM order_event") == [
        (1, "accepted", "accepted", "brand:test")
    ]
    assert counter(database, sku) == (10, 3)
    assert offences(*BOOKS) == {}


def test_the_same_order_again_is_the_same_order_and_writes_nothing(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    sent = order(("CUP", 3), ref="A-1")
    (first,) = place(fennel, sent)
    before = snapshot(database)
    (again,) = place(fennel, sent)
    assert (again.existed, again.order_id, again.release_at) == (True, first.order_id, first.release_at)
    assert snapshot(database) == before


def test_a_known_order_that_is_partly_on_the_floor_cannot_be_changed_until_any_time(
    database: Any, house: Any, juniper: Any, frozen_clock: Any
) -> None:
    stocked(house, juniper, "CUP", ("B-01-1", 3))
    set_policy(database, juniper, on_short_pick="backorder")
    sent = order(("CUP", 3), ref="A-1")
    (first,) = place(juniper, sent)
    assert first.order_id is not None
    release(frozen_clock)
    with transaction(WAREHOUSE) as session:
        shipment = start_picking(session, shipments(first.order_id, juniper)[0])
        (allocation,) = open_allocations(session, juniper, [line.id for line in lines_of(session, shipment)])
        location = session.get_one(Location, house.locations["B-01-1"])
        report_short(session, allocation, 1, location, Cause(new_id(), "short_pick", "staff:W-1001"))
    both = shipments(first.order_id, juniper)
    assert [one.state for one in both] == ["picking", "held"]
    (again,) = place(juniper, sent)
    assert (again.existed, again.state, again.release_at) == (True, "picking", None)
    with transaction(WAREHOUSE) as session:
        assert changeable_until(session.get_one(Order, (juniper, first.order_id)), both) is None


@pytest.mark.parametrize("change", [{"notes": "ring twice"}, {"lines": [LineIn(sku="CUP", quantity=4)]}])
def test_the_same_ref_with_another_content_is_refused(database: Any, house: Any, fennel: Any, change: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    sent = order(("CUP", 3), ref="A-1")
    (first,) = place(fennel, sent)
    before = snapshot(database)
    (other,) = place(fennel, sent.model_copy(update=change))
    assert other.refusal is not None
    assert (other.refusal.code, other.refusal.status) == ("order_ref_taken", 409)
    assert other.refusal.extra == {"order_id": str(first.order_id)}
    assert snapshot(database) == before


def test_duplicates_in_one_batch_are_one_order_and_one_refusal(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 10))
    sent = order(("CUP", 3), ref="A-1")
    first, same, other = place(fennel, sent, sent, sent.model_copy(update={"notes": "x"}))
    assert (first.existed, same.existed, same.order_id) == (False, True, first.order_id)
    assert other.refusal is not None
    assert other.refusal.code == "order_ref_taken"
    assert database.rows("SELECT count(*) FROM orders") == [(1,)]
    assert counter(database, sku) == (10, 3)


def test_a_refused_order_does_not_touch_its_neighbours(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    answers = place(fennel, order(("CUP", 3)), order(("NOPE", 1)), order(("CUP", 3)), order(("CUP", 2)))
    assert [a.refusal and a.refusal.code for a in answers] == [None, "unknown_sku", "out_of_stock", None]
    assert database.rows("SELECT count(*) FROM orders") == [(2,)]
    assert counter(database, sku) == (5, 5)
    assert offences(*BOOKS) == {}


def test_every_unknown_article_is_named(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    before = snapshot(database)
    (answer,) = place(fennel, order(("Z", 1), ("CUP", 1), ("Y", 1), ("Z", 2)))
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.extra) == ("unknown_sku", {"skus": ["Y", "Z"]})
    assert snapshot(database) == before


def test_another_brands_article_is_as_unknown_as_none(database: Any, house: Any, fennel: Any, juniper: Any) -> None:
    stocked(house, juniper, "CUP", ("A-01-1", 10))
    before = snapshot(database)
    (answer,) = place(fennel, order(("CUP", 1)))
    assert answer.refusal is not None
    assert answer.refusal.extra == {"skus": ["CUP"]}
    assert snapshot(database) == before


def test_two_brands_may_use_one_ref(database: Any, house: Any, fennel: Any, juniper: Any) -> None:
    for brand in (fennel, juniper):
        stocked(house, brand, "CUP", ("A-01-1", 10))
    (one,), (two,) = place(fennel, order(("CUP", 1), ref="A-1")), place(juniper, order(("CUP", 2), ref="A-1"))
    assert one.order_id != two.order_id
    assert (one.existed, two.existed) == (False, False)
    assert sorted(database.rows("SELECT brand_id, ref FROM orders")) == sorted([(fennel, "A-1"), (juniper, "A-1")])


def test_a_sku_on_several_lines_is_summed_before_the_check(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 5))
    before = snapshot(database)
    (refused,) = place(fennel, order(("CUP", 3), ("CUP", 3)))
    assert refused.refusal is not None
    assert refused.refusal.extra == {"shortages": [{"sku": "CUP", "wanted": 6, "available": 5}]}
    assert snapshot(database) == before
    placed(fennel, ("CUP", 3), ("CUP", 2))
    assert database.rows("SELECT line_no, quantity FROM order_line ORDER BY 1") == [(1, 3), (2, 2)]
    assert database.rows("SELECT quantity FROM promise ORDER BY 1") == [(2,), (3,)]
    assert counter(database, sku) == (5, 5)


def test_all_shortages_are_named_at_once(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 5))
    stocked(house, fennel, "JUG", ("A-01-2", 1))
    stocked(house, fennel, "TIN")
    before = snapshot(database)
    (answer,) = place(fennel, order(("TIN", 2), ("CUP", 5), ("JUG", 4)))
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.status) == ("out_of_stock", 409)
    assert answer.refusal.extra["shortages"] == [
        {"sku": "JUG", "wanted": 4, "available": 1},
        {"sku": "TIN", "wanted": 2, "available": 0},
    ]
    assert snapshot(database) == before


def test_a_backorder_is_accepted_promised_what_there_is_and_held(database: Any, house: Any, juniper: Any) -> None:
    cup, jug = stocked(house, juniper, "CUP", ("A-01-1", 5)), stocked(house, juniper, "JUG")
    order_id = placed(juniper, ("CUP", 7), ("JUG", 1))
    assert database.rows("SELECT line_no, quantity, cancelled FROM order_line ORDER BY 1") == [(1, 7, 0), (2, 1, 0)]
    assert database.rows("SELECT sku_id, quantity, state FROM promise") == [(cup, 5, "live")]
    assert counter(database, cup) == (5, 5)
    assert database.rows("SELECT count(*) FROM stock_counter WHERE sku_id = %s", jug) == [(0,)]
    assert database.rows("SELECT quantity FROM shipment_line ORDER BY 1") == [(1,), (7,)]
    ((shipment_id,),) = database.rows("SELECT id FROM shipment")
    assert database.rows("SELECT order_id, shipment_id, kind, owner, handle, lifted_at FROM hold") == [
        (order_id, shipment_id, "out_of_stock", "system", f"stock-{shipment_id}", None)
    ]
    assert story(database, order_id) == [("accepted", "accepted"), ("held", "accepted")]
    assert database.rows("SELECT state, version FROM orders") == [("accepted", 2)]
    assert offences(*BOOKS) == {}


def test_a_partial_order_is_cut_to_what_there_is(database: Any, house: Any, fennel: Any) -> None:
    set_policy(database, fennel, on_shortage="partial")
    cup = stocked(house, fennel, "CUP", ("A-01-1", 5))
    stocked(house, fennel, "JUG")
    order_id = placed(fennel, ("CUP", 3), ("JUG", 2), ("CUP", 4))
    assert database.rows("SELECT line_no, quantity, cancelled FROM order_line ORDER BY 1") == [
        (1, 3, 0),
        (2, 2, 2),
        (3, 4, 2),
    ]
    assert database.rows("SELECT quantity, state FROM promise ORDER BY 1") == [(2, "live"), (3, "live")]
    assert database.rows("SELECT quantity FROM shipment_line ORDER BY 1") == [(2,), (3,)]
    assert database.rows("SELECT count(*) FROM hold") == [(0,)]
    assert counter(database, cup) == (5, 5)
    assert story(database, order_id) == [("accepted", "accepted"), *[("line_cancelled", "accepted")] * 2]
    assert database.rows("SELECT data FROM order_event WHERE kind = 'line_cancelled' ORDER BY seq") == [
        ({"line": 2, "sku": "JUG", "quantity": 2, "reason": "out_of_stock"},),
        ({"line": 3, "sku": "CUP", "quantity": 2, "reason": "out_of_stock"},),
    ]
    assert offences(*BOOKS) == {}


def test_a_partial_order_of_which_nothing_is_there_is_refused(database: Any, house: Any, fennel: Any) -> None:
    set_policy(database, fennel, on_shortage="partial")
    stocked(house, fennel, "CUP")
    before = snapshot(database)
    (answer,) = place(fennel, order(("CUP", 3)))
    assert answer.refusal is not None
    assert answer.refusal.code == "out_of_stock"
    assert snapshot(database) == before


def test_real_orders_have_591_lines_and_2880_of_one_article(database: Any, house: Any, fennel: Any) -> None:
    cup = stocked(house, fennel, "CUP", ("A-01-1", 591))
    jug = stocked(house, fennel, "JUG", ("A-01-2", 2880))
    placed(fennel, *[("CUP", 1)] * 591)
    placed(fennel, ("JUG", 2880))
    assert database.rows("SELECT count(*), sum(quantity) FROM order_line") == [(592, 3471)]
    assert (counter(database, cup), counter(database, jug)) == ((591, 591), (2880, 2880))


def test_a_thousand_lines_are_accepted_and_one_more_is_refused(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 1000))
    assert LINES_MAX == 1000
    placed(fennel, *[("CUP", 1)] * 1000)
    assert database.rows("SELECT count(*), max(line_no) FROM order_line") == [(1000, 1000)]
    with pytest.raises(ValidationError, match="at most 1000 items"):
        order(*[("CUP", 1)] * 1001)
    with pytest.raises(ValidationError, match="at least 1 item"):
        order()


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001, 2**63, 1.5, "many", None])
def test_a_quantity_is_a_whole_number_from_one_to_a_million(quantity: Any) -> None:
    with pytest.raises(ValidationError):
        LineIn(sku="CUP", quantity=quantity)


@pytest.mark.parametrize(
    "text",
    [
        "Zoë 🧵 O’Neill-Ångström",
        "\u202eمحمد\u202c بن سلمان",
        "王小明\u3000先生",
        "नीरज\u200dकुमार",
        "e\u0301 is not \u00e9",
        "a\u2028b\u0085c\ufeff",
        "'; DROP TABLE orders; --",
        '\\"{}[]<script>\\u0000%s:name',
        " spaces around ",
        "🏴\U000e0067\U000e0062\U0010ffff",
        "\n",
    ],
)
def test_the_shoppers_text_is_kept_to_the_letter(database: Any, house: Any, fennel: Any, text: str) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 1))
    to = RecipientFactory.build(name=text, company=text, street=text, city=text)
    placed(fennel, ("CUP", 1), recipient=to, notes=text)
    assert database.rows("SELECT name, company, street, city FROM recipient") == [(text,) * 4]
    assert database.rows("SELECT notes FROM orders") == [(text,)]


@pytest.mark.parametrize("character", ["\0", "\x01", "\t", "\r", "\x1b", "\x7f", "\ud83d"])
@pytest.mark.parametrize("member", ["name", "company", "street", "city", "region", "postcode", "phone", "email"])
def test_what_cannot_be_printed_or_stored_is_refused_at_the_door(character: str, member: str) -> None:
    with pytest.raises(ValidationError):
        RecipientFactory.build(**{member: f"a{character}b"})


def test_half_a_surrogate_pair_in_json_is_refused_at_the_door() -> None:
    body = {"ref": "A-1", "recipient": {"name": "x\ud83d", "street": "y"}, "lines": [{"sku": "CUP", "quantity": 1}]}
    with pytest.raises(ValidationError):
        OrderIn.model_validate_json(json.dumps(body))
    with pytest.raises(ValidationError):
        OrderIn.model_validate(body)


def test_a_misspelt_member_is_refused_and_never_ignored() -> None:
    with pytest.raises(ValidationError, match="quantiy"):
        LineIn.model_validate({"sku": "CUP", "quantity": 1, "quantiy": 2})
    with pytest.raises(ValidationError, match="shipby"):
        OrderIn.model_validate({**OrderFactory.build().model_dump(), "shipby": "2026-03-02T10:00:00Z"})


@pytest.mark.parametrize("country", ["XX", "ZZ", "UK", "EU", "AN"])
def test_a_country_that_does_not_exist_is_refused(database: Any, house: Any, fennel: Any, country: str) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 1))
    before = snapshot(database)
    (answer,) = place(fennel, order(("CUP", 1), recipient=RecipientFactory.build(country=country)))
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.detail) == ("invalid", f"There is no country {country}.")
    assert snapshot(database) == before


def test_the_brands_country_stands_where_none_is_given(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 1))
    placed(fennel, ("CUP", 1), recipient=RecipientFactory.build(country=None))
    assert database.rows("SELECT country, warnings FROM recipient") == [("GB", [])]


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({}, []),
        ({"postcode": "12345"}, ["The postcode does not look right for GB."]),
        ({"postcode": ""}, ["The postcode is missing."]),
        ({"city": "", "postcode": ""}, ["The city is missing.", "The postcode is missing."]),
        ({"country": "US", "region": "CA", "city": "Fresno", "postcode": "93650", "phone": "+1 559 555 0100"}, []),
        (
            {"country": "US", "region": "Kent", "city": "Fresno", "postcode": "93650", "phone": "+1 559 555 0100"},
            ["The region does not look right for US."],
        ),
        ({"phone": "12"}, ["The phone number does not look right."]),
        ({"phone": "call me"}, ["The phone number does not look right."]),
        ({"phone": "0113 496 0000"}, []),
        ({"email": "asha"}, ["The e-mail address does not look right."]),
        ({"email": "asha@example.com"}, []),
    ],
)
def test_doubts_are_told_and_kept_and_rewrite_nothing(
    database: Any, house: Any, fennel: Any, changes: Any, warnings: Any
) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 1))
    to = RecipientFactory.build(**changes)
    (answer,) = place(fennel, order(("CUP", 1), recipient=to))
    assert answer.warnings == warnings
    ((kept, *members),) = database.rows("SELECT warnings, city, region, postcode, phone, email FROM recipient")
    assert kept == warnings
    assert members == [to.city, to.region, to.postcode, to.phone, to.email]


def test_cash_on_delivery_and_charges_are_kept(database: Any, house: Any, fennel: Any) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 1))
    money = {"payment": PaymentState.COD, "cod_amount_minor": 10**11, "shipping_charge_minor": 499, "currency": "INR"}
    placed(fennel, ("CUP", 1), **money)
    assert database.rows("SELECT payment_state, cod_amount_minor, shipping_charge_minor, currency FROM orders") == [
        ("cod", 10**11, 499, "INR")
    ]


def test_a_promise_that_has_passed_is_accepted_and_due_at_once(
    database: Any, house: Any, fennel: Any, frozen_clock: Any
) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 1))
    (answer,) = place(fennel, order(("CUP", 1), ship_by=frozen_clock.at - timedelta(days=400)))
    assert answer.release_at == frozen_clock.at


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-03-02T10:00:00"]
)
def test_a_moment_outside_the_calendar_or_without_a_zone_is_refused(moment: str) -> None:
    with pytest.raises(ValidationError, match="ship_by"):
        OrderIn.model_validate({**order(("CUP", 1)).model_dump(mode="json"), "ship_by": moment})


@pytest.mark.parametrize("moment", [datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, 23, 59, tzinfo=UTC)])
def test_the_first_and_the_last_moment_can_be_read_back(house: Any, fennel: Any, moment: datetime) -> None:
    stocked(house, fennel, "CUP", ("A-01-1", 1))
    order_id = placed(fennel, ("CUP", 1), ship_by=moment)
    with transaction(brand_scope(fennel)) as session:
        assert session.get_one(Order, (fennel, order_id)).ship_by == moment


def test_an_inactive_article_cannot_be_ordered(database: Any, house: Any, fennel: Any) -> None:
    sku = stocked(house, fennel, "CUP", ("A-01-1", 1))
    database.rows("UPDATE sku SET active = false WHERE id = %s", sku)
    (answer,) = place(fennel, order(("CUP", 1)))
    assert answer.refusal is not None
    assert answer.refusal.code == "unknown_sku"
