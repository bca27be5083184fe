# SPDX-License-Identifier: Apache-2.0
"""Parcels that the carrier has, and somebody at the carrier who decides what becomes of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from wms.dispatch.models import CarrierAccount
from wms.dispatch.service import hand_over, live_label, request_labels, verify_label
from wms.platform.db import WAREHOUSE, transaction
from wms.shipments.packages import packages_of


@pytest.fixture
def gone(bench: Any, run_jobs: Any, sandbox: Any) -> Callable[..., tuple[Any, list[str]]]:
    """Packs a shipment, labels it and hands over its boxes, or the first ``leaving``; returns it and its numbers."""

    def make(boxes: int = 1, leaving: int | None = None, **order: Any) -> tuple[Any, list[str]]:
        shipment = bench.pack(boxes, **order)
        with transaction(WAREHOUSE) as session:
            request_labels(session, shipment, "staff:W-1002")
        run_jobs()
        numbers = []
        with transaction(WAREHOUSE) as session:
            account = session.get_one(CarrierAccount, bench.house.account_id)
            for package in packages_of(session, shipment):
                label = live_label(session, shipment.brand_id, package.id)
                assert label is not None
                assert label.barcode is not None
                verify_label(session, package, label.barcode, "staff:W-1002")
                numbers.append(label.barcode)
                if leaving is None or len(numbers) <= leaving:
                    hand_over(session, account, label.barcode, "staff:W-1003")
        return shipment, numbers

    return make


@dataclass
class Depot:
    """The people at the carrier."""

    sandbox: Any

    def answers(self, mode: str | None) -> None:
        """``accept`` or ``refuse`` at once, or ``wait`` for :meth:`decide`."""
        self.sandbox.call("PUT", "/sandbox/amendments", {"mode": mode})

    def asked(self, shipment: Any) -> list[dict[str, Any]]:
        """Everything that was asked about a shipment, the oldest first."""
        found = self.sandbox.call("GET", "/sandbox/amendments")["amendments"]
        own = [one for one in found if one["key"].startswith(shipment.id.hex)]
        return sorted(own, key=lambda one: str(one["created_at"]))

    def decide(self, shipment: Any, accepted: bool, **reason: str) -> None:
        """Answers the shipment's open question."""
        (one,) = [one for one in self.asked(shipment) if one["state"] == "requested"]
        self.sandbox.call("POST", f"/sandbox/amendments/{one['id']}/decide", {"accepted": accepted, **reason})


@pytest.fixture
def depot(sandbox: Any) -> Iterator[Depot]:
    people = Depot(sandbox)
    people.answers("wait")
    yield people
    people.answers(None)
