# SPDX-License-Identifier: Apache-2.0
"""The first level of stock: what is promised to order lines, before anybody knows from which bin it will come."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.platform.db import insert_rows
from wms.platform.ids import new_id
from wms.stock.ledger import CounterChange, change_counters
from wms.stock.models import Promise, PromiseState


@dataclass(frozen=True)
class Want:
    """So many pieces of a SKU for one order line."""

    order_line_id: UUID
    sku_id: UUID
    quantity: int


def available(
    session: Session, brand_id: UUID, warehouse_id: UUID, sku_ids: Iterable[UUID], *, lock: bool = False
) -> dict[UUID, int]:
    """Returns what can still be promised per SKU. SKUs without stock are absent; ``lock`` keeps others out."""
    rows = session.execute(
        text(
            "SELECT sku_id, sellable - promised AS free FROM stock_counter"
            " WHERE brand_id = :brand_id AND warehouse_id = :warehouse_id AND sku_id = ANY(:sku_ids)"
            " ORDER BY sku_id" + (" FOR UPDATE" if lock else "")
        ),
        {"brand_id": brand_id, "warehouse_id": warehouse_id, "sku_ids": sorted(set(sku_ids))},
    )
    return {row.sku_id: row.free for row in rows}


def promise(session: Session, brand_id: UUID, warehouse_id: UUID, wants: Sequence[Want]) -> None:
    """Promises all of it or raises :class:`~wms.stock.ledger.NotEnoughStock`.

    The rows come first and the counters last, so that a counter that everybody wants is locked for the shortest time.
    """
    insert_rows(
        session,
        Promise,
        [
            {
                "brand_id": brand_id,
                "id": new_id(),
                "warehouse_id": warehouse_id,
                "sku_id": want.sku_id,
                "order_line_id": want.order_line_id,
                "quantity": want.quantity,
                "state": PromiseState.LIVE,
            }
            for want in wants
        ],
    )
    changes: defaultdict[UUID, CounterChange] = defaultdict(CounterChange)
    for want in wants:
        changes[want.sku_id].promised += want.quantity
    change_counters(session, brand_id, warehouse_id, changes)


def promised_of_lines(session: Session, brand_id: UUID, order_line_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Returns the live promise of each order line that has one."""
    rows = session.execute(
        text(
            "SELECT order_line_id, sum(quantity)::int AS quantity FROM promise WHERE brand_id = :brand_id"
            " AND order_line_id = ANY(:ids) AND state = 'live' GROUP BY order_line_id"
        ),
        {"brand_id": brand_id, "ids": list(order_line_ids)},
    )
    return {row.order_line_id: row.quantity for row in rows}


def end_promises(
    session: Session, brand_id: UUID, quantities: Mapping[UUID, int], end: PromiseState
) -> dict[UUID, int]:
    """Ends so much of each line's live promise, and returns what that is per SKU.

    The counters are left to the caller, because goods that ship leave them together with their promise.
    """
    rows = session.exec(
        select(Promise)
        .where(
            Promise.brand_id == brand_id,
            col(Promise.order_line_id).in_(list(quantities)),
            Promise.state == PromiseState.LIVE,
        )
        .order_by(col(Promise.sku_id), col(Promise.id).desc())
        .with_for_update()
    ).all()
    left = dict(quantities)
    ended: defaultdict[UUID, int] = defaultdict(int)
    for row in rows:
        taken = min(row.quantity, left[row.order_line_id])
        if taken == 0:
            continue
        left[row.order_line_id] -= taken
        ended[row.sku_id] += taken
        if taken == row.quantity:
            row.state = end
        else:
            row.quantity -= taken
        session.add(row)
    return dict(ended)


def release_promises(session: Session, brand_id: UUID, warehouse_id: UUID, quantities: Mapping[UUID, int]) -> None:
    """Gives so much of each line's promise back to whoever comes next."""
    ended = end_promises(session, brand_id, quantities, PromiseState.RELEASED)
    changes = {sku_id: CounterChange(promised=-quantity) for sku_id, quantity in ended.items()}
    change_counters(session, brand_id, warehouse_id, changes)


def newest_promises(session: Session, brand_id: UUID, warehouse_id: UUID, sku_id: UUID) -> Sequence[Promise]:
    """Returns the live promises of a SKU, the newest first: who waits when stock turns out to be missing."""
    return session.exec(
        select(Promise)
        .where(
            Promise.brand_id == brand_id,
            Promise.warehouse_id == warehouse_id,
            Promise.sku_id == sku_id,
            Promise.state == PromiseState.LIVE,
        )
        .order_by(col(Promise.id).desc())
    ).all()
