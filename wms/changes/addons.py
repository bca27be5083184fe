# SPDX-License-Identifier: Apache-2.0
"""Something was forgotten: the order is edited and the rest paid, or a new order is sold that travels along."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from wms.brands.models import AddOns, Brand
from wms.changes.case import Case, Refused, is_open, sum_up
from wms.changes.matrix import Alternative, Rule
from wms.changes.models import Change, ChangeAnswer
from wms.changes.schemas import AddItems
from wms.changes.stages import Stage
from wms.dispatch.service import void_labels
from wms.floor.rework import add_delta_picks
from wms.intake.service import UnknownSkus
from wms.money.models import Adjustment, AdjustmentKind
from wms.money.service import owe
from wms.orders.models import EventKind, Order, OrderLine, PaymentState
from wms.orders.story import NewEvent, record
from wms.platform.clock import now
from wms.shipments.clock import reschedule
from wms.shipments.models import Shipment, ShipmentLine, ShipmentState
from wms.stock.allocations import Demand, allocate
from wms.stock.promises import Want, promise

# Letters and digits that nobody confuses when a code is read out or typed.
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_CHARACTERS: Final = 8
# From here on, only what needs no payment is added: it goes into a further box under the same master number.
PACKED_STAGES: Final = frozenset({Stage.PACKED, Stage.LABELLED})


def edits_order(brand: Brand, order: Order) -> bool:
    """Says whether an add-on edits the order; otherwise it is sold as a new one."""
    strategy = brand.policy.add_ons
    return strategy is AddOns.EDIT_ORDER or (
        strategy is AddOns.BY_PAYMENT and order.payment_state in (PaymentState.AUTHORISED, PaymentState.COD)
    )


def combine_code(session: Session, order: Order) -> str:
    """Returns the code with which a later order joins this one, made when it is first asked for."""
    if order.combine_code is None:
        order.combine_code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARACTERS))
        session.add(order)
    return order.combine_code


def add_items(case: Case, request: AddItems) -> tuple[ChangeAnswer, str]:
    """Promises stock for what was forgotten and asks for the money; the driver collects a COD order's at the door.

    Unpaid pieces are in no shipment, so that they never keep the rest, and a parcel that is packed waits for no money.
    Raises :class:`Refused` where the brand sells a new order or no shipment can take them any more, ``UnknownSkus``,
    and ``NotEnoughStock``.
    """
    session, order = case.session, case.order
    if not edits_order(case.brand, order):
        raise Refused("new_order", Alternative.NEW_ORDER)
    concerned = case.concerned()
    stages = list(Stage)
    able = [one for one in concerned if is_open(one[2].rule)]
    host = min(able, key=lambda one: stages.index(one[1]), default=None)
    if host is None:
        for one in concerned:
            case.note(*one)
        return sum_up(case.parts)
    lines = _new_lines(case, request)
    promise(
        session,
        order.brand_id,
        order.warehouse_id,
        [Want(line.id, line.sku_id, line.quantity) for line in lines],
    )
    amount = sum(line.quantity * line.unit_price_minor for line in lines)
    is_paid_later = amount > 0 and order.payment_state is not PaymentState.COD
    if is_paid_later and host[1] in PACKED_STAGES:
        raise Refused("packed_already", Alternative.NEW_ORDER)
    for line in lines:
        line.awaiting_payment = is_paid_later
    _tell_of_lines(case, lines)
    if is_paid_later:
        _ask_for_money(case, amount)
        return ChangeAnswer.AWAITING_PAYMENT, ""
    if order.payment_state is PaymentState.COD and amount:
        order.cod_amount_minor += amount
        session.add(order)
        if host[1] is Stage.LABELLED:
            # What the driver collects is part of what was bought.
            void_labels(session, host[0], case.actor, f"change: {case.change.kind}")
    put_in(session, order, lines, host[0], host[1])
    case.note(*host)
    return sum_up(case.parts)


def _new_lines(case: Case, request: AddItems) -> list[OrderLine]:
    session, order = case.session, case.order
    codes = {line.sku for line in request.lines}
    rows = session.execute(
        text("SELECT code, id FROM sku WHERE brand_id = :brand_id AND code = ANY(:codes) AND active"),
        {"brand_id": order.brand_id, "codes": sorted(codes)},
    )
    ids = {row.code: row.id for row in rows}
    if unknown := sorted(codes - ids.keys()):
        raise UnknownSkus(f"There is no article {', '.join(unknown[:5])}.", skus=unknown)
    last = session.exec(
        select(func.max(OrderLine.line_no)).where(OrderLine.brand_id == order.brand_id, OrderLine.order_id == order.id)
    ).one()
    lines = [
        OrderLine(
            brand_id=order.brand_id,
            order_id=order.id,
            line_no=number,
            sku_id=ids[line.sku],
            quantity=line.quantity,
            unit_price_minor=line.unit_price_minor,
        )
        for number, line in enumerate(request.lines, start=(last or 0) + 1)
    ]
    session.add_all(lines)
    session.flush()  # Promises and shipment lines refer to them by statements of their own.
    case.change.outcome = {**case.change.outcome, "lines": [line.line_no for line in lines]}
    return lines


def _tell_of_lines(case: Case, lines: Sequence[OrderLine]) -> None:
    order = case.order
    record(
        case.session,
        [
            NewEvent(
                order.brand_id,
                order.id,
                EventKind.LINE_ADDED,
                {"line": line.line_no, "quantity": line.quantity, "change": case.change.ref},
                case.actor,
            )
            for line in lines
        ],
    )
    case.session.refresh(order)


def _ask_for_money(case: Case, amount: int) -> None:
    """Raises the invoice and lets every held shipment of the order wait for it, as far as its promise allows."""
    session, order, policy = case.session, case.order, case.brand.policy
    asked_at = now(session)
    until = asked_at + timedelta(seconds=policy.payment_window_seconds)
    adjustment = owe(
        session,
        order,
        AdjustmentKind.INVOICE_DUE,
        amount,
        cause=f"change:{case.change.id}",
        reason="add_items",
        due_until=until,
    )
    assert adjustment is not None, "Only an amount is asked for."
    order.addon_asked_at = asked_at
    session.add(order)
    for shipment in case.live:
        reschedule(session, shipment)
    case.change.outcome = {
        **case.change.outcome,
        "invoice_due": {
            "id": str(adjustment.id),
            "amount_minor": amount,
            "currency": order.currency,
            "until": until.isoformat(),
            "payment_link": policy.payment_link.replace("{ref}", order.ref).replace("{adjustment}", str(adjustment.id)),
        },
    }


def put_in(session: Session, order: Order, lines: Sequence[OrderLine], host: Shipment, stage: Stage) -> None:
    """Puts lines that are promised into a shipment that is not packed yet.

    What was released already needs its bins at once, and a picker is sent for what was added to a walk. Where the bins
    do not cover it, it follows in a parcel of its own.
    """
    rows = _shipment_lines(session, order, lines, host)
    if stage is Stage.HELD:
        return
    demands = [Demand(row.id, row.sku_id, row.quantity) for row in rows]
    if not allocate(session, order.brand_id, order.warehouse_id, {host.id: demands}):
        add_delta_picks(session, host)
        return
    for row in rows:
        session.delete(row)
    session.flush()
    later = Shipment(
        brand_id=order.brand_id,
        warehouse_id=order.warehouse_id,
        recipient_id=host.recipient_id,
        service=host.service,
        state=ShipmentState.HELD,
        release_at=now(session),
    )
    session.add(later)
    session.flush()
    _shipment_lines(session, order, lines, later)


def _shipment_lines(
    session: Session, order: Order, lines: Sequence[OrderLine], shipment: Shipment
) -> list[ShipmentLine]:
    rows = [
        ShipmentLine(
            brand_id=order.brand_id,
            shipment_id=shipment.id,
            order_id=order.id,
            order_line_id=line.id,
            sku_id=line.sku_id,
            quantity=line.quantity,
        )
        for line in lines
    ]
    session.add_all(rows)
    session.flush()  # Allocations refer to them by a statement of their own.
    return rows


def change_of(session: Session, adjustment: Adjustment) -> Change | None:
    """Returns the change whose add-on the adjustment is about, locked; ``None`` for whatever else is owed."""
    kind, _, change_id = adjustment.cause.partition(":")
    if adjustment.kind is not AdjustmentKind.INVOICE_DUE or kind != "change":
        return None
    return session.get(Change, (adjustment.brand_id, UUID(change_id)), with_for_update=True, populate_existing=True)


def lines_of_change(session: Session, change: Change) -> Sequence[OrderLine]:
    """Returns the order lines that an add-on made."""
    return session.exec(
        select(OrderLine)
        .where(
            OrderLine.brand_id == change.brand_id,
            OrderLine.order_id == change.order_id,
            col(OrderLine.line_no).in_(change.outcome["lines"]),
        )
        .order_by(col(OrderLine.line_no))
        .execution_options(populate_existing=True)
    ).all()


def rule_answer(rule: Rule) -> ChangeAnswer:
    """Returns what a paid add-on came to: something for the floor to do again, or nothing."""
    return ChangeAnswer.APPLIED_WITH_REWORK if rule is Rule.REWORK else ChangeAnswer.APPLIED
