# SPDX-License-Identifier: Apache-2.0
import httpx
import pytest

DEFAULTS = {
    "edit_window_seconds": 900,
    "max_hold_seconds": None,
    "processing_seconds": 7200,
    "on_shortage": "reject",
    "on_short_pick": "cancel_line",
    "default_country": "GB",
    "default_currency": "GBP",
    "default_service": "standard",
    "cut_offs": [],
    "consolidation": "off",
    "consolidate_until": "held",
    "add_ons": "new_order",
    "payment_window_seconds": 900,
    "payment_link": "",
    "packing_slip_message": "",
}


def test_a_policy_is_replaced_whole(fennel: httpx.Client, juniper: httpx.Client) -> None:
    theirs = juniper.get("/v1/policy").json()
    answer = fennel.put("/v1/policy", json={"edit_window_seconds": 30, "on_shortage": "partial"})
    wanted = {**DEFAULTS, "edit_window_seconds": 30, "on_shortage": "partial"}
    assert (answer.status_code, answer.json()) == (200, wanted)
    assert fennel.get("/v1/policy").json() == wanted
    assert juniper.get("/v1/policy").json() == theirs


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"edit_window_seconds": -1}, "edit_window_seconds"),
        ({"edit_window_seconds": 604_801}, "edit_window_seconds"),
        ({"on_shortage": "panic"}, "on_shortage"),
        ({"default_country": "gb"}, "default_country"),
        ({"brand_id": "x"}, "brand_id"),
        ({"cut_offs": [{"service": "standard", "at": "25:00"}]}, "cut_offs.0.at"),
        ({"cut_offs": [{"service": "standard", "at": "16:30+01:00"}]}, "cut_offs.0.at"),
        ({"cut_offs": [{"service": "standard", "at": "16:30", "weekdays": [7]}]}, "cut_offs.0.weekdays"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_and_the_old_one_stays(
    fennel: httpx.Client, policy: dict[str, object], field: str
) -> None:
    before = fennel.get("/v1/policy").json()
    refused = fennel.put("/v1/policy", json=policy)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert fennel.get("/v1/policy").json() == before


def test_cut_offs_are_kept_as_wall_times_on_weekdays(fennel: httpx.Client) -> None:
    cut_offs = [{"service": "standard", "at": "16:30"}, {"service": "express", "at": "18:00", "weekdays": [5]}]
    assert fennel.put("/v1/policy", json={"cut_offs": cut_offs}).status_code == 200
    assert fennel.get("/v1/policy").json()["cut_offs"] == [
        {"service": "standard", "weekdays": [0, 1, 2, 3, 4], "at": "16:30:00"},
        {"service": "express", "weekdays": [5], "at": "18:00:00"},
    ]
