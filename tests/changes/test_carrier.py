# SPDX-License-Identifier: Apache-2.0
"""What the carrier has is changed only where the carrier agrees, and its answer is the change's answer."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import BOOKS, offences, story
from wms.dispatch.models import CarrierAccount
from wms.dispatch.service import hand_over, live_label, request_labels, verify_label
from wms.platform.db import WAREHOUSE, transaction
from wms.shipments.packages import packages_of

YORK = {"name": "Asha Rao", "street": "4 Mill Lane", "city": "York", "postcode": "YO1 7HH", "country": "GB"}
CHECKS = (*BOOKS, "O4", "L1")


@pytest.fixture
def gone(bench: Any, run_jobs: Any, sandbox: Any) -> Any:
    """One labelled parcel that the carrier has; returns its shipment. Its order is R-1."""
    shipment = bench.pack()
    with transaction(WAREHOUSE) as session:
        request_labels(session, shipment, "staff:W-1002")
    run_jobs()
    with transaction(WAREHOUSE) as session:
        account = session.get_one(CarrierAccount, bench.house.account_id)
        for package in packages_of(session, shipment):
            label = live_label(session, shipment.brand_id, package.id)
            assert label is not None
            assert label.barcode is not None
            verify_label(session, package, label.barcode, "staff:W-1002")
            hand_over(session, account, label.barcode, "staff:W-1003")
    return shipment


@pytest.fixture
def depot(sandbox: Any) -> Callable[[str | None], None]:
    """Lets the people at the carrier answer ``accept`` or ``refuse`` at once, or ``wait``."""

    def answers(mode: str | None) -> None:
        sandbox.call("PUT", "/sandbox/amendments", {"mode": mode})

    return answers


ASKED = {
    "cancel": ({}, "return_to_origin"),
    "address": ({"recipient": YORK}, "redirect"),
    "contact": ({"phone": "+44 113 496 0001"}, "edit_contact"),
}


@pytest.mark.parametrize("kind", ASKED)
def test_the_carrier_agrees(
    database: Any, gone: Any, depot: Any, change: Any, run_jobs: Any, fennel: Any, kind: str
) -> None:
    depot("accept")
    members, question = ASKED[kind]
    answered = change("R-1", kind, **members)
    assert (answered.answer, answered.reason_code, answered.stage) == ("requested", "carrier_decides", "with_carrier")
    assert database.rows("SELECT kind, state FROM amendment") == [(question, "calling")]
    run_jobs()
    assert database.rows("SELECT state FROM amendment") == [("accepted",)]
    assert database.rows("SELECT answer, reason_code, resolved_at IS NOT NULL FROM change") == [("applied", "", True)]
    ((order_id,),) = database.rows("SELECT id FROM orders")
    told = [one for one, _ in story(database, order_id)]
    assert (told.count("change_requested"), told.count("change_applied")) == (1, 1)
    if kind == "address":
        assert database.rows(
            "SELECT r.city, s.recipient_id = r.id FROM orders o JOIN recipient r ON r.id = o.recipient_id, shipment s"
        ) == [("York", True)]
    assert offences(*CHECKS) == {}


@pytest.mark.parametrize("kind", ASKED)
def test_the_carrier_refuses_and_everything_stays(
    database: Any, gone: Any, depot: Any, change: Any, run_jobs: Any, kind: str
) -> None:
    depot("refuse")
    change("R-1", kind, **ASKED[kind][0])
    before = database.rows("SELECT recipient_id, state FROM orders")
    run_jobs()
    ((answer, code, detail),) = database.rows("SELECT answer, reason_code, detail FROM change")
    assert (answer, code) == ("refused", "carrier_refused")
    assert detail
    assert database.rows("SELECT recipient_id, state FROM orders") == before
    assert database.rows("SELECT count(*) FROM order_event WHERE kind = 'change_refused'") == [(1,)]
    assert offences(*CHECKS) == {}


def test_the_same_question_waits_for_the_first_answer(
    database: Any, gone: Any, depot: Any, change: Any, run_jobs: Any
) -> None:
    depot("wait")
    change("R-1", "address", recipient=YORK)
    run_jobs()
    second = change("R-1", "address", recipient={**YORK, "street": "5 Mill Lane"})
    assert (second.answer, second.reason_code) == ("refused", "carrier_was_asked")
    assert database.rows("SELECT answer FROM change ORDER BY id") == [("requested",), ("refused",)]
    assert database.rows("SELECT count(*) FROM amendment") == [(1,)]
