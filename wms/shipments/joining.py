# SPDX-License-Identifier: Apache-2.0
"""Who may travel with whom: one pure rule for intake, for explicit merges and for trying out edit windows on paper."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from wms.brands.models import ConsolidateUntil, Policy
from wms.shipments.clock import Member, release_at
from wms.shipments.models import ShipmentState

MEMBERS_MAX: Final = 100


class Blocker(StrEnum):
    """Why an order cannot travel with a shipment."""

    BRAND = "brand"
    WAREHOUSE = "warehouse"
    RECIPIENT = "recipient"
    SERVICE = "service"
    CURRENCY = "currency"
    PAYMENT_TERMS = "payment_terms"
    STAGE = "stage"
    CLOCK = "clock"
    EARLIER_RELEASE = "earlier_release"
    FULL = "full"
    HOLD = "hold"
    STOCK = "stock"


SENTENCES: Final[Mapping[Blocker, str]] = {
    Blocker.BRAND: "They are sold by different brands.",
    Blocker.WAREHOUSE: "They leave from different warehouses.",
    Blocker.RECIPIENT: "They do not go to the same person at the same door.",
    Blocker.SERVICE: "They were sold with different services.",
    Blocker.CURRENCY: "They were sold in different currencies.",
    Blocker.PAYMENT_TERMS: "One is paid at the door and the other is not.",
    Blocker.STAGE: "The work on it has gone too far.",
    Blocker.CLOCK: "Its edit window has run out.",
    Blocker.EARLIER_RELEASE: "Together they would go to the floor earlier than a shopper was told.",
    Blocker.HOLD: "One of them is on hold, and the work has begun.",
    Blocker.STOCK: "What it still needs is not in the bins.",
    Blocker.FULL: f"A shipment carries at most {MEMBERS_MAX} orders.",
}

# What a shipment goes through while others may still join it.
STAGES: Final = (
    ShipmentState.HELD,
    ShipmentState.RELEASED,
    ShipmentState.PICKING,
    ShipmentState.PICKED,
    ShipmentState.PACKED,
)
# The last state of a shipment in which another order may still join it.
LAST_STATE: Final[Mapping[ConsolidateUntil, ShipmentState]] = {
    ConsolidateUntil.HELD: ShipmentState.HELD,
    ConsolidateUntil.PICKING: ShipmentState.PICKED,
    ConsolidateUntil.PACKED: ShipmentState.PACKED,
}


@dataclass(frozen=True)
class Terms:
    """What all orders of a shipment have in common. ``key``: :func:`wms.orders.recipients.recipient_key`."""

    brand_id: UUID
    warehouse_id: UUID
    key: str
    service: str
    currency: str
    is_cod: bool


@dataclass(frozen=True)
class Joiner:
    """An order, or several that travel together, in search of company. ``shown``: the release their shoppers know."""

    terms: Terms
    members: tuple[Member, ...]
    shown: datetime | None = None


@dataclass
class OpenShipment:
    """A shipment that may still take orders in; ``release_at`` is what its shoppers are shown."""

    id: UUID
    terms: Terms
    release_at: datetime
    members: list[Member] = field(default_factory=list)
    state: ShipmentState = ShipmentState.HELD

    def take_in(self, policy: Policy, order: Joiner) -> None:
        """Adds an order that :func:`can_join` let in, and sets the clock anew."""
        self.members.extend(order.members)
        self.release_at = release_at(policy, self.members)


def can_join(
    policy: Policy,
    host: OpenShipment,
    order: Joiner,
    at: datetime,
    until: ConsolidateUntil = ConsolidateUntil.HELD,
) -> list[Blocker]:
    """Returns everything that keeps the order out of the shipment at the instant ``at``; an empty list lets it in.

    ``until`` is the last stage that is open to it: never later than the brand's policy allows.
    """
    mine, theirs = host.terms, order.terms
    found = [
        blocker
        for blocker, ours, others in (
            (Blocker.BRAND, mine.brand_id, theirs.brand_id),
            (Blocker.WAREHOUSE, mine.warehouse_id, theirs.warehouse_id),
            (Blocker.RECIPIENT, mine.key, theirs.key),
            (Blocker.SERVICE, mine.service, theirs.service),
            (Blocker.CURRENCY, mine.currency, theirs.currency),
            (Blocker.PAYMENT_TERMS, mine.is_cod, theirs.is_cod),
        )
        if ours != others
    ]
    if host.state not in STAGES or STAGES.index(host.state) > STAGES.index(LAST_STATE[until]):
        found.append(Blocker.STAGE)
    elif host.state is ShipmentState.HELD:
        found.extend(_clock_blockers(policy, host, order, at))
    if len(host.members) + len(order.members) > MEMBERS_MAX:
        found.append(Blocker.FULL)
    return found


def _clock_blockers(policy: Policy, host: OpenShipment, order: Joiner, at: datetime) -> list[Blocker]:
    # The loop may be behind: what is due counts as gone.
    if at >= host.release_at:
        return [Blocker.CLOCK]
    together = release_at(policy, [*host.members, *order.members])
    shown = host.release_at if order.shown is None else max(host.release_at, order.shown)
    return [Blocker.EARLIER_RELEASE] if together < shown else []


class OpenDoors:
    """The open shipments of one brand by their door, oldest first: where the next order may go."""

    def __init__(self, policy: Policy, shipments: Iterable[OpenShipment] = ()) -> None:
        self._policy = policy
        self._by_key: defaultdict[str, list[OpenShipment]] = defaultdict(list)
        for shipment in shipments:
            self.open(shipment)

    def open(self, shipment: OpenShipment) -> None:
        """Adds a shipment that others may join."""
        self._by_key[shipment.terms.key].append(shipment)

    def find(self, order: Joiner, at: datetime, among: Collection[UUID] | None = None) -> OpenShipment | None:
        """Returns the shipment (of these, if any are named) that the order can join, of several the first to leave."""
        fitting = [
            host
            for host in self._by_key.get(order.terms.key, ())
            if (among is None or host.id in among) and not can_join(self._policy, host, order, at)
        ]
        return min(fitting, key=lambda host: (host.release_at, host.id), default=None)

    def place(self, order: Joiner, shipment_id: UUID, at: datetime) -> OpenShipment:
        """Lets the order into a shipment that is open to it, or opens one of its own with this id."""
        host = self.find(order, at)
        if host is None:
            host = OpenShipment(shipment_id, order.terms, at)
            self.open(host)
        host.take_in(self._policy, order)
        return host
