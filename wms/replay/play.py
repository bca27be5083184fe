# SPDX-License-Identifier: Apache-2.0
"""The play itself: business time jumps from one thing that happens to the next, and at each the house comes to rest.

Orders arrive when the file says so. Whatever the house decides by its clock (the release of shipments) is waited for.
Every half hour in which something was released, the floor works it off, and a manifest leaves with the driver; what the
carrier does to its parcels afterwards has its own times.
"""

import heapq
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from itertools import count
from typing import Any, Final

import httpx

from wms.brands.models import Consolidation, Policy
from wms.platform.db import WAREHOUSE, transaction
from wms.replay.crew import Crew, Parcel, WentHomeError, hand_over
from wms.replay.house import House
from wms.replay.pages import Handheld
from wms.replay.sales import SHOP_TIME_ZONE, ReplayError, Sale
from wms.replay.wire import ask, send
from wms.replay.world import POLICY, order_of, seed

ROUND: Final = timedelta(minutes=30)
_BEFORE_THE_FIRST_ORDER: Final = timedelta(hours=1)
_COLLECTED_AFTER: Final = timedelta(minutes=30)
_IN_TRANSIT_AFTER: Final = timedelta(hours=3)
_OUT_FOR_DELIVERY: Final = time(8, 0)
# The driver's stops of the next day; the parcels of a manifest are spread over them.
_DELIVERED: Final = (time(9, 30), time(11, 0), time(12, 30), time(14, 0), time(15, 30))


class _Happening(IntEnum):
    """What happens at one instant happens in this sequence."""

    ARRIVAL = 1
    RELEASE = 2
    ROUND = 3
    CARRIER = 4


@dataclass(order=True)
class _Entry:
    at: datetime
    happening: _Happening
    number: int
    what: Any = field(compare=False, default=None)


@dataclass
class Story:
    """What happened from ``began_at`` to ``ended_at``: refusals by ref, and the refs that were accepted."""

    began_at: datetime
    ended_at: datetime
    refusals: dict[str, str] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)


class Play:
    """One replay, under the brand's ``policy``.

    ``progress`` is told how many orders were delivered, and what time it is in the play.
    """

    def __init__(
        self,
        house: House,
        sales: Sequence[Sale],
        progress: Callable[[int, datetime], None],
        policy: Policy = POLICY,
    ) -> None:
        self.story = Story(sales[0].at, sales[0].at)
        self._house = house
        self._may_be_idle = policy.consolidation is Consolidation.AUTO
        self._progress = progress
        self._agenda: list[_Entry] = []
        self._number = count()
        self._going_home = threading.Event()
        self._rounds: set[datetime] = set()
        self._now = sales[0].at - _BEFORE_THE_FIRST_ORDER
        self._delivered: set[str] = set()
        house.set_clock(self._now)
        with transaction(WAREHOUSE) as session:
            self.world = seed(session, sales, house.carrier_url, policy)
        house.register_callbacks(self.world)
        for sale in sales:
            self._plan(sale.at, _Happening.ARRIVAL, sale)

    def run(self) -> None:
        """Plays to the end: until nothing is left that will happen."""
        with ExitStack() as stack:
            self._api = stack.enter_context(
                httpx.Client(
                    base_url=self._house.api_url,
                    headers={"authorization": f"Bearer {self.world.api_key}"},
                    timeout=60,
                    trust_env=False,
                )
            )
            self._crews, self._docker = self._log_in(stack)
            self._pool = stack.enter_context(ThreadPoolExecutor(len(self._crews), thread_name_prefix="crew"))
            # Leaving waits for the crews, who would otherwise work on to the end of the round.
            stack.callback(self._going_home.set)
            self._house.wait_until_quiet()
            while self._agenda:
                self._do(heapq.heappop(self._agenda))
            self._house.wait_until_quiet()
            self.story.ended_at = self._now

    def _log_in(self, stack: ExitStack) -> tuple[list[Crew], Handheld]:
        world, url = self.world, self._house.api_url
        crews = [
            Crew(
                world,
                stack.enter_context(Handheld(url, picker)),
                stack.enter_context(Handheld(url, packer)),
                totes,
                self._going_home,
            )
            for picker, packer, totes in zip(world.pickers, world.packers, world.totes, strict=True)
        ]
        return crews, stack.enter_context(Handheld(url, world.docker))

    def _plan(self, at: datetime, happening: _Happening, what: Any = None) -> None:
        heapq.heappush(self._agenda, _Entry(at, happening, next(self._number), what))

    def _do(self, entry: _Entry) -> None:
        self._house.wait_until_quiet()
        if entry.at > self._now:
            self._house.set_clock(entry.at)
            self._now = entry.at
            # What became due by the clock alone is done before anybody acts.
            self._house.wait_until_quiet()
        match entry.happening:
            case _Happening.ARRIVAL:
                self._place(entry.what)
            case _Happening.RELEASE:
                self._plan_round()
            case _Happening.ROUND:
                self._work_off()
            case _Happening.CARRIER:
                self._advance(*entry.what)
        self._progress(len(self._delivered), self._now)

    def _place(self, sale: Sale) -> None:
        headers = {"idempotency-key": f"replay-{sale.ref}"}
        answer = send(lambda: self._api.post("/v1/orders", json=order_of(sale), headers=headers))
        if not answer.is_success:
            self.story.refusals[sale.ref] = f"{answer.status_code} {answer.json().get('code', '')}".strip()
            return
        self.story.accepted.append(sale.ref)
        self._plan(datetime.fromisoformat(answer.json()["release_at"]), _Happening.RELEASE)

    def _plan_round(self) -> None:
        """Plans the next full half hour, unless it is planned already."""
        at = datetime.fromtimestamp(-(-self._now.timestamp() // ROUND.total_seconds()) * ROUND.total_seconds(), UTC)
        if at not in self._rounds:
            self._rounds.add(at)
            self._plan(at, _Happening.ROUND)

    def _work_off(self) -> None:
        """Everything that was released is picked, packed, labelled and handed over."""
        parcels = self._let_crews_work()
        if not parcels and self._may_be_idle:
            # Somebody joined what was to be released by now, and moved its clock.
            return
        if not parcels:
            raise ReplayError("Shipments were released, and nothing was there to be picked.")
        hand_over(self.world, self._docker, parcels)
        for status, at, some in _journey(self._now, parcels):
            self._plan(at, _Happening.CARRIER, (status, some))

    def _let_crews_work(self) -> list[Parcel]:
        rounds = [self._pool.submit(crew.work) for crew in self._crews]
        failures = [failure for one in rounds if (failure := one.exception()) is not None]
        for failure in failures:
            if not isinstance(failure, WentHomeError):
                raise failure
        return sorted(parcel for one in rounds for parcel in one.result())

    def _advance(self, status: str, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            # Sent twice, it would only be said twice: the carrier's events are folded, and delivered is delivered.
            path = f"/sandbox/parcels/{parcel.tracking_number}/advance"
            ask(self._house.carrier, "POST", path, {"status": status, "occurred_at": self._now.isoformat()})
            if status == "delivered":
                self._delivered.update(parcel.refs)

    def read_orders(self) -> Iterator[dict[str, Any]]:
        """Yields every accepted order as the brand's API tells it in the end."""
        with httpx.Client(
            base_url=self._house.api_url,
            headers={"authorization": f"Bearer {self.world.api_key}"},
            timeout=60,
            trust_env=False,
        ) as api:
            for ref in self.story.accepted:
                order: dict[str, Any] = ask(api, "GET", f"/v1/orders/{ref}")
                order["events"] = ask(api, "GET", f"/v1/orders/{ref}/events")["events"]
                yield order


def _journey(left_at: datetime, parcels: Sequence[Parcel]) -> Iterator[tuple[str, datetime, list[Parcel]]]:
    """Yields what the carrier does to the parcels of a manifest: what, when, and to which of them."""
    everything = list(parcels)
    yield "collected", left_at + _COLLECTED_AFTER, everything
    in_transit_at = left_at + _IN_TRANSIT_AFTER
    yield "in_transit", in_transit_at, everything
    day = in_transit_at.astimezone(SHOP_TIME_ZONE).date() + timedelta(days=1)
    yield "out_for_delivery", datetime.combine(day, _OUT_FOR_DELIVERY, SHOP_TIME_ZONE).astimezone(UTC), everything
    for stop, at in enumerate(_DELIVERED):
        some = everything[stop :: len(_DELIVERED)]
        if some:
            yield "delivered", datetime.combine(day, at, SHOP_TIME_ZONE).astimezone(UTC), some
