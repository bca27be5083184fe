# SPDX-License-Identifier: Apache-2.0
"""The warehouse moves no money: it says what is owed, to whom and why, one row for each thing, never netted."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session, col, select

from wms.money.models import Adjustment, AdjustmentKind, AdjustmentState
from wms.orders.models import Order
from wms.platform.clock import now
from wms.platform.errors import Conflict, NotFound

EXPORT_MAX: Final = 10_000


class AdjustmentClosed(Conflict):
    """What was owed is settled, waived or lapsed already; ``state`` says which."""

    code = "adjustment_closed"


def owe(
    session: Session,
    order: Order,
    kind: AdjustmentKind,
    amount_minor: int,
    *,
    cause: str,
    reason: str,
    due_until: datetime | None = None,
) -> Adjustment | None:
    """Writes down that ``amount_minor`` of the order's currency is owed; nothing where it is zero.

    The same order, kind and cause again is the adjustment that it made before, as it stands.
    """
    if amount_minor <= 0:
        return None
    before = session.exec(
        select(Adjustment).where(
            Adjustment.brand_id == order.brand_id,
            Adjustment.order_id == order.id,
            Adjustment.kind == kind,
            Adjustment.cause == cause,
        )
    ).one_or_none()
    if before is not None:
        return before
    adjustment = Adjustment(
        brand_id=order.brand_id,
        order_id=order.id,
        kind=kind,
        amount_minor=amount_minor,
        currency=order.currency,
        cause=cause,
        reason=reason,
        due_until=due_until,
        created_at=now(session),
    )
    session.add(adjustment)
    session.flush()  # Whoever asks for the order's adjustments next must see it.
    return adjustment


def lock_adjustment(session: Session, brand_id: UUID, adjustment_id: UUID) -> Adjustment:
    """Returns the adjustment, locked, as it is now; raises :class:`NotFound`."""
    adjustment = session.get(Adjustment, (brand_id, adjustment_id), with_for_update=True, populate_existing=True)
    if adjustment is None:
        raise NotFound("There is no such adjustment.")
    return adjustment


def adjustments_of_order(session: Session, brand_id: UUID, order_id: UUID) -> Sequence[Adjustment]:
    """Returns what is or was owed because of the order, the oldest first."""
    return session.exec(
        select(Adjustment)
        .where(Adjustment.brand_id == brand_id, Adjustment.order_id == order_id)
        .order_by(col(Adjustment.id))
    ).all()


def settle(session: Session, adjustment: Adjustment, settled_ref: str) -> bool:
    """Notes that it was paid under the payer's own reference. The same reference again changes nothing (``False``).

    Raises :class:`AdjustmentClosed` where it was settled under another reference, waived or lapsed. What a paid
    add-on brings about is decided in ``wms.changes``, which is the door for settling.
    """
    if adjustment.state is AdjustmentState.SETTLED and adjustment.settled_ref == settled_ref:
        return False
    _close(session, adjustment, AdjustmentState.SETTLED)
    adjustment.settled_ref = settled_ref
    return True


def waive(session: Session, adjustment: Adjustment) -> bool:
    """Notes that nobody will ask for it; again changes nothing (``False``). Raises :class:`AdjustmentClosed`."""
    if adjustment.state is AdjustmentState.WAIVED:
        return False
    _close(session, adjustment, AdjustmentState.WAIVED)
    return True


def lapse(session: Session, adjustment: Adjustment) -> bool:
    """Notes that it was not paid in time; again changes nothing (``False``). Raises :class:`AdjustmentClosed`."""
    if adjustment.state is AdjustmentState.LAPSED:
        return False
    _close(session, adjustment, AdjustmentState.LAPSED)
    return True


def _close(session: Session, adjustment: Adjustment, state: AdjustmentState) -> None:
    if adjustment.state is not AdjustmentState.DUE:
        raise AdjustmentClosed(f"This is {adjustment.state} already.", state=adjustment.state)
    adjustment.state, adjustment.closed_at = state, now(session)
    session.add(adjustment)


def list_adjustments(
    session: Session,
    brand_id: UUID,
    *,
    state: AdjustmentState | None = None,
    kind: AdjustmentKind | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[tuple[Adjustment, str]]:
    """Returns adjustments with the reference of their order, the oldest first, so that a reader can go on later."""
    wanted = (
        select(Adjustment, Order.ref)
        .join(Order, (col(Order.brand_id) == Adjustment.brand_id) & (col(Order.id) == Adjustment.order_id))
        .where(Adjustment.brand_id == brand_id)
        .order_by(col(Adjustment.id))
        .limit(limit)
    )
    if state is not None:
        wanted = wanted.where(Adjustment.state == state)
    if kind is not None:
        wanted = wanted.where(Adjustment.kind == kind)
    if after is not None:
        wanted = wanted.where(col(Adjustment.id) > after)
    return session.exec(wanted).all()


COLUMNS: Final = (
    "id",
    "order",
    "kind",
    "amount_minor",
    "currency",
    "state",
    "reason",
    "cause",
    "due_until",
    "settled_ref",
    "created_at",
    "closed_at",
)


def as_csv(rows: Sequence[tuple[Adjustment, str]]) -> str:
    """Returns the rows as CSV (RFC 4180) with a heading; instants in ISO 8601, amounts in minor units."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one, ref in rows:
        row = {**one.model_dump(), "order": _plain(ref), "settled_ref": _plain(one.settled_ref or "")}
        values = [row[column] for column in COLUMNS]
        writer.writerow([value.isoformat() if isinstance(value, datetime) else value for value in values])
    return out.getvalue()


def _plain(value: str) -> str:
    # A spreadsheet runs what starts like a formula; an apostrophe in front makes it text.
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t") else value
