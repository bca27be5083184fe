# SPDX-License-Identifier: Apache-2.0
"""A floor with work on it: orders that were accepted and released, and the people who do the work."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel import Session, select

from wms.brands.models import Brand, Staff
from wms.floor.picking import bind_tote, confirm_pick, find_task, plan_pick_list
from wms.floor.walk import Stop, Walk, find_list, walk_of
from wms.intake.schemas import OrderIn
from wms.intake.service import accept
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.ids import uuid7
from wms.shipments.models import Shipment
from wms.shipments.release import release_due
from wms.shipments.service import shipments_of_order


@dataclass
class Floor:
    """Drives the services as the screens do: one transaction for each scan."""

    house: Any
    clock: Any

    def order(self, ref: str, lines: dict[str, int], brand: str = "fennel") -> UUID:
        """Accepts an order of (SKU, pieces) and returns its id."""
        recipient = {"name": "Asha Rao", "street": "12 Market Row", "city": "London", "postcode": "E1 6AN"}
        draft = OrderIn.model_validate(
            {
                "ref": ref,
                "recipient": {**recipient, "country": "GB"},
                "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
            }
        )
        with transaction(WAREHOUSE) as session:
            found = session.exec(select(Brand).where(Brand.code == brand)).one()
            answer = accept(session, found, [draft], f"brand:{brand}")[0]
        assert answer.refusal is None, answer.refusal
        assert answer.order_id is not None
        return answer.order_id

    def release(self) -> None:
        """Lets every edit window pass."""
        self.clock.advance(minutes=10)
        with transaction(WAREHOUSE) as session:
            release_due(session)

    def staff(self, session: Session, badge: str = "W-1001") -> Staff:
        return session.exec(select(Staff).where(Staff.badge == badge)).one()

    def shipment(self, session: Session, brand: str, order_id: UUID) -> Shipment:
        found = shipments_of_order(session, self.house.brands[brand].id, order_id)
        assert len(found) == 1
        return found[0]

    def plan(self, slots: int = 6, badge: str = "W-1001") -> UUID | None:
        """Plans a cart and returns the list's id."""
        with transaction(WAREHOUSE) as session:
            pick_list = plan_pick_list(session, self.house.warehouse_id, slots, self.staff(session, badge))
            return pick_list.id if pick_list else None

    def walk(self, list_id: UUID, badge: str = "W-1001") -> Walk:
        with transaction(WAREHOUSE) as session:
            return walk_of(session, find_list(session, self.staff(session, badge), list_id))

    def bind(self, list_id: UUID, badge: str = "W-1001") -> None:
        """Puts tote T-001 into slot 1, T-002 into slot 2 and so on."""
        for slot in self.walk(list_id, badge).slots:
            with transaction(WAREHOUSE) as session:
                staff = self.staff(session, badge)
                bind_tote(
                    session, uuid7(), find_list(session, staff, list_id), slot.number, f"T-{slot.number:03d}", staff
                )

    def barcode(self, stop: Stop) -> str:
        brand = next(brand for brand in self.house.brands.values() if brand.id == stop.brand_id)
        return str(brand.barcodes[stop.sku])

    def pick(self, list_id: UUID, stop: Stop, badge: str = "W-1001", **changed: Any) -> str:
        """Confirms a stop as it should be, but for what is ``changed``; returns the sentence."""
        scanned = {
            "location_code": stop.location,
            "item_barcode": self.barcode(stop),
            "quantity": stop.left,
            "tote_code": stop.tote or "",
            "action_id": uuid7(),
            **changed,
        }
        with transaction(WAREHOUSE) as session:
            staff = self.staff(session, badge)
            task = find_task(session, staff, list_id, stop.task_id)
            return confirm_pick(session, task=task, staff=staff, **scanned).sentence

    def pick_all(self, list_id: UUID, badge: str = "W-1001") -> None:
        while (stop := self.walk(list_id, badge).next_stop) is not None:
            self.pick(list_id, stop, badge)


@pytest.fixture
def floor(house: Any, frozen_clock: Any) -> Floor:
    return Floor(house, frozen_clock)


@pytest.fixture
def bare(database: Any) -> Callable[[], tuple[Any, ...]]:
    """Returns what a refused scan must leave as it was: moves, pieces picked, actions, events, tote contents."""

    def read() -> tuple[Any, ...]:
        return database.rows(
            "SELECT (SELECT count(*) FROM stock_move), (SELECT sum(picked) FROM shipment_line),"
            " (SELECT count(*) FROM floor_action), (SELECT count(*) FROM order_event),"
            " (SELECT count(*) FROM tote WHERE shipment_id IS NOT NULL), (SELECT count(*) FROM package_line)"
        )[0]

    return read


class Visitor:
    """A browser without a screen."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server, trust_env=False, timeout=30)

    def token(self, path: str) -> str:
        found = re.search(r'name="token" value="([0-9a-f]{64})"', self.http.get(path).text)
        assert found is not None
        return found[1]

    def send(self, path: str, form: dict[str, Any], origin: str | None = None) -> httpx.Response:
        headers = {"origin": self.server if origin is None else origin}
        return self.http.post(path, data={"action": str(uuid7()), **form}, headers=headers)

    def log_in(self, badge: str, pin: str) -> httpx.Response:
        return self.send("/floor/login", {"badge": badge, "pin": pin, "token": self.token("/floor/login")})


@pytest.fixture
def visitor(server: str, house: Any) -> Iterator[Visitor]:
    one = Visitor(server)
    yield one
    one.http.close()


@pytest.fixture
def picker(visitor: Visitor, house: Any) -> Visitor:
    person = house.staff["W-1001"]
    assert visitor.log_in(person.badge, person.pin).headers["location"] == "/floor"
    return visitor
