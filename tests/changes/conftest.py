# SPDX-License-Identifier: Apache-2.0
"""Asking for late changes the way every door does."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.factories import OrderFactory, place
from wms.brands.models import Brand
from wms.changes.models import Change
from wms.changes.schemas import ChangeIn
from wms.changes.service import ask
from wms.intake.schemas import LineIn
from wms.platform.db import brand_scope, in_transaction

_change: TypeAdapter[Any] = TypeAdapter(ChangeIn)


@pytest.fixture
def fennel(house: Any) -> Any:
    return house.brands["fennel"].id


@pytest.fixture
def change(house: Any, fennel: Any) -> Callable[..., Change]:
    """Asks for a change of an order in a transaction of the brand, and returns it as it was stored."""
    made = iter(range(1, 10_000))

    def run(order_ref: str, kind: str, *, brand_id: Any = None, **members: Any) -> Change:
        body = _change.validate_python({"kind": kind, "ref": f"C-{next(made)}", **members})
        owner = brand_id or fennel
        return in_transaction(
            brand_scope(owner),
            lambda session: ask(session, session.get_one(Brand, owner), order_ref, body, "brand:test"),
        )

    return run


@pytest.fixture
def sell(fennel: Any) -> Callable[..., Any]:
    """Places an order of (SKU, quantity, unit price) lines and returns its id."""

    def run(ref: str, *lines: tuple[str, int, int], **members: Any) -> Any:
        sold = [LineIn(sku=sku, quantity=quantity, unit_price_minor=price) for sku, quantity, price in lines]
        (answer,) = place(fennel, OrderFactory.build(ref=ref, lines=sold, **members))
        assert answer.refusal is None, answer.refusal
        return answer.order_id

    return run
