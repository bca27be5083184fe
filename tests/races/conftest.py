# SPDX-License-Identifier: Apache-2.0
"""Two people who want one order at the same moment, on real threads and real row locks, round after round."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from tests.factories import BOOKS, at_once, offences, order, pick_all, place, set_policy, start_picking, stocked
from wms.brands.models import Brand
from wms.changes.models import Change
from wms.changes.schemas import ChangeIn
from wms.changes.service import ask
from wms.dispatch.service import live_label, request_labels, verify_label
from wms.intake.schemas import RecipientIn
from wms.orders.models import EventKind
from wms.platform.db import WAREHOUSE, brand_scope, in_transaction, transaction
from wms.platform.ids import new_id
from wms.shipments.models import PackageLine, PackageState, Shipment, ShipmentState
from wms.shipments.packages import open_package, packages_of
from wms.shipments.release import release_due
from wms.shipments.service import lines_of, lock_shipment, move_to, record_for, shipments_of_order

ROUNDS = int(os.environ.get("WMS_RACE_ROUNDS", "20"))
AT_ONCE = 50
CHECKS = (*BOOKS, "O3", "O4", "L1")
YORK = RecipientIn.model_validate(
    {"name": "Asha Rao", "street": "4 Mill Lane", "city": "York", "postcode": "YO1 7HH", "country": "GB"}
)
_change: TypeAdapter[Any] = TypeAdapter(ChangeIn)


@dataclass
class Track:
    """Two runners and a handicap: whoever wins starts a little later next time, so that finishes are close.

    Make a new one for each race: what it has learnt is about these two runners on this machine.
    """

    names: tuple[str, str]
    wins: Counter[str] = field(default_factory=Counter)
    # Seconds by which the second runner starts after the first, give or take the wind.
    handicap: float = 0.0
    step: float = 0.001
    wind: float = 0.003
    last: str = ""

    def run(self, first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
        """Lets both start and returns what they came back with; what one of them raises is what it came back with."""
        delay = self.handicap + random.uniform(-self.wind, self.wind)

        def go(number: int) -> Any:
            time.sleep(max(0.0, delay if number else -delay))
            return (first, second)[number]()

        one, other = at_once(2, go)
        return one, other

    def won(self, name: str) -> None:
        self.wins[name] += 1
        # The head start of whoever loses grows ever faster until the tables turn, on a machine of any speed.
        self.step = min(self.step * 2, 0.032) if name == self.last else 0.001
        self.handicap += -self.step if name == self.names[0] else self.step
        self.last = name

    def finish(self, rounds: int) -> None:
        """Prints the wins and sees to it that both sides had a real chance."""
        print(f"{' against '.join(self.names)}: {dict(self.wins)}")
        assert sum(self.wins.values()) == rounds
        assert min(self.wins[name] for name in self.names) >= 0.05 * rounds, self.wins


@dataclass
class Yard:
    """A brand with plenty of one article, and orders of it brought to where a race begins."""

    database: Any
    house: Any
    clock: Any
    run_jobs: Any
    brand_id: UUID
    made: int = 0

    def orders(self, count: int, **members: Any) -> list[tuple[str, Shipment]]:
        """Sells two pieces so many times; returns each order's reference and shipment."""
        self.made += count
        drafts = [order(("CUP", 2), ref=f"F-{self.made - n}", **members) for n in range(count)]
        answers = place(self.brand_id, *drafts)
        assert not [answer.refusal for answer in answers if answer.refusal]
        sold = []
        with transaction(WAREHOUSE) as session:
            for draft, answer in zip(drafts, answers, strict=True):
                assert answer.order_id is not None
                (shipment,) = shipments_of_order(session, self.brand_id, answer.order_id)
                sold.append((draft.ref, shipment))
        return sold

    def due(self, shipment: Shipment) -> None:
        """Lets the edit window of this one shipment run out."""
        self.database.rows("UPDATE shipment SET release_at = %s WHERE id = %s", self.clock.at, shipment.id)

    def released(self, count: int) -> list[tuple[str, Shipment]]:
        sold = self.orders(count)
        self.clock.advance(days=1)
        assert in_transaction(WAREHOUSE, release_due) == count
        return sold

    def boxed(self, count: int) -> list[tuple[str, Shipment]]:
        """Everything picked, and in one closed box; packing is not ended yet."""
        sold = self.released(count)
        for _, shipment in sold:
            with transaction(WAREHOUSE) as session:
                picked = start_picking(session, shipment)
                pick_all(session, picked)
                package = open_package(session, picked)
                package.weight_g, package.state = 900, PackageState.PACKED
                package.length_mm, package.width_mm, package.height_mm = 350, 260, 180
                for line in lines_of(session, picked):
                    session.add(
                        PackageLine(
                            brand_id=picked.brand_id,
                            package_id=package.id,
                            shipment_line_id=line.id,
                            quantity=line.quantity,
                        )
                    )
        return sold

    def labelling(self, count: int) -> list[tuple[str, Shipment]]:
        """Packed, and the job that buys the label waits for a worker."""
        sold = self.boxed(count)
        for _, shipment in sold:
            with transaction(WAREHOUSE) as session:
                packed = lock_shipment(session, shipment.brand_id, shipment.id)
                move_to(session, packed, ShipmentState.PACKED)
                record_for(session, packed, EventKind.PACKED, actor="staff:W-1002")
                session.flush()
                request_labels(session, packed, "staff:W-1002")
        return sold

    def labelled(self, count: int) -> list[tuple[str, Shipment]]:
        """Bought, and scanned on the box."""
        sold = self.labelling(count)
        self.run_jobs()
        for _, shipment in sold:
            with transaction(WAREHOUSE) as session:
                (package,) = packages_of(session, shipment)
                label = live_label(session, shipment.brand_id, package.id)
                assert label is not None
                assert label.barcode is not None
                verify_label(session, package, label.barcode, "staff:W-1002")
        return sold

    def change(self, order_ref: str, kind: str, **members: Any) -> Change:
        """Asks as the brand's API does."""
        body = _change.validate_python({"kind": kind, "ref": f"C-{new_id()}", **members})
        return in_transaction(
            brand_scope(self.brand_id),
            lambda session: ask(session, session.get_one(Brand, self.brand_id), order_ref, body, "brand:test"),
        )

    def story(self, order_ref: str) -> list[str]:
        """Returns the kinds of the order's events, the first one first."""
        rows = self.database.rows(
            "SELECT e.kind FROM order_event e JOIN orders o ON o.id = e.order_id WHERE o.ref = %s ORDER BY e.seq",
            order_ref,
        )
        return [kind for (kind,) in rows]

    def stored(self, change: Change) -> tuple[str, str]:
        """Returns the answer and the reason as they stand in the database."""
        rows: list[tuple[str, str]] = self.database.rows(
            "SELECT answer, reason_code FROM change WHERE id = %s", change.id
        )
        return rows[0]


@pytest.fixture
def yard(database: Any, house: Any, frozen_clock: Any, run_jobs: Any) -> Iterator[Yard]:
    brand_id = house.brands["fennel"].id
    set_policy(database, brand_id, edit_window_seconds=900, processing_seconds=7_200, consolidation="off")
    stocked(house, brand_id, "CUP", ("A-01-1", 20_000))
    yield Yard(database, house, frozen_clock, run_jobs, brand_id)
    assert offences(*CHECKS) == {}


def batches(rounds: int) -> Iterator[int]:
    """Yields how many orders to bring to the start at a time."""
    for begun in range(0, rounds, AT_ONCE):
        yield min(AT_ONCE, rounds - begun)
