# SPDX-License-Identifier: Apache-2.0
"""Whatever the warehouse does, in whatever sequence, its books agree after every step.

``WMS_TEST_EXAMPLES`` asks for more and other sequences than the fixed ones of every run.
"""

import os
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlmodel import col, select

from tests.factories import (
    BOOKS,
    at_once,
    give_to_carrier,
    offences,
    order,
    pack,
    place,
    set_policy,
    start_picking,
    stocked,
)
from wms.brands.models import Brand
from wms.changes.schemas import Cancel
from wms.changes.service import ask
from wms.orders.models import EventKind
from wms.platform.db import WAREHOUSE, in_transaction, transaction
from wms.platform.errors import Invalid
from wms.platform.ids import new_id
from wms.shipments.missing import count_down, report_short
from wms.shipments.models import Shipment, ShipmentLine, ShipmentState
from wms.shipments.release import release_due
from wms.shipments.service import is_held, lines_of, lock_shipment, move_to, record_for
from wms.stock.allocations import lock_allocation, pick
from wms.stock.ledger import Cause, NotEnoughStock
from wms.stock.models import Allocation, AllocationState, Location
from wms.stock.service import Goods, found, move, receive

PLACES = ("A-01-1", "A-01-2", "RESERVE-01", "QUAR-01")
skus, places = st.integers(0, 1), st.sampled_from(PLACES)
few, pieces, choice = st.integers(1, 3), st.integers(1, 8), st.integers(0, 10**6)

# What is on the floor is promised to the last piece; the rest of a promise is what waits.
_ON_THE_FLOOR = """
    SELECT l.order_line_id FROM shipment_line l JOIN shipment s ON s.brand_id = l.brand_id AND s.id = l.shipment_id
     LEFT JOIN (SELECT sl.id, sum(pl.quantity) AS quantity FROM shipment_line sl
       JOIN package_line pl ON pl.brand_id = sl.brand_id AND pl.shipment_line_id = sl.id
       JOIN package p ON p.brand_id = pl.brand_id AND p.id = pl.package_id AND p.state = 'handed_over'
       GROUP BY sl.id) gone ON gone.id = l.id
     WHERE s.state NOT IN ('held', 'handed_over', 'delivered', 'cancelled')
     GROUP BY l.order_line_id HAVING sum(l.quantity - coalesce(gone.quantity, 0)) >
      coalesce((SELECT sum(p.quantity) FROM promise p WHERE p.order_line_id = l.order_line_id AND p.state = 'live'), 0)
"""
# A held shipment that lacks a promise says so by a hold; nothing waits in silence.
_SHORT_WITHOUT_A_HOLD = """
    SELECT o.ref FROM orders o JOIN order_line l ON l.brand_id = o.brand_id AND l.order_id = o.id
     WHERE o.state <> 'cancelled' AND l.quantity - l.cancelled - l.shipped > coalesce((SELECT sum(p.quantity)
      FROM promise p WHERE p.order_line_id = l.id AND p.state = 'live'), 0)
     AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.order_id = o.id AND h.lifted_at IS NULL AND h.kind = 'out_of_stock')
"""


class Warehouse(RuleBasedStateMachine):
    database: Any
    house: Any
    clock: Any
    run_jobs: Any

    @initialize(
        shortage=st.sampled_from(["reject", "backorder", "partial"]),
        short=st.sampled_from(["cancel_line", "backorder"]),
    )
    def open_shop(self, shortage: str, short: str) -> None:
        self.brand: UUID = self.house.brands["juniper"].id
        set_policy(self.database, self.brand, on_shortage=shortage, on_short_pick=short)
        self.codes = [f"S-{new_id()}" for _ in range(2)]
        self.skus = [stocked(self.house, self.brand, code, ("A-01-1", 6), ("A-01-2", 3)) for code in self.codes]
        self.refs: list[str] = []

    def at(self, session: Any, code: str) -> Location:
        location: Location = session.get_one(Location, self.house.locations[code])
        return location

    @rule(sku=skus, at=places, quantity=pieces)
    def receive(self, sku: int, at: str, quantity: int) -> None:
        with transaction(WAREHOUSE) as session:
            receive(session, self.brand, self.at(session, at), [Goods(self.skus[sku], quantity)], _cause())

    @rule(sku=skus, at=places, quantity=few)
    def find(self, sku: int, at: str, quantity: int) -> None:
        with transaction(WAREHOUSE) as session:
            found(session, self.brand, self.at(session, at), Goods(self.skus[sku], quantity), _cause())

    @rule(sku=skus, source=places, goal=places, quantity=pieces)
    def move(self, sku: int, source: str, goal: str, quantity: int) -> None:
        try:
            with transaction(WAREHOUSE) as session:
                goods = Goods(self.skus[sku], quantity)
                move(session, self.brand, self.at(session, source), self.at(session, goal), goods, _cause())
        except (NotEnoughStock, Invalid):
            pass

    @rule(lines=st.lists(st.tuples(skus, pieces), min_size=1, max_size=3))
    def promise(self, lines: list[tuple[int, int]]) -> None:
        (answer,) = place(self.brand, order(*[(self.codes[sku], quantity) for sku, quantity in lines]))
        if answer.refusal is None:
            self.refs.append(answer.ref)

    @rule(which=choice)
    def cancel(self, which: int) -> None:
        if not self.refs:
            return
        ref = self.refs[which % len(self.refs)]
        with transaction(WAREHOUSE) as session:
            brand = session.get_one(Brand, self.brand)
            ask(session, brand, ref, Cancel(ref=f"C-{new_id()}"), "brand:test")

    @rule()
    def release(self) -> None:
        self.clock.at += timedelta(hours=1)
        in_transaction(WAREHOUSE, release_due)

    @rule()
    def serve(self) -> None:
        self.run_jobs()

    def open_allocation(self, session: Any, which: int) -> tuple[Shipment, Allocation] | None:
        """Chooses something to pick and takes it to a picker."""
        rows = session.execute(
            select(col(Allocation.id), col(ShipmentLine.shipment_id))
            .join(ShipmentLine, col(ShipmentLine.id) == Allocation.shipment_line_id)
            .where(Allocation.brand_id == self.brand, Allocation.state == AllocationState.OPEN)
            .where(col(Allocation.sku_id).in_(self.skus))
            .order_by(col(Allocation.id))
        ).all()
        if not rows:
            return None
        allocation_id, shipment_id = rows[which % len(rows)]
        shipment = lock_shipment(session, self.brand, shipment_id)
        assert not is_held(session, shipment)
        if shipment.state is ShipmentState.RELEASED:
            shipment = start_picking(session, shipment)
        assert shipment.state is ShipmentState.PICKING
        return shipment, lock_allocation(session, self.brand, allocation_id)

    @rule(which=choice, share=st.floats(0, 1))
    def pick(self, which: int, share: float) -> None:
        with transaction(WAREHOUSE) as session:
            if (work := self.open_allocation(session, which)) is None:
                return
            shipment, allocation = work
            left = allocation.quantity - allocation.picked
            quantity = max(1, round(left * share))
            session.get_one(ShipmentLine, (self.brand, allocation.shipment_line_id)).picked += quantity
            assert pick(session, allocation, shipment.warehouse_id, quantity, _cause())

    @rule(which=choice, share=st.floats(0, 1))
    def short(self, which: int, share: float) -> None:
        with transaction(WAREHOUSE) as session:
            if (work := self.open_allocation(session, which)) is None:
                return
            allocation = work[1]
            missing = max(1, round((allocation.quantity - allocation.picked) * share))
            location = session.get_one(Location, allocation.location_id)
            report_short(session, allocation, missing, location, _cause())

    @rule(sku=skus, at=places, quantity=pieces)
    def count_down(self, sku: int, at: str, quantity: int) -> None:
        try:
            with transaction(WAREHOUSE) as session:
                count_down(session, self.brand, self.at(session, at), Goods(self.skus[sku], quantity), _cause())
        except NotEnoughStock:
            # Refused where the books hold less, or where all of it is on the floor under other people's hands.
            pass

    @rule(which=choice, split=st.booleans())
    def ship(self, which: int, split: bool) -> None:
        """Packs something of which everything is picked, into one box or two, and hands it over."""
        with transaction(WAREHOUSE) as session:
            ready = session.execute(
                text(
                    "SELECT s.id FROM shipment s WHERE s.state = 'picking'"
                        " AND NOT EXISTS (SELECT 1 FROM shipment_line l"
                    " WHERE l.shipment_id = s.id AND l.picked < l.quantity) ORDER BY s.id"
                )
            ).scalars().all()  # fmt: skip
            if not ready:
                return
            shipment = lock_shipment(session, self.brand, ready[which % len(ready)])
            move_to(session, shipment, ShipmentState.PICKED)
            record_for(session, shipment, EventKind.PICKED)
            content = {line.id: line.quantity for line in lines_of(session, shipment) if line.quantity}
            first = {line_id: (quantity + 1) // 2 for line_id, quantity in content.items()}
            second = {line_id: quantity // 2 for line_id, quantity in content.items() if quantity > 1}
            packages = pack(session, shipment, [first, second] if split and second else [content])
        for package in packages:
            give_to_carrier(package)
            assert offences("S1", "S2", "S4", "L3") == {}

    @invariant()
    def the_books_agree(self) -> None:
        assert offences(*BOOKS) == {}
        assert self.database.rows(_ON_THE_FLOOR) == []
        assert self.database.rows(_SHORT_WITHOUT_A_HOLD) == []


def _cause() -> Cause:
    return Cause(new_id(), "test", "staff:W-1003")


@pytest.mark.timeout(3600)
def test_the_books_agree_after_every_step(database: Any, house: Any, frozen_clock: Any, run_jobs: Any) -> None:
    Warehouse.database, Warehouse.house = database, house
    Warehouse.clock, Warehouse.run_jobs = frozen_clock, staticmethod(run_jobs)
    examples = os.environ.get("WMS_TEST_EXAMPLES")
    run_state_machine_as_test(
        Warehouse,
        settings=settings(
            max_examples=int(examples or 12),
            stateful_step_count=40,
            deadline=None,
            derandomize=examples is None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_pickers_and_counters_at_one_bin_do_not_break_the_books(database: Any, house: Any, frozen_clock: Any) -> None:
    brand = house.brands["fennel"].id
    sku = stocked(house, brand, "CUP", ("A-01-1", 60), ("A-01-2", 20))
    for _ in range(20):
        place(brand, order(("CUP", 3)))
    frozen_clock.advance(days=1)
    assert in_transaction(WAREHOUSE, release_due) == 20
    ids = database.rows(
        "SELECT a.id, l.shipment_id FROM allocation a JOIN shipment_line l ON l.id = a.shipment_line_id ORDER BY a.id"
    )

    def take(allocation_id: UUID, shipment_id: UUID) -> int:
        def work(session: Any) -> int:
            shipment = lock_shipment(session, brand, shipment_id)
            if shipment.state is ShipmentState.RELEASED:
                shipment = start_picking(session, shipment)
            allocation = lock_allocation(session, brand, allocation_id)
            if allocation.state is not AllocationState.OPEN:
                return 0
            session.get_one(ShipmentLine, (brand, allocation.shipment_line_id)).picked += 1
            assert pick(session, allocation, shipment.warehouse_id, 1, _cause())
            return 1

        return in_transaction(WAREHOUSE, work)

    def count(_: int) -> int:
        def work(session: Any) -> int:
            location = session.get_one(Location, house.locations["A-01-1"])
            count_down(session, brand, location, Goods(sku, 2), _cause())
            return 2

        return in_transaction(WAREHOUSE, work)

    def run(worker: int) -> int:
        if worker < 2:
            return sum(count(n) for n in range(5))
        return sum(take(*row) for row in ids[worker - 2 :: 2])

    missing_1, missing_2, picked_1, picked_2 = at_once(4, run)
    assert (missing_1, missing_2) == (10, 10)
    assert picked_1 + picked_2 <= 20
    # Twenty pieces lay in the second bin, free: nobody loses anything.
    assert database.rows("SELECT sum(quantity), sum(picked) FROM shipment_line") == [(60, picked_1 + picked_2)]
    assert database.rows("SELECT sellable, promised FROM stock_counter WHERE sku_id = %s", sku) == [(60, 60)]
    assert database.rows("SELECT sum(cancelled) FROM order_line") == [(0,)]
    assert offences(*BOOKS) == {}
