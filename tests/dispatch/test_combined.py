# SPDX-License-Identifier: Apache-2.0
"""Orders that travel together: one label with all the cash, one slip that lists each, one story for every member."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pypdfium2
import pytest

from carriers.port import Money
from tests.factories import BOOKS, give_to_carrier, offences, packed, placed, release, set_policy, shipments, stocked
from wms.brands.models import Brand
from wms.changes.models import ChangeAnswer
from wms.changes.schemas import Cancel
from wms.changes.service import ask
from wms.dispatch.accounts import get_account
from wms.dispatch.models import LabelPurchase
from wms.dispatch.requests import build_request
from wms.dispatch.service import request_labels
from wms.floor.papers import packing_slip
from wms.platform.db import WAREHOUSE, transaction
from wms.shipments.models import Package, Shipment
from wms.shipments.packages import deliver, packages_of


@pytest.fixture
def fennel(database: Any, house: Any, frozen_clock: Any) -> UUID:
    brand: UUID = house.brands["fennel"].id
    set_policy(database, brand, consolidation="auto", edit_window_seconds=900)
    stocked(house, brand, "CUP", ("A-01-1", 30))
    stocked(house, brand, "JUG", ("A-01-2", 30))
    return brand


def test_one_label_collects_the_cash_of_all_and_the_slip_lists_each_order(
    database: Any, fennel: UUID, frozen_clock: Any, sandbox: Any, run_jobs: Any
) -> None:
    ids = [
        placed(fennel, ("CUP", 1), ref="CASH-A", payment="cod", cod_amount_minor=1_250),
        placed(fennel, ("JUG", 2), ref="CASH-B", payment="cod", cod_amount_minor=800),
    ]
    (shipment,) = shipments(ids[0], fennel)
    release(frozen_clock)
    packed(shipment)
    database.rows("UPDATE shipment SET state = 'packed'")
    database.rows("UPDATE package SET length_mm = 350, width_mm = 260, height_mm = 180")
    with transaction(WAREHOUSE) as session:
        purchase = request_labels(session, session.get_one(Shipment, (fennel, shipment.id)), "staff:W-1002")
        account = get_account(session, purchase.account_id)
        request = build_request(session, session.get_one(LabelPurchase, (fennel, purchase.id)), shipment, account)
    assert (request.cod, request.reference) == (Money(2_050, "GBP"), "CASH-A, CASH-B")
    run_jobs()
    with transaction(WAREHOUSE) as session:
        (box,) = packages_of(session, session.get_one(Shipment, (fennel, shipment.id)))
        document = pypdfium2.PdfDocument(packing_slip(session, shipment, box))
    text = "".join(page.get_textpage().get_text_range() for page in document)
    assert "CASH-A" in text
    assert "CASH-B" in text
    give_to_carrier(box)
    with transaction(WAREHOUSE) as session:
        deliver(
            session,
            session.get_one(Package, (fennel, box.id)),
            datetime(2026, 3, 4, 9, 0, tzinfo=UTC),
            "carrier:sandbox",
        )
    told = (
        "SELECT order_id, data->'tracking_numbers' FROM order_event"
        " WHERE kind = %s AND data->'tracking_numbers' IS NOT NULL"
    )
    for kind in ("label_bought", "handed_over", "delivered"):
        assert sorted(database.rows(told, kind)) == sorted((order_id, [box.tracking_number]) for order_id in ids), kind
    assert offences(*BOOKS) == {}


def test_a_member_that_was_cancelled_is_told_nothing_more_and_pays_nothing(
    database: Any, fennel: UUID, frozen_clock: Any
) -> None:
    kept = placed(fennel, ("CUP", 1), ref="A", payment="cod", cod_amount_minor=1_250)
    gone = placed(fennel, ("JUG", 1), ref="B", payment="cod", cod_amount_minor=800)
    with transaction(WAREHOUSE) as session:
        brand = session.get_one(Brand, fennel)
        assert ask(session, brand, "B", Cancel(ref="C-1"), "brand:fennel").answer is ChangeAnswer.APPLIED
    release(frozen_clock)
    (shipment,) = shipments(kept, fennel)
    (box,) = packed(shipment)
    give_to_carrier(box)
    assert database.rows("SELECT ref, state FROM orders ORDER BY 1") == [("A", "shipped"), ("B", "cancelled")]
    assert database.rows(
        "SELECT max(seq) = version FROM order_event e JOIN orders o ON o.id = e.order_id"
        " WHERE o.id = %s GROUP BY version",
        gone,
    ) == [(True,)]
    assert offences(*BOOKS) == {}
