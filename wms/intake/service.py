# SPDX-License-Identifier: Apache-2.0
"""Accepting orders, many at a time: a single order is a list of one."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from wms.brands.models import Brand, OnShortage, Policy, Warehouse
from wms.brands.service import time_zone_of
from wms.intake.address import country_exists
from wms.intake.company import find_company, tell_of_company
from wms.intake.plan import Plan, Promised, promise_plans, write_plans
from wms.intake.schemas import OrderIn, content
from wms.orders.models import OrderState, PaymentState
from wms.orders.recipients import recipient_key
from wms.platform import metrics
from wms.platform.clock import now
from wms.platform.db import Again, after_commit, attempt
from wms.platform.errors import Conflict, Invalid, WmsError
from wms.platform.ids import new_id
from wms.shipments.clock import Member, release_at
from wms.shipments.cutoffs import latest_release
from wms.shipments.joining import Joiner, OpenShipment, Terms
from wms.stock.ledger import NotEnoughStock
from wms.stock.promises import available


class RefTaken(Conflict):
    """The reference was used for an order with another content."""

    code = "order_ref_taken"


class UnknownSkus(Invalid):
    """The order names articles that the brand does not have; ``skus`` lists all of them."""

    code = "unknown_sku"


class OutOfStock(Conflict):
    """Stock cannot cover the order; ``shortages`` lists every article that falls short."""

    code = "out_of_stock"


@dataclass(frozen=True)
class Answer:
    """What became of one order: accepted now, known before with equal content, or refused with the reason."""

    ref: str
    order_id: UUID | None = None
    state: OrderState | None = None
    existed: bool = False
    release_at: datetime | None = None
    warnings: list[str] = field(default_factory=list)
    refusal: WmsError | None = None


@dataclass(frozen=True)
class _Known:
    order_id: UUID
    state: OrderState
    content_sha256: bytes
    # As ``wms.shipments.service.changeable_until`` says it, for many orders at once.
    release_at: datetime | None


def accept(session: Session, brand: Brand, orders: Sequence[OrderIn], actor: str) -> list[Answer]:
    """Accepts what can be accepted and returns one answer for each order, in the same sequence.

    A refused order changes nothing and never touches its neighbours. When somebody else takes the same reference or
    the last piece in this very moment, the transaction is to be run again (:class:`~wms.platform.db.Again`).
    """
    policy, at = brand.policy, now(session)
    zone = time_zone_of(session.get_one(Warehouse, brand.warehouse_id))
    known = _known(session, brand.id, [order.ref for order in orders])
    codes = {line.sku for order in orders for line in order.lines}
    skus = _skus(session, brand.id, codes)
    fresh = [order for order in orders if order.ref not in known]
    # Shipments come before counters, as with everybody else who takes or gives back promises.
    company = find_company(session, brand, fresh, at)
    # Reading without a lock keeps popular counters free; whoever loses the race then tries again with them locked.
    free = available(session, brand.id, brand.warehouse_id, skus.values(), lock=attempt(session) > 1)

    plans: dict[str, Plan] = {}
    answers: list[Answer | tuple[Plan, bool]] = []
    for order in orders:
        digest = hashlib.sha256(content(order)).digest()
        try:
            before = known.get(order.ref) or plans.get(order.ref)
            if before is not None:
                answers.append(_repeated(order.ref, before, digest))
                continue
            plan = _plan(order, digest, policy, brand, zone, skus, free, at)
        except WmsError as refusal:
            answers.append(Answer(order.ref, refusal=refusal))
            continue
        company.place(plan)
        plans[order.ref] = plan
        answers.append((plan, False))
    accepted = list(plans.values())
    try:
        write_plans(session, brand, accepted, actor, at)
        tell_of_company(session, brand.id, accepted, actor, at)
        promise_plans(session, brand, accepted)
    except NotEnoughStock as error:
        raise Again from error
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == "23505":
            raise Again from error
        raise
    after_commit(session, partial(metrics.ORDERS_ACCEPTED.inc, len(plans)))
    # Only now is every clock final: an order may have been joined by one behind it.
    return [answer if isinstance(answer, Answer) else _accepted(*answer) for answer in answers]


def _accepted(plan: Plan, existed: bool) -> Answer:
    return Answer(
        plan.order.ref,
        plan.order_id,
        OrderState.ACCEPTED,
        existed=existed,
        release_at=plan.release_at,
        warnings=[] if existed else plan.warnings,
    )


def _known(session: Session, brand_id: UUID, refs: list[str]) -> dict[str, _Known]:
    rows = session.execute(
        text(
            "SELECT o.ref, o.id, o.state, o.content_sha256,"
            " (SELECT min(s.release_at) FROM shipment s JOIN shipment_line l"
            "   ON l.brand_id = s.brand_id AND l.shipment_id = s.id"
            "   WHERE l.brand_id = o.brand_id AND l.order_id = o.id AND s.state = 'held'"
            "    AND o.state = 'accepted') AS release_at"
            " FROM orders o WHERE o.brand_id = :brand_id AND o.ref = ANY(:refs)"
        ),
        {"brand_id": brand_id, "refs": refs},
    )
    return {row.ref: _Known(row.id, OrderState(row.state), bytes(row.content_sha256), row.release_at) for row in rows}


def _skus(session: Session, brand_id: UUID, codes: set[str]) -> dict[str, UUID]:
    rows = session.execute(
        text("SELECT code, id FROM sku WHERE brand_id = :brand_id AND code = ANY(:codes) AND active"),
        {"brand_id": brand_id, "codes": sorted(codes)},
    )
    return {row.code: row.id for row in rows}


def _repeated(ref: str, before: _Known | Plan, digest: bytes) -> Answer | tuple[Plan, bool]:
    known_digest = before.digest if isinstance(before, Plan) else before.content_sha256
    if known_digest != digest:
        raise RefTaken(
            f"Order {ref} exists with another content. A change to it is a change, not a new order.",
            order_id=str(before.order_id),
        )
    if isinstance(before, Plan):
        return before, True
    return Answer(ref, before.order_id, before.state, existed=True, release_at=before.release_at)


def _plan(
    order: OrderIn,
    digest: bytes,
    policy: Policy,
    brand: Brand,
    zone: ZoneInfo,
    skus: dict[str, UUID],
    free: dict[UUID, int],
    at: datetime,
) -> Plan:
    country = order.recipient.country or policy.default_country
    if not country_exists(country):
        raise Invalid(f"There is no country {country}.")
    unknown = sorted({line.sku for line in order.lines} - skus.keys())
    if unknown:
        raise UnknownSkus(f"There is no article {', '.join(unknown[:5])}.", skus=unknown)
    promised = _promise(order, policy, skus, free)
    service = order.service or policy.default_service
    latest, is_late = latest_release(policy, service, zone, at, order.ship_by)
    terms = Terms(
        brand_id=brand.id,
        warehouse_id=brand.warehouse_id,
        key=recipient_key(order.recipient, country),
        service=service,
        currency=order.currency or policy.default_currency,
        is_cod=order.payment is PaymentState.COD,
    )
    member = Member(at, latest)
    own = OpenShipment(new_id(), terms, release_at(policy, [member]), [member])
    return Plan(order, digest, country, policy, promised, Joiner(terms, (member,)), own, is_late)


def _promise(order: OrderIn, policy: Policy, skus: dict[str, UUID], free: dict[UUID, int]) -> list[Promised]:
    """Decides how much of each line is promised, and takes it off ``free`` for the orders behind."""
    wanted: defaultdict[str, int] = defaultdict(int)
    for line in order.lines:
        wanted[line.sku] += line.quantity
    shortages = [
        {"sku": code, "wanted": quantity, "available": free.get(skus[code], 0)}
        for code, quantity in sorted(wanted.items())
        if free.get(skus[code], 0) < quantity
    ]
    nothing_left = all(free.get(skus[code], 0) == 0 for code in wanted)
    if shortages and (
        policy.on_shortage is OnShortage.REJECT or (policy.on_shortage is OnShortage.PARTIAL and nothing_left)
    ):
        missing = ", ".join(str(shortage["sku"]) for shortage in shortages[:5])
        raise OutOfStock(f"There is not enough stock of {missing}.", shortages=shortages)
    promised = []
    for line in order.lines:
        sku_id = skus[line.sku]
        quantity = min(line.quantity, free.get(sku_id, 0))
        if quantity:
            free[sku_id] -= quantity
        cancelled = line.quantity - quantity if policy.on_shortage is OnShortage.PARTIAL else 0
        promised.append(Promised(sku_id, quantity, cancelled))
    return promised
