# SPDX-License-Identifier: Apache-2.0
"""One change under way: what it concerns, everything locked, and what came of it for each shipment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from wms.brands.models import Brand
from wms.changes.matrix import ANSWERS, REASONS, Alternative, Cell, Rule, cell
from wms.changes.models import Change, ChangeAnswer
from wms.changes.stages import Stage, stage_of
from wms.orders.models import Order
from wms.orders.service import lines_of_order
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.service import lock_shipment, shipments_of_order


class Refused(Exception):
    """Nothing of the change is possible. Not an error: it is stored and answered like any other outcome."""

    def __init__(self, reason_code: str, *alternatives: Alternative, detail: str = "", stage: str = "") -> None:
        self.reason_code, self.alternatives, self.stage = reason_code, alternatives, stage
        self.detail = detail or REASONS[reason_code]
        super().__init__(self.detail)


@dataclass(frozen=True)
class Part:
    """What the change came to for one shipment."""

    shipment_id: UUID
    stage: Stage
    answer: ChangeAnswer
    reason_code: str = ""
    alternatives: tuple[Alternative, ...] = ()
    # The question that the carrier was asked, and its own words where it refused.
    amendment_id: UUID | None = None
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        more = {"amendment_id": str(self.amendment_id)} if self.amendment_id else {}
        more |= {"detail": self.detail} if self.detail else {}
        return {
            **more,
            "shipment_id": str(self.shipment_id),
            "stage": self.stage,
            "answer": self.answer,
            "reason_code": self.reason_code,
            "alternatives": list(self.alternatives),
        }


@dataclass
class Case:
    """``live``: the order's shipments that are not cancelled, locked, the oldest first. ``change`` is its row to be.

    ``only`` narrows a change that waited to the shipments that it waited for.
    """

    session: Session
    brand: Brand
    order: Order
    live: Sequence[Shipment]
    change: Change
    actor: str
    only: frozenset[UUID] | None = None
    parts: list[Part] = field(default_factory=list)
    # What was cancelled, and what was not paid yet, of each line when the change began.
    cancelled_before: dict[UUID, int] = field(default_factory=dict)
    unpaid_before: frozenset[UUID] = frozenset()
    # What a refusal tells beside its reason.
    facts: dict[str, Any] = field(default_factory=dict)
    # The change is told by an event of its own kind already.
    is_told: bool = False

    def __post_init__(self) -> None:
        lines = lines_of_order(self.session, self.order.brand_id, self.order.id)
        self.cancelled_before = {line.id: line.cancelled for line in lines}
        self.unpaid_before = frozenset(line.id for line in lines if line.awaiting_payment)

    def concerned(self) -> list[tuple[Shipment, Stage, Cell]]:
        """Returns each shipment that the change is about, with the cell of the matrix that decides."""
        return [
            (shipment, stage, cell(self.change.kind, stage))
            for shipment in self.live
            if (self.only is None or shipment.id in self.only)
            for stage in [stage_of(self.session, shipment)]
        ]

    def note(
        self,
        shipment: Shipment,
        stage: Stage,
        found: Cell,
        *,
        answer: ChangeAnswer | None = None,
        amendment_id: UUID | None = None,
        detail: str = "",
    ) -> None:
        """Writes down what a cell answers for one shipment; one that waits for its label stays in the house."""
        if found.rule is Rule.WAIT and self.only is None:
            shipment.pending_changes += 1
            self.session.add(shipment)
        said = answer or ANSWERS[found.rule]
        part = Part(shipment.id, stage, said, found.reason_code, found.alternatives, amendment_id, detail)
        self.parts.append(part)

    def refuse(self, shipment_id: UUID, stage: Stage, reason_code: str) -> None:
        """Writes down that nothing came of it for one shipment."""
        self.parts.append(Part(shipment_id, stage, ChangeAnswer.REFUSED, reason_code))


# The answer to the whole is the first of these that a part got; a refused part beside others is told in the parts.
_FIRST: Final = (
    ChangeAnswer.REQUESTED,
    ChangeAnswer.AWAITING_PAYMENT,
    ChangeAnswer.APPLIED_WITH_REWORK,
    ChangeAnswer.APPLIED,
)


def sum_up(parts: Sequence[Part]) -> tuple[ChangeAnswer, str]:
    """Returns the answer to the whole change and its reason code; raises :class:`Refused` where no part is possible."""
    answers = {part.answer for part in parts}
    whole = next((answer for answer in _FIRST if answer in answers), None)
    if whole is None:
        first = parts[0] if parts else None
        if first is None:
            raise Refused("nothing_left")
        raise Refused(first.reason_code, *first.alternatives, detail=first.detail, stage=first.stage)
    if ChangeAnswer.REFUSED in answers:
        return whole, "in_part"
    return whole, next((part.reason_code for part in parts if part.answer is whole), "")


def lock_live(session: Session, brand_id: UUID, order_ids: Iterable[UUID]) -> list[Shipment]:
    """Locks every shipment of the orders in the sequence of their ids; returns those that are not cancelled.

    Whoever held the lock before may have split a shipment, so it is looked again until nothing is new.
    """
    locked: dict[UUID, Shipment] = {}
    while True:
        found = {one.id for order_id in order_ids for one in shipments_of_order(session, brand_id, order_id)}
        missing = sorted(found - locked.keys())
        if not missing:
            return [one for _, one in sorted(locked.items()) if one.state is not ShipmentState.CANCELLED]
        for shipment_id in missing:
            locked[shipment_id] = lock_shipment(session, brand_id, shipment_id)


def is_open(rule: Rule) -> bool:
    """Says whether a rule does something at once."""
    return rule in (Rule.APPLY, Rule.REWORK, Rule.RELABEL)
