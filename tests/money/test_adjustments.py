# SPDX-License-Identifier: Apache-2.0
"""What is owed is written once, closed once, and can be taken away as a table."""

import csv
import io
from typing import Any

import pytest

from tests.factories import placed, snapshot
from wms.money.models import Adjustment, AdjustmentKind
from wms.money.service import (
    AdjustmentClosed,
    as_csv,
    lapse,
    list_adjustments,
    lock_adjustment,
    owe,
    settle,
    waive,
)
from wms.orders.models import Order
from wms.platform.db import brand_scope, transaction
from wms.platform.errors import NotFound


@pytest.fixture
def fennel(house: Any) -> Any:
    return house.brands["fennel"].id


@pytest.fixture
def order_id(house: Any, fennel: Any, frozen_clock: Any) -> Any:
    return placed(fennel, (min(house.brands["fennel"].skus), 1), ref="A-1")


def owed(fennel: Any, order_id: Any, amount: int = 1500, cause: str = "change:1") -> Any:
    with transaction(brand_scope(fennel)) as session:
        order = session.get_one(Order, (fennel, order_id))
        return owe(session, order, AdjustmentKind.REFUND_DUE, amount, cause=cause, reason="cancelled")


def test_one_cause_is_owed_once(database: Any, fennel: Any, order_id: Any) -> None:
    first, again = owed(fennel, order_id), owed(fennel, order_id, amount=1)
    assert first.id == again.id
    assert database.rows("SELECT kind, amount_minor, currency, state, cause FROM adjustment") == [
        ("refund_due", 1500, "GBP", "due", "change:1")
    ]


def test_nothing_is_owed_where_nothing_was_paid(database: Any, fennel: Any, order_id: Any) -> None:
    assert owed(fennel, order_id, amount=0) is None
    assert database.rows("SELECT 1 FROM adjustment") == []


def test_what_was_settled_is_settled_once_and_under_one_reference(database: Any, fennel: Any, order_id: Any) -> None:
    adjustment = owed(fennel, order_id)
    for expected in (True, False):
        with transaction(brand_scope(fennel)) as session:
            assert settle(session, lock_adjustment(session, fennel, adjustment.id), "RF-9") is expected
    before = snapshot(database)
    for close in (lambda s, a: settle(s, a, "RF-10"), waive, lapse):
        with pytest.raises(AdjustmentClosed) as refusal, transaction(brand_scope(fennel)) as session:
            close(session, lock_adjustment(session, fennel, adjustment.id))
        assert refusal.value.extra == {"state": "settled"}
    assert snapshot(database) == before


@pytest.mark.parametrize("close", [waive, lapse])
def test_waiving_and_lapsing_again_change_nothing(fennel: Any, order_id: Any, close: Any) -> None:
    adjustment = owed(fennel, order_id)
    for expected in (True, False):
        with transaction(brand_scope(fennel)) as session:
            assert close(session, lock_adjustment(session, fennel, adjustment.id)) is expected


def test_nobody_sees_what_another_brand_owes(house: Any, fennel: Any, order_id: Any) -> None:
    adjustment = owed(fennel, order_id)
    juniper = house.brands["juniper"].id
    with transaction(brand_scope(juniper)) as session:
        assert list_adjustments(session, juniper) == []
        with pytest.raises(NotFound):
            lock_adjustment(session, juniper, adjustment.id)


def test_the_table_for_the_erp_has_a_row_each_and_no_formulas(fennel: Any, order_id: Any) -> None:
    adjustment = owed(fennel, order_id)
    with transaction(brand_scope(fennel)) as session:
        settle(session, lock_adjustment(session, fennel, adjustment.id), "=cmd()")
    with transaction(brand_scope(fennel)) as session:
        (row,) = csv.DictReader(io.StringIO(as_csv(list_adjustments(session, fennel))))
    assert (row["order"], row["kind"], row["amount_minor"], row["state"], row["settled_ref"]) == (
        "A-1",
        "refund_due",
        "1500",
        "settled",
        "'=cmd()",
    )
    assert (row["due_until"], row["closed_at"]) == ("", "2026-03-02T09:00:00+00:00")


def test_lists_are_narrowed_and_read_on(fennel: Any, order_id: Any) -> None:
    ids = [owed(fennel, order_id, cause=f"change:{number}").id for number in range(3)]
    with transaction(brand_scope(fennel)) as session:
        waive(session, session.get_one(Adjustment, (fennel, ids[1])))
    with transaction(brand_scope(fennel)) as session:
        assert [a.id for a, _ in list_adjustments(session, fennel, state="due")] == [ids[0], ids[2]]
        assert [a.id for a, _ in list_adjustments(session, fennel, after=ids[0], limit=1)] == [ids[1]]
        assert list_adjustments(session, fennel, kind=AdjustmentKind.COST) == []
