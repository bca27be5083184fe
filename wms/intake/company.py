# SPDX-License-Identifier: Apache-2.0
"""Whether a new order travels alone: the shipment that it joins, and what that means for the others in it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.brands.models import Brand, Consolidation, Policy
from wms.intake.plan import Plan
from wms.intake.schemas import OrderIn
from wms.money.models import Adjustment, AdjustmentKind, AdjustmentState
from wms.orders.models import EventKind
from wms.orders.recipients import recipient_key
from wms.orders.story import NewEvent, record
from wms.platform.db import insert_rows, json_text
from wms.platform.ids import new_id
from wms.shipments.consolidation import shipping_refund_cause
from wms.shipments.doors import Coded, find_by_codes, find_hosts
from wms.shipments.joining import OpenDoors, OpenShipment


class Company:
    """The shipments that the orders of one call may join: those that are held, and those that the call opens."""

    def __init__(self, policy: Policy, codes: dict[str, Coded], hosts: Sequence[OpenShipment], at: datetime) -> None:
        self._policy, self._codes, self._at = policy, codes, at
        self._doors = OpenDoors(policy, hosts)

    def place(self, plan: Plan) -> None:
        """Decides with whom the planned order travels; a combine code that leads nowhere becomes a warning."""
        code = plan.order.combine_code
        if code is not None and self._join_coded(plan, code):
            return
        if self._policy.consolidation is Consolidation.AUTO:
            plan.shipment = self._doors.place(plan.joiner, plan.shipment.id, self._at)

    def _join_coded(self, plan: Plan, code: str) -> bool:
        coded = self._codes.get(code)
        if coded is None:
            plan.warnings.append("Nobody gave this combine code out.")
        elif coded.key != plan.key:
            plan.warnings.append("The combine code is another recipient's or another address's.")
        else:
            host = self._doors.find(plan.joiner, self._at, coded.shipment_ids)
            if host is not None:
                host.take_in(self._policy, plan.joiner)
                plan.shipment = host
                return True
            plan.warnings.append("The order with this combine code cannot be joined any more.")
        return False


def find_company(session: Session, brand: Brand, orders: Sequence[OrderIn], at: datetime) -> Company:
    """Returns whom the orders may join, locked until the transaction ends."""
    policy = brand.policy
    codes = find_by_codes(session, brand.id, {order.combine_code for order in orders if order.combine_code})
    keys = {coded.key for coded in codes.values()}
    if policy.consolidation is Consolidation.AUTO:
        keys.update(
            recipient_key(order.recipient, order.recipient.country or policy.default_country) for order in orders
        )
    return Company(policy, codes, find_hosts(session, brand.id, keys, at), at)


def tell_of_company(session: Session, brand_id: UUID, plans: Sequence[Plan], actor: str, at: datetime) -> None:
    """Sets the clocks of the shipments that were joined, tells every member, and owes the saved shipping charges.

    The plans' own rows must be written.
    """
    joined = [plan for plan in plans if plan.joins]
    if not joined:
        return
    moment = at.isoformat()
    hosts = {plan.shipment.id: plan.shipment for plan in joined}
    late = {plan.shipment.id for plan in joined if plan.is_late}
    session.execute(
        text(
            "UPDATE shipment s SET release_at = n.release_at, version = s.version + 1,"
            " late_since = coalesce(s.late_since, n.late_since)"
            " FROM json_to_recordset(:rows) AS n(id uuid, release_at timestamptz, late_since timestamptz)"
            " WHERE s.brand_id = :brand_id AND s.id = n.id"
        ),
        {
            "brand_id": brand_id,
            "rows": json_text(
                [
                    {"id": host.id, "release_at": host.release_at, "late_since": moment if host.id in late else None}
                    for host in hosts.values()
                ]
            ),
        },
    )
    insert_rows(session, Adjustment, [_refund(brand_id, plan, moment) for plan in joined if _is_charged(plan)])
    _tell_members(session, brand_id, hosts, actor)


def _tell_members(session: Session, brand_id: UUID, hosts: dict[UUID, OpenShipment], actor: str) -> None:
    rows = session.execute(
        text(
            "SELECT DISTINCT l.shipment_id, o.accepted_at, o.id, o.ref FROM shipment_line l"
            " JOIN orders o ON o.brand_id = l.brand_id AND o.id = l.order_id AND o.state <> 'cancelled'"
            " WHERE l.brand_id = :brand_id AND l.shipment_id = ANY(:ids) AND l.quantity > 0 ORDER BY 1, 2, 3"
        ),
        {"brand_id": brand_id, "ids": list(hosts)},
    ).all()
    refs = defaultdict[UUID, list[str]](list)
    for row in rows:
        refs[row.shipment_id].append(row.ref)
    events = [
        NewEvent(
            brand_id,
            row.id,
            EventKind.COMBINED,
            {
                "shipment_id": str(row.shipment_id),
                "refs": refs[row.shipment_id],
                "release_at": hosts[row.shipment_id].release_at.isoformat(),
            },
            actor,
        )
        for row in rows
    ]
    record(session, events)


def _is_charged(plan: Plan) -> bool:
    return plan.order.shipping_charge_minor > 0


def _refund(brand_id: UUID, plan: Plan, moment: str) -> dict[str, object]:
    """The charge of the parcel that was saved: the brand owes it to the shopper."""
    return {
        "brand_id": brand_id,
        "id": new_id(),
        "order_id": plan.order_id,
        "kind": AdjustmentKind.SHIPPING_REFUND_DUE,
        "amount_minor": plan.order.shipping_charge_minor,
        "currency": plan.joiner.terms.currency,
        "state": AdjustmentState.DUE,
        "cause": shipping_refund_cause(plan.shipment.id),
        "reason": "combined",
        "created_at": moment,
    }
