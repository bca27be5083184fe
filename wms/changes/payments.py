# SPDX-License-Identifier: Apache-2.0
"""Money that was reported: add-ons that are paid in time travel along, unpaid ones lapse, late ones are owed back."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.changes.addons import PACKED_STAGES, change_of, lines_of_change, put_in, rule_answer
from wms.changes.case import is_open, lock_live
from wms.changes.matrix import REASONS, Cell, cell
from wms.changes.models import Change, ChangeAnswer, ChangeKind
from wms.changes.stages import Stage, stage_of
from wms.money.models import Adjustment, AdjustmentKind, AdjustmentState
from wms.money.service import lapse, lock_adjustment, owe, settle, waive
from wms.orders.models import EventKind, Order, PaymentState
from wms.orders.service import find_order, lines_of_order
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.platform.errors import Conflict
from wms.shipments.models import Shipment
from wms.stock.promises import promised_of_lines, release_promises
from wms.stock.service import tell_of_stock

# What a payment may become; the same again is no news. A captured one is given back, never made open again.
_PAYMENT_MOVES: Final = {
    PaymentState.AUTHORISED: frozenset({PaymentState.CAPTURED, PaymentState.VOIDED}),
    PaymentState.CAPTURED: frozenset({PaymentState.VOIDED}),
    PaymentState.VOIDED: frozenset({PaymentState.AUTHORISED, PaymentState.CAPTURED}),
    PaymentState.COD: frozenset({PaymentState.AUTHORISED, PaymentState.CAPTURED}),
}


class Lapsed(Conflict):
    """The add-on was paid too late: it is not sent, and the money is owed back."""

    code = "lapsed"


class PaymentConflict(Conflict):
    """The payment cannot become this any more."""

    code = "payment_state"


@dataclass(frozen=True)
class Settled:
    """The adjustment as it stands, and the refusal that its payer gets once all of it has been committed."""

    adjustment: Adjustment
    refusal: Lapsed | None = None


def report_payment(session: Session, brand_id: UUID, order_ref: str, state: PaymentState, actor: str) -> Order:
    """Takes note of what became of an order's payment; the same again changes nothing.

    Raises ``NotFound``, and :class:`PaymentConflict` for a step that no payment takes.
    """
    order = find_order(session, brand_id, order_ref)
    session.refresh(order, with_for_update={"key_share": True})
    if order.payment_state is state:
        return order
    if state not in _PAYMENT_MOVES[order.payment_state]:
        raise PaymentConflict(f"A payment that is {order.payment_state} does not become {state}.")
    before = order.payment_state
    order.payment_state = state
    session.add(order)
    session.flush()  # The story is written by statements of its own.
    told = {"payment": state, "before": before}
    record(session, [NewEvent(brand_id, order.id, EventKind.PAYMENT_REPORTED, told, actor)])
    session.refresh(order)
    return order


def settle_adjustment(session: Session, brand_id: UUID, adjustment_id: UUID, settled_ref: str, actor: str) -> Settled:
    """Takes note that something owed was paid. A paid add-on joins its parcel; the same reference again is no news.

    Paid too late, the money is owed back: :attr:`Settled.refusal` is to be raised after the commit. Raises
    ``NotFound`` and ``AdjustmentClosed``.
    """
    adjustment, order, live = _lock(session, brand_id, adjustment_id)
    change = change_of(session, adjustment)
    if change is None:
        settle(session, adjustment, settled_ref)
        return Settled(adjustment)
    host = _host(session, live)
    if adjustment.state is AdjustmentState.DUE and (host is None or _is_over(session, adjustment)):
        _lapse(session, adjustment, change, order)
    if adjustment.state is AdjustmentState.LAPSED:
        owed = owe(
            session,
            order,
            AdjustmentKind.REFUND_DUE,
            adjustment.amount_minor,
            cause=f"late:{adjustment.id}",
            reason="paid_too_late",
        )
        refund = str(owed.id) if owed else None
        return Settled(adjustment, Lapsed("This was paid too late. The money is owed back.", refund_due=refund))
    if settle(session, adjustment, settled_ref):
        assert host is not None, "Without a shipment to join, the add-on has lapsed."
        _join(session, change, order, host, actor)
    return Settled(adjustment)


def waive_adjustment(session: Session, brand_id: UUID, adjustment_id: UUID, actor: str) -> Settled:
    """Takes note that nobody asks for the money; an add-on is then given for nothing. Again changes nothing.

    Raises ``NotFound`` and ``AdjustmentClosed``.
    """
    adjustment, order, live = _lock(session, brand_id, adjustment_id)
    change = change_of(session, adjustment)
    host = _host(session, live)
    if change is not None and adjustment.state is AdjustmentState.DUE and host is None:
        _lapse(session, adjustment, change, order)
    if waive(session, adjustment) and change is not None and host is not None:
        _join(session, change, order, host, actor)
    return Settled(adjustment)


def _lock(session: Session, brand_id: UUID, adjustment_id: UUID) -> tuple[Adjustment, Order, list[Shipment]]:
    """Locks as every change does: the shipments, the order, and only then what hangs on it."""
    order_id = session.execute(
        text("SELECT order_id FROM adjustment WHERE brand_id = :brand_id AND id = :id"),
        {"brand_id": brand_id, "id": adjustment_id},
    ).scalar_one_or_none()
    live = lock_live(session, brand_id, [order_id] if order_id else [])
    if order_id:
        session.get(Order, (brand_id, order_id), with_for_update={"key_share": True}, populate_existing=True)
    adjustment = lock_adjustment(session, brand_id, adjustment_id)
    return adjustment, session.get_one(Order, (brand_id, adjustment.order_id)), live


def _host(session: Session, live: list[Shipment]) -> tuple[Shipment, Stage, Cell] | None:
    """Returns the first shipment of the order that can still take an add-on in; with packing, the time to pay ends."""
    for shipment in live:
        stage = stage_of(session, shipment)
        if stage in _JOINABLE:
            return shipment, stage, cell(ChangeKind.ADD_ITEMS, stage)
    return None


def _is_over(session: Session, adjustment: Adjustment) -> bool:
    return adjustment.due_until is not None and adjustment.due_until <= now(session)


def _join(session: Session, change: Change, order: Order, host: tuple[Shipment, Stage, Cell], actor: str) -> None:
    """Puts a paid add-on into its parcel."""
    shipment, stage, found = host
    lines = lines_of_change(session, change)
    for line in lines:
        line.awaiting_payment = False
        session.add(line)
    session.flush()
    put_in(session, order, lines, shipment, stage)
    _resolve(session, change, rule_answer(found.rule), "", actor)


def _lapse(session: Session, adjustment: Adjustment, change: Change, order: Order) -> None:
    """Takes an unpaid add-on off the order again and gives its stock back."""
    lapse(session, adjustment)
    lines = lines_of_change(session, change)
    for line in lines:
        line.cancelled, line.awaiting_payment = line.quantity, False
        session.add(line)
    session.flush()
    promised = promised_of_lines(session, order.brand_id, [line.id for line in lines])
    release_promises(session, order.brand_id, order.warehouse_id, promised)
    tell_of_stock(session, order.brand_id, order.warehouse_id, {line.sku_id for line in lines})
    told = {"change": change.ref, "lines": [line.line_no for line in lines]}
    record(session, [NewEvent(order.brand_id, order.id, EventKind.ADDON_LAPSED, told)])
    if all(line.cancelled == line.quantity for line in lines_of_order(session, order.brand_id, order.id)):
        # Whatever else there was could not be found on the shelves.
        record(session, [NewEvent(order.brand_id, order.id, EventKind.CANCELLED, {"reason": "not_paid"})])
    _resolve(session, change, ChangeAnswer.REFUSED, "not_paid", "")


def _resolve(session: Session, change: Change, answer: ChangeAnswer, reason_code: str, actor: str) -> None:
    change.answer, change.reason_code, change.resolved_at = answer, reason_code, now(session)
    change.detail = REASONS.get(reason_code, "")
    session.add(change)
    if answer is not ChangeAnswer.REFUSED:
        told = {"kind": change.kind, "change": change.ref}
        record(session, [NewEvent(change.brand_id, change.order_id, EventKind.CHANGE_APPLIED, told, actor)])


def lapse_addons(session: Session, limit: int = 100) -> int:
    """Lapses add-ons whose time to be paid is over or whose parcel is packed; returns how many it looked at.

    In the warehouse's scope. One that was paid in this very moment is left alone.
    """
    due = session.execute(
        text(
            "SELECT a.brand_id, a.order_id, a.id FROM adjustment a WHERE a.state = 'due' AND a.kind = 'invoice_due'"
            " AND (a.due_until <= :now OR NOT EXISTS (SELECT 1 FROM shipment_line l JOIN shipment s"
            "   ON s.brand_id = l.brand_id AND s.id = l.shipment_id"
            "   WHERE l.brand_id = a.brand_id AND l.order_id = a.order_id AND s.state = ANY(:open)))"
            " ORDER BY a.due_until, a.id LIMIT :limit"
        ),
        {"now": now(session), "open": list(_OPEN), "limit": limit},
    ).all()
    # Two sweepers lock the same orders in the same sequence.
    for row in sorted(due, key=lambda row: (row.brand_id, row.order_id)):
        adjustment, order, live = _lock(session, row.brand_id, row.id)
        change = change_of(session, adjustment)
        is_due = adjustment.state is AdjustmentState.DUE
        if is_due and change is not None and (_is_over(session, adjustment) or _host(session, live) is None):
            _lapse(session, adjustment, change, order)
    return len(due)


# The stages in which a paid add-on can still be put in; those before hand-over are called like the shipment's states.
_JOINABLE: Final = [
    stage for stage in Stage if is_open(cell(ChangeKind.ADD_ITEMS, stage).rule) and stage not in PACKED_STAGES
]
_OPEN: Final = [stage.value for stage in _JOINABLE]
