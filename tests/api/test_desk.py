# SPDX-License-Identifier: Apache-2.0
"""The order desk under pressure: full, in trouble, or left by those who waited."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from api.brand import desk as desk_module
from api.brand.desk import Desk, Served, Submission
from tests.factories import order, stocked
from wms.intake.service import Answer
from wms.platform.errors import Unavailable


def _render(answer: Answer) -> bytes:
    if answer.ref.startswith("BAD"):
        raise ValueError("nobody foresaw this")
    return answer.ref.encode()


def _submission(brand_id: UUID, ref: str) -> Submission:
    return Submission(brand_id, order(("CUP", 1), ref=ref), _render)


def test_an_order_whose_sender_has_gone_does_not_keep_the_others_waiting(house: Any, database: Any) -> None:
    fennel = house.brands["fennel"].id
    stocked(house, fennel, "CUP", ("A-01-1", 10))

    async def work() -> list[Served]:
        desk = Desk()
        gone = asyncio.create_task(desk.submit(_submission(fennel, "BAD-1")))
        stay = [asyncio.create_task(desk.submit(_submission(fennel, ref))) for ref in ("A-1", "A-2")]
        await asyncio.sleep(0)
        gone.cancel()
        return await asyncio.wait_for(asyncio.gather(*stay), timeout=10)

    assert [(served.status, served.body) for served in asyncio.run(work())] == [(201, b"A-1"), (201, b"A-2")]
    assert database.rows("SELECT ref FROM orders ORDER BY ref") == [("A-1",), ("A-2",)]


def test_a_full_desk_refuses_at_once_and_takes_nothing(
    house: Any, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fennel = house.brands["fennel"].id
    stocked(house, fennel, "CUP", ("A-01-1", 10))
    monkeypatch.setattr(desk_module, "WAITING_MAX", 2)

    async def work() -> list[Served | BaseException]:
        desk = Desk()
        sent = (desk.submit(_submission(fennel, f"A-{number}")) for number in range(3))
        return await asyncio.gather(*sent, return_exceptions=True)

    taken = [outcome if isinstance(outcome, Served) else type(outcome) for outcome in asyncio.run(work())]
    assert taken == [Served(201, b"A-0"), Served(201, b"A-1"), Unavailable]
    assert database.rows("SELECT ref FROM orders ORDER BY ref") == [("A-0",), ("A-1",)]
