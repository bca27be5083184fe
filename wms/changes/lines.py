# SPDX-License-Identifier: Apache-2.0
"""Pieces taken off an order: out of its shipments, back into what may be sold, and onto the list of refunds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlmodel import Session

from wms.changes.addons import change_of, lines_of_change
from wms.changes.carrier import ask_carrier
from wms.changes.case import Case, Refused, is_open, sum_up
from wms.changes.matrix import REASONS, Rule
from wms.changes.models import ChangeAnswer
from wms.changes.schemas import Cancel, Reduce
from wms.changes.stages import Stage
from wms.changes.travel import alone, is_shared
from wms.floor import rework
from wms.money.models import AdjustmentKind, AdjustmentState
from wms.money.service import adjustments_of_order, lapse, owe
from wms.orders.models import EventKind, OrderLine, PaymentState
from wms.orders.service import active_holds, lift_hold, lines_of_order, stock_hold_handle
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.shipments.models import Shipment, ShipmentLine, ShipmentState
from wms.shipments.service import is_pending, lines_of, move_to
from wms.shipments.waiting import is_covered, promised_to
from wms.stock.promises import promised_of_lines, release_promises
from wms.stock.service import tell_of_stock


def cancel(case: Case, _request: Cancel | None = None) -> tuple[ChangeAnswer, str]:
    """Takes everything that has not left off the order. With nothing left of it, the order is cancelled."""
    for shipment, stage, found in case.concerned():
        if is_open(found.rule):
            wanted = {
                line.id: line.quantity for line in lines_of(case.session, shipment) if line.order_id == case.order.id
            }
            take_off(case, shipment, wanted)
        if found.rule is Rule.ASK:
            ask_carrier(case, shipment, stage, found)
        else:
            case.note(shipment, stage, found)
    drop_unpaid(case)
    answer = sum_up(case.parts) if case.parts else (ChangeAnswer.APPLIED, "")
    close(case)
    return answer


def reduce(case: Case, request: Reduce) -> tuple[ChangeAnswer, str]:
    """Takes pieces off lines where they lie, out of the shipment that is the least far first.

    What lies too far is refused beside what is applied. Raises :class:`Refused` for a line that is not there and for
    more pieces than are left of it.
    """
    lines = {line.line_no: line for line in lines_of_order(case.session, case.order.brand_id, case.order.id)}
    wanted: defaultdict[UUID, int] = defaultdict(int)
    for less in request.lines:
        line = lines.get(less.line)
        if line is None:
            raise Refused("no_such_line", detail=f"The order has no line {less.line}.")
        if line.awaiting_payment:
            raise Refused("awaiting_payment")
        left = line.quantity - line.cancelled
        wanted[line.id] += less.quantity or left
        if wanted[line.id] > left or left == 0:
            raise Refused("too_many_pieces", detail=f"Of line {less.line} only {left} pieces are left.")
    stages = list(Stage)
    for shipment, stage, found in sorted(case.concerned(), key=lambda one: stages.index(one[1])):
        taken = _lying_here(case, shipment, wanted)
        if not taken:
            continue
        if is_open(found.rule):
            take_off(case, shipment, taken)
        case.note(shipment, stage, found)
    answer = sum_up(case.parts)
    if all(line.awaiting_payment or line.cancelled == line.quantity for line in lines.values()):
        # With nothing left to travel with, an add-on cannot be paid any more, and the order is over.
        drop_unpaid(case)
    close(case)
    return answer


def _lying_here(case: Case, shipment: Shipment, wanted: dict[UUID, int]) -> dict[UUID, int]:
    """Takes what the shipment holds off ``wanted``; returns it by shipment line."""
    taken = {}
    for line in lines_of(case.session, shipment):
        quantity = min(line.quantity, wanted.get(line.order_line_id, 0))
        if quantity:
            taken[line.id] = quantity
            wanted[line.order_line_id] -= quantity
    return taken


def take_off(case: Case, shipment: Shipment, goods: Mapping[UUID, int]) -> None:
    """Takes so many pieces of each shipment line out of the shipment, which is locked, and gives their stock back.

    An order of which nothing stays leaves a shared shipment first, because its story goes on without that one.
    """
    session = case.session
    own = [line for line in lines_of(session, shipment) if line.order_id == case.order.id]
    leaves = all(line.quantity == goods.get(line.id, 0) for line in own)
    if leaves and is_shared(session, shipment):
        shipment = alone(case, shipment)
        own = list(lines_of(session, shipment))
    lines = [line for line in own if goods.get(line.id)]
    if shipment.state is ShipmentState.HELD:
        given_back = _out_of_held(session, shipment, lines, goods)
    else:
        # What is on the floor is promised in full.
        rework.take_out(session, shipment, goods, case.actor, f"change: {case.change.kind}")
        given_back = {line.order_line_id: goods[line.id] for line in lines}
    for line in lines:
        order_line = session.get_one(OrderLine, (line.brand_id, line.order_line_id))
        session.refresh(order_line, with_for_update={"key_share": True})
        line.quantity -= goods[line.id]
        order_line.cancelled += goods[line.id]
        session.add_all([line, order_line])
    session.flush()  # The statements below read the lines as they are now.
    release_promises(session, shipment.brand_id, shipment.warehouse_id, given_back)
    tell_of_stock(session, shipment.brand_id, shipment.warehouse_id, {line.sku_id for line in lines})
    _close_shipment(case, shipment)
    rework.settle(session, shipment, case.actor)


def _out_of_held(
    session: Session, shipment: Shipment, lines: Sequence[ShipmentLine], goods: Mapping[UUID, int]
) -> dict[UUID, int]:
    """Returns what is given back of each order line's promise: what was on backorder was never promised."""
    promised = promised_to(session, shipment)
    return {
        line.order_line_id: max(0, promised[line.id] - (line.quantity - goods[line.id]))
        for line in lines
        if promised[line.id] > line.quantity - goods[line.id]
    }


def _close_shipment(case: Case, shipment: Shipment) -> None:
    """Cancels a shipment with nothing left; one that has all it needs now waits for stock no longer."""
    session = case.session
    is_empty = not any(line.quantity for line in lines_of(session, shipment))
    if is_empty:
        move_to(session, shipment, ShipmentState.CANCELLED)
    members = {line.order_id for line in lines_of(session, shipment)}
    for hold in active_holds(session, shipment.brand_id, members):
        if hold.shipment_id != shipment.id:
            continue
        has_all = hold.handle == stock_hold_handle(shipment.id) and shipment.state is ShipmentState.HELD
        if is_empty or (has_all and is_covered(session, shipment, hold.order_id)):
            lift_hold(session, hold, case.actor)


def drop_unpaid(case: Case) -> None:
    """Takes add-ons that nobody has paid yet off the order, and lapses them: who pays all the same gets it back."""
    session, order = case.session, case.order
    unpaid = [line for line in lines_of_order(session, order.brand_id, order.id) if line.awaiting_payment]
    if not unpaid:
        return
    release_promises(
        session, order.brand_id, order.warehouse_id, promised_of_lines(session, order.brand_id, [u.id for u in unpaid])
    )
    for line in unpaid:
        line.cancelled, line.awaiting_payment = line.quantity, False
        session.add(line)
    for adjustment in adjustments_of_order(session, order.brand_id, order.id):
        if adjustment.kind is AdjustmentKind.INVOICE_DUE and adjustment.state is AdjustmentState.DUE:
            lapse(session, adjustment)
            added = change_of(session, adjustment)
            if added is not None:
                added.answer, added.reason_code = ChangeAnswer.REFUSED, "not_paid"
                added.detail, added.resolved_at = REASONS["not_paid"], now(session)
                session.add(added)
    tell_of_stock(session, order.brand_id, order.warehouse_id, {line.sku_id for line in unpaid})


def close(case: Case) -> None:
    """Tells what was taken off since the change began, says what is owed for it, and ends an order that is over."""
    session, order = case.session, case.order
    session.flush()
    lines = lines_of_order(session, order.brand_id, order.id)
    less = [(line, line.cancelled - case.cancelled_before.get(line.id, 0)) for line in lines]
    less = [(line, quantity) for line, quantity in less if quantity > 0]
    is_over = all(line.cancelled == line.quantity for line in lines)
    cause = {"change": case.change.ref, "reason": case.change.request.get("reason", "")}
    if is_over:
        for hold in active_holds(session, order.brand_id, [order.id]):
            lift_hold(session, hold, case.actor)
        told = {"reason": case.change.request.get("reason", "")}
        record(session, [NewEvent(order.brand_id, order.id, EventKind.CANCELLED, told, case.actor)])
        case.is_told = True
    else:
        record(
            session,
            [
                NewEvent(
                    order.brand_id,
                    order.id,
                    EventKind.LINE_CANCELLED,
                    {"line": line.line_no, "quantity": quantity, **cause},
                    case.actor,
                )
                for line, quantity in less
            ],
        )
        if less and not is_pending(session, order.brand_id, order.id) and any(line.shipped for line in lines):
            record(
                session,
                [NewEvent(order.brand_id, order.id, EventKind.DELIVERED, {"reason": "rest_cancelled"}, case.actor)],
            )
    _owe(case, less, is_over=is_over)


def _owe(case: Case, less: Sequence[tuple[OrderLine, int]], *, is_over: bool) -> None:
    """A captured payment is owed back; the driver collects less; an authorised one was never taken.

    An add-on has an invoice of its own: settled, it is owed back however the order was paid; waived, it never is.
    """
    order = case.order
    case.session.refresh(order)
    invoices = _invoices(case)
    less = [(line, quantity) for line, quantity in less if line.id not in case.unpaid_before]
    amount = sum(line.unit_price_minor * quantity for line, quantity in less if line.id not in invoices)
    apart = sum(
        line.unit_price_minor * quantity for line, quantity in less if invoices.get(line.id) is AdjustmentState.SETTLED
    )
    if order.payment_state is PaymentState.COD:
        order.cod_amount_minor = 0 if is_over else max(0, order.cod_amount_minor - amount)
        case.session.add(order)
    if order.payment_state is PaymentState.CAPTURED:
        apart += amount
        if is_over and not _is_shipping_owed(case):
            apart += order.shipping_charge_minor
    if apart:
        owed = owe(
            case.session,
            order,
            AdjustmentKind.REFUND_DUE,
            apart,
            cause=_cause(case),
            reason=case.change.kind,
        )
        if owed is not None:
            case.change.outcome = {
                **case.change.outcome,
                "refund_due": {"amount_minor": owed.amount_minor, "currency": owed.currency, "id": str(owed.id)},
            }


def _invoices(case: Case) -> dict[UUID, AdjustmentState]:
    """Returns what became of the invoice of each line that was added later and had one."""
    found: dict[UUID, AdjustmentState] = {}
    for adjustment in adjustments_of_order(case.session, case.order.brand_id, case.order.id):
        added = change_of(case.session, adjustment)
        if added is not None:
            found.update((line.id, adjustment.state) for line in lines_of_change(case.session, added))
    return found


def _is_shipping_owed(case: Case) -> bool:
    """Says whether the shipping charge is owed back, or was paid back, for a parcel that was saved."""
    return any(
        one.kind is AdjustmentKind.SHIPPING_REFUND_DUE and one.state in (AdjustmentState.DUE, AdjustmentState.SETTLED)
        for one in adjustments_of_order(case.session, case.order.brand_id, case.order.id)
    )


def _cause(case: Case) -> str:
    """Returns what the refund is for. A part that waited is owed beside what the change was owed before."""
    return ":".join(["change", str(case.change.id), *(str(one) for one in sorted(case.only or ())[:1])])
