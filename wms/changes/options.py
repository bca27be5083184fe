# SPDX-License-Identifier: Apache-2.0
"""What could be changed now, until when, and if not, why not and what instead: the matrix, read before asking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from wms.brands.models import Brand
from wms.changes.addons import edits_order
from wms.changes.matrix import ANSWERS, REASONS, Alternative, Rule, cell
from wms.changes.models import ChangeAnswer, ChangeKind
from wms.changes.stages import Stage, stage_of
from wms.changes.travel import is_shared
from wms.orders.models import Order
from wms.platform.clock import now
from wms.shipments.models import Shipment, ShipmentState
from wms.shipments.service import shipments_of_order


@dataclass(frozen=True)
class Option:
    """What a change of this kind would be answered for one shipment.

    ``until``: the instant up to which this is certain, which is the end of the edit window; ``None`` where it ends
    with the next scan on the floor, or not at all.
    """

    kind: ChangeKind
    shipment_id: UUID
    stage: Stage
    answer: ChangeAnswer
    reason_code: str
    detail: str
    alternatives: tuple[Alternative, ...]
    until: datetime | None


def options(session: Session, brand: Brand, order: Order) -> list[Option]:
    """Returns an option for each kind of change and each shipment of the order that is not cancelled.

    Nothing is locked: a change that is asked for later is answered by what is true then.
    """
    live = [one for one in shipments_of_order(session, brand.id, order.id) if one.state is not ShipmentState.CANCELLED]
    return [
        _option(session, brand, order, kind, shipment, stage)
        for shipment in live
        for stage in [stage_of(session, shipment)]
        for kind in ChangeKind
    ]


def _option(session: Session, brand: Brand, order: Order, kind: ChangeKind, shipment: Shipment, stage: Stage) -> Option:
    found = cell(kind, stage)
    answer, reason_code, alternatives = ANSWERS[found.rule], found.reason_code, found.alternatives
    if found.rule is not Rule.REFUSE:
        if kind is ChangeKind.ADD_ITEMS and not edits_order(brand, order):
            answer, reason_code, alternatives = ChangeAnswer.REFUSED, "new_order", (Alternative.NEW_ORDER,)
        elif kind is ChangeKind.SPLIT_OFF and not is_shared(session, shipment):
            answer, reason_code, alternatives = ChangeAnswer.REFUSED, "not_combined", ()
    is_certain = stage is Stage.HELD and answer is not ChangeAnswer.REFUSED and shipment.release_at > now(session)
    return Option(
        kind,
        shipment.id,
        stage,
        answer,
        reason_code,
        REASONS[reason_code] if reason_code else "",
        alternatives,
        shipment.release_at if is_certain else None,
    )


def open_kinds(found: Sequence[Option]) -> set[ChangeKind]:
    """Returns the kinds of change that are possible for some part of the order."""
    return {option.kind for option in found if option.answer is not ChangeAnswer.REFUSED}
