# SPDX-License-Identifier: Apache-2.0
"""One edit window tried on past orders. The warehouse's own rules say who joins whom and when they leave."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from wms.brands.models import Consolidation, Policy
from wms.planning.past import PastOrder
from wms.shipments.clock import Member
from wms.shipments.joining import Joiner, OpenDoors, OpenShipment, Terms

# One brand, one building, one service: only the door and the clock differ from order to order.
_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Outcome:
    """What one window would have meant. ``parcels`` holds the references of the orders in each parcel."""

    window: timedelta
    parcels: tuple[tuple[str, ...], ...]
    changed: int
    changed_in_time: int
    delay_median: timedelta
    delay_p95: timedelta

    @property
    def orders(self) -> int:
        return sum(len(refs) for refs in self.parcels)

    @property
    def saved(self) -> int:
        """How many parcels fewer there are than orders."""
        return self.orders - len(self.parcels)

    def figures(self) -> dict[str, float | int]:
        """Returns the row of the table; times in minutes."""
        return {
            "window": _minutes(self.window),
            "orders": self.orders,
            "parcels": len(self.parcels),
            "saved": self.saved,
            "saved_percent": round(100 * self.saved / self.orders, 2) if self.orders else 0.0,
            "changed": self.changed,
            "changed_in_time": self.changed_in_time,
            "delay_median": _minutes(self.delay_median),
            "delay_p95": _minutes(self.delay_p95),
        }


def try_window(orders: Sequence[PastOrder], window: timedelta) -> Outcome:
    """Returns what the window would have meant for the orders, which come oldest first; without cut-offs.

    The delay of an order is how long its parcel waited after it came.
    """
    policy = Policy(consolidation=Consolidation.AUTO, edit_window_seconds=round(window.total_seconds()))
    doors, parcels = OpenDoors(policy), dict[UUID, tuple[OpenShipment, list[PastOrder]]]()
    for number, order in enumerate(orders, start=1):
        terms = Terms(_NOBODY, _NOBODY, order.door, "standard", "GBP", is_cod=False)
        parcel = doors.place(Joiner(terms, (Member(order.at),)), UUID(int=number), order.at)
        parcels.setdefault(parcel.id, (parcel, []))[1].append(order)
    released = [(order, parcel.release_at) for parcel, members in parcels.values() for order in members]
    delays = sorted(at - order.at for order, at in released)
    changes = [(order.changed_at, at) for order, at in released if order.changed_at is not None]
    return Outcome(
        window=window,
        parcels=tuple(tuple(order.ref for order in members) for _, members in parcels.values()),
        changed=len(changes),
        changed_in_time=sum(changed_at < at for changed_at, at in changes),
        delay_median=_percentile(delays, 50),
        delay_p95=_percentile(delays, 95),
    )


def try_windows(orders: Sequence[PastOrder], windows: Iterable[timedelta]) -> list[Outcome]:
    """Returns the outcome of each window, in the sequence that is given."""
    return [try_window(orders, window) for window in windows]


def _percentile(delays: Sequence[timedelta], percent: int) -> timedelta:
    """Returns the smallest delay that so many of the (sorted) delays do not exceed: the nearest rank."""
    return delays[-(-len(delays) * percent // 100) - 1] if delays else timedelta()


def _minutes(duration: timedelta) -> float:
    return round(duration.total_seconds() / 60, 2)
