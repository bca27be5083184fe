# SPDX-License-Identifier: Apache-2.0
"""What came of a replay: the same for the same file, whatever was killed on the way."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wms.replay.play import Story
from wms.replay.sales import SalesFile


@dataclass(frozen=True)
class OrderResult:
    """``pieces`` are those that left; ``delivered`` counts how often the story says so; times are UTC.

    Orders that travel together name the same shipments (their ids), packages (SSCC) and labels (tracking numbers).
    """

    ref: str
    state: str
    lines: int
    ordered: int
    pieces: int
    shipments: frozenset[str]
    packages: frozenset[str]
    labels: frozenset[str]
    handed_over: frozenset[str]
    delivered: int
    delivered_at: str | None

    @property
    def went_well(self) -> bool:
        """Every piece left once, in parcels that all arrived, and the story ends with one delivery."""
        is_told_once = self.state == "delivered" and self.delivered == 1
        is_whole = len(self.packages) == len(self.labels) and self.packages == self.handed_over
        return is_told_once and is_whole and self.pieces == self.ordered


@dataclass(frozen=True)
class Result:
    """Totals and, order by order, how it ended. Nothing in it was drawn by lot or read off a real clock."""

    orders: tuple[OrderResult, ...]
    not_orders: dict[str, int]
    refusals: dict[str, str]
    began_at: datetime
    ended_at: datetime

    @property
    def failures(self) -> list[str]:
        """The refs of orders that were refused or did not end delivered exactly once."""
        return sorted([*self.refusals, *(order.ref for order in self.orders if not order.went_well)])

    def parcels(self) -> list[list[str]]:
        """The references of the orders of each shipment."""
        members: dict[str, list[str]] = {}
        for order in self.orders:
            for shipment in order.shipments:
                members.setdefault(shipment, []).append(order.ref)
        return sorted(sorted(refs) for refs in members.values())

    def totals(self) -> dict[str, int]:
        """How much there was of everything."""
        orders = self.orders
        return {
            "orders_in": len(orders) + len(self.refusals),
            "accepted": len(orders),
            "refused": len(self.refusals),
            "not_orders": sum(self.not_orders.values()),
            "lines": sum(order.lines for order in orders),
            "pieces": sum(order.pieces for order in orders),
            "shipments": _together(order.shipments for order in orders),
            "packages": _together(order.packages for order in orders),
            "labels_bought": _together(order.labels for order in orders),
            "handed_over": _together(order.handed_over for order in orders),
            "delivered": sum(order.went_well for order in orders),
        }

    def document(self) -> dict[str, Any]:
        """The result as JSON has it, without timings."""
        return {
            "totals": self.totals(),
            "not_orders": self.not_orders,
            "refusals": dict(sorted(self.refusals.items())),
            "parcels": self.parcels(),
            "began_at": self.began_at.isoformat(),
            "ended_at": self.ended_at.isoformat(),
            "orders": [
                {
                    "ref": order.ref,
                    "state": order.state,
                    "lines": order.lines,
                    "packages": len(order.packages),
                    "delivered_at": order.delivered_at,
                }
                for order in self.orders
            ],
        }


def result_of(file: SalesFile, story: Story, orders: Iterable[dict[str, Any]]) -> Result:
    """Sums up what the brand's API says about each order."""
    return Result(
        orders=tuple(sorted((_order(order) for order in orders), key=lambda order: order.ref)),
        not_orders=dict(sorted(Counter(file.not_orders.values()).items())),
        refusals=dict(story.refusals),
        began_at=story.began_at,
        ended_at=story.ended_at,
    )


def _order(order: dict[str, Any]) -> OrderResult:
    events = order["events"]
    arrivals = [event["data"]["delivered_at"] for event in events if event["kind"] == "delivered"]
    packages = [package for shipment in order["shipments"] for package in shipment["packages"]]
    return OrderResult(
        ref=order["ref"],
        state=order["state"],
        lines=len(order["lines"]),
        ordered=sum(line["quantity"] for line in order["lines"]),
        pieces=sum(line["shipped"] for line in order["lines"]),
        shipments=frozenset(shipment["id"] for shipment in order["shipments"]),
        packages=frozenset(package["sscc"] for package in packages),
        labels=frozenset(
            number
            for event in events
            if event["kind"] == "label_bought"
            for number in event["data"]["tracking_numbers"]
        ),
        handed_over=frozenset(package["sscc"] for package in packages if package["handed_over_at"] is not None),
        delivered=len(arrivals),
        delivered_at=arrivals[-1] if arrivals else None,
    )


def _together(sets: Iterable[frozenset[str]]) -> int:
    return len(frozenset[str]().union(*sets))
