# SPDX-License-Identifier: Apache-2.0
"""An order went well only when all of it left once and its story says once that it arrived."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from wms.replay.play import Story
from wms.replay.result import Result, result_of
from wms.replay.sales import CANCELLATION, SalesFile

AT = datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
ARRIVED = "2010-12-02T09:30:00+00:00"


def _order(**changes: Any) -> dict[str, Any]:
    packages = [{"sscc": sscc, "handed_over_at": "2010-12-01T09:00:00Z"} for sscc in ("001", "002")]
    return {
        "ref": "536365",
        "state": "delivered",
        "lines": [{"quantity": 6, "shipped": 6}, {"quantity": 2, "shipped": 2}],
        "shipments": [{"id": "S1", "packages": packages}],
        "events": [
            {"kind": "label_bought", "data": {"tracking_numbers": ["SB1", "SB2"]}},
            {"kind": "delivered", "data": {"delivered_at": ARRIVED}},
        ],
        **changes,
    }


def _result(order: dict[str, Any], **refusals: str) -> Result:
    story = Story(AT, AT, refusals=refusals, accepted=["536365"])
    return result_of(SalesFile((), {"C1": CANCELLATION, "C2": CANCELLATION}), story, [order])


def test_an_order_that_arrived_once_is_summed_up_exactly() -> None:
    result = _result(_order())
    assert result.failures == []
    assert result.totals() == {
        "orders_in": 1,
        "accepted": 1,
        "refused": 0,
        "not_orders": 2,
        "lines": 2,
        "pieces": 8,
        "shipments": 1,
        "packages": 2,
        "labels_bought": 2,
        "handed_over": 2,
        "delivered": 1,
    }
    assert result.document()["orders"] == [
        {"ref": "536365", "state": "delivered", "lines": 2, "packages": 2, "delivered_at": ARRIVED}
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "shipped"},
        {"lines": [{"quantity": 6, "shipped": 5}]},
        {"shipments": [{"id": "S1", "packages": [{"sscc": "001", "handed_over_at": None}]}]},
        {"events": []},
        {"events": [*_order()["events"], _order()["events"][-1]]},
    ],
    ids=["not delivered", "a piece missing", "a box still here", "nothing told", "delivered twice"],
)
def test_anything_else_is_a_failure_and_is_named(changes: dict[str, Any]) -> None:
    result = _result(_order(**changes))
    assert result.failures == ["536365"]
    assert result.totals()["delivered"] == 0


def test_a_refused_order_is_a_failure_too() -> None:
    result = _result(_order(), **{"536366": "409 out_of_stock"})
    assert result.failures == ["536366"]
    assert replace(result, refusals={}).failures == []
