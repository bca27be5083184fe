# SPDX-License-Identifier: Apache-2.0
"""The double-entry ledger and its one writer. Bins and counters are changed only here, by what the legs say,
so that they equal the ledger by construction and not by care."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from wms.platform.clock import now
from wms.platform.db import json_text
from wms.platform.errors import Conflict
from wms.platform.ids import new_id
from wms.stock.models import Account


class NotEnoughStock(Conflict):
    """The books do not hold what should be taken from them."""

    code = "not_enough_stock"


@dataclass(frozen=True)
class Leg:
    """``quantity`` pieces arrive at (or, negative, leave) an account; a bin also has a location and a lot."""

    account: Account
    sku_id: UUID
    quantity: int
    location_id: UUID | None = None
    lot: str = ""


@dataclass(frozen=True)
class Cause:
    """Why goods moved. ``group_id`` is the cause's own id: the same cause moves goods once."""

    group_id: UUID
    reason: str
    actor: str
    reference: str = ""


@dataclass(frozen=True, order=True)
class Bin:
    """One SKU and lot in one location. The order of the fields is the order in which rows are locked."""

    sku_id: UUID
    location_id: UUID
    lot: str = ""


@dataclass
class BinChange:
    on_hand: int = 0
    allocated: int = 0


@dataclass
class CounterChange:
    sellable: int = 0
    promised: int = 0


def post(
    session: Session,
    brand_id: UUID,
    warehouse_id: UUID,
    cause: Cause,
    legs: Iterable[Leg],
    *,
    allocated: Mapping[Bin, int] | None = None,
    promised: Mapping[UUID, int] | None = None,
) -> bool:
    """Writes one movement. Returns ``False``, having changed nothing, when the cause has moved these goods before.

    ``allocated`` and ``promised`` are changes of what is spoken for that belong to the same movement (a pick takes
    goods and their allocation together). Raises :class:`NotEnoughStock` when a bin or counter would break its bounds.
    """
    legs = list(legs)
    total: defaultdict[UUID, int] = defaultdict(int)
    for leg in legs:
        total[leg.sku_id] += leg.quantity
    assert not any(total.values()), "The legs of a movement sum to zero for each SKU."

    if not _append(session, brand_id, warehouse_id, cause, legs):
        return False
    bins: defaultdict[Bin, BinChange] = defaultdict(BinChange)
    for leg in legs:
        if leg.account is Account.BIN and leg.location_id is not None:
            bins[Bin(leg.sku_id, leg.location_id, leg.lot)].on_hand += leg.quantity
    for bin_, quantity in (allocated or {}).items():
        bins[bin_].allocated += quantity
    change_bins(session, brand_id, bins)

    unsellable = _quarantine_locations(session, legs)
    counters: defaultdict[UUID, CounterChange] = defaultdict(CounterChange)
    for leg in legs:
        if leg.account in (Account.BIN, Account.TOTE) and leg.location_id not in unsellable:
            counters[leg.sku_id].sellable += leg.quantity
    for sku_id, quantity in (promised or {}).items():
        counters[sku_id].promised += quantity
    change_counters(session, brand_id, warehouse_id, counters)
    return True


def _append(session: Session, brand_id: UUID, warehouse_id: UUID, cause: Cause, legs: list[Leg]) -> bool:
    at = now(session).isoformat()
    rows = [
        {
            "brand_id": brand_id,
            "id": new_id(),
            "group_id": cause.group_id,
            "warehouse_id": warehouse_id,
            "account": leg.account,
            "location_id": leg.location_id,
            "lot": leg.lot,
            "sku_id": leg.sku_id,
            "quantity": leg.quantity,
            "reason": cause.reason,
            "reference": cause.reference,
            "actor": cause.actor,
            "at": at,
        }
        for leg in legs
    ]
    columns = ", ".join(rows[0])
    written = session.execute(
        text(
            f"INSERT INTO stock_move ({columns}) SELECT {columns}"
            " FROM json_populate_recordset(NULL::stock_move, :rows) ON CONFLICT DO NOTHING RETURNING 1"
        ),
        {"rows": json_text(rows)},
    ).all()
    if not written:
        return False
    assert len(written) == len(rows), "A cause moves all of its goods at once, or it has moved them before."
    return True


def _quarantine_locations(session: Session, legs: list[Leg]) -> set[UUID]:
    places = [leg.location_id for leg in legs if leg.location_id is not None]
    if not places:
        return set()
    rows = session.execute(
        text("SELECT id FROM location WHERE id = ANY(:ids) AND kind = 'quarantine'"), {"ids": places}
    )
    return {row.id for row in rows}


def change_bins(session: Session, brand_id: UUID, changes: Mapping[Bin, BinChange]) -> None:
    """Adds the changes to the bins, locking them in key order, or raises :class:`NotEnoughStock`."""
    rows = [
        {
            "sku_id": bin_.sku_id,
            "location_id": bin_.location_id,
            "lot": bin_.lot,
            "on_hand": change.on_hand,
            "allocated": change.allocated,
        }
        for bin_, change in sorted(changes.items())
        if change.on_hand or change.allocated
    ]
    if not rows:
        return
    typed = "json_to_recordset(:rows) AS n(sku_id uuid, location_id uuid, lot text, on_hand int, allocated int)"
    values = {"brand_id": brand_id, "rows": json_text(rows)}
    if any(change.on_hand > 0 for change in changes.values()):
        session.execute(
            text(
                "INSERT INTO bin_stock (brand_id, sku_id, location_id, lot, on_hand, allocated)"
                f" SELECT :brand_id, sku_id, location_id, lot, 0, 0 FROM {typed} WHERE n.on_hand > 0"
                " ON CONFLICT DO NOTHING"
            ),
            values,
        )
    _update(
        session,
        "WITH held AS ("
        f" SELECT n.* FROM {typed}"
        " JOIN bin_stock b ON b.brand_id = :brand_id AND b.sku_id = n.sku_id"
        "  AND b.location_id = n.location_id AND b.lot = n.lot"
        " ORDER BY b.sku_id, b.location_id, b.lot FOR UPDATE OF b)"
        " UPDATE bin_stock b SET on_hand = b.on_hand + held.on_hand, allocated = b.allocated + held.allocated"
        " FROM held WHERE b.brand_id = :brand_id AND b.sku_id = held.sku_id"
        " AND b.location_id = held.location_id AND b.lot = held.lot RETURNING 1",
        values,
        expected=len(rows),
    )


def change_counters(
    session: Session, brand_id: UUID, warehouse_id: UUID, changes: Mapping[UUID, CounterChange]
) -> None:
    """Adds the changes to the counters, locking them in key order, or raises :class:`NotEnoughStock`."""
    rows = [
        {"sku_id": sku_id, "sellable": change.sellable, "promised": change.promised}
        for sku_id, change in sorted(changes.items())
        if change.sellable or change.promised
    ]
    if not rows:
        return
    typed = "json_to_recordset(:rows) AS n(sku_id uuid, sellable int, promised int)"
    values = {"brand_id": brand_id, "warehouse_id": warehouse_id, "rows": json_text(rows)}
    if any(change.sellable > 0 for change in changes.values()):
        session.execute(
            text(
                "INSERT INTO stock_counter (brand_id, warehouse_id, sku_id, sellable, promised)"
                f" SELECT :brand_id, :warehouse_id, sku_id, 0, 0 FROM {typed} WHERE n.sellable > 0"
                " ON CONFLICT DO NOTHING"
            ),
            values,
        )
    _update(
        session,
        "WITH held AS ("
        f" SELECT n.* FROM {typed}"
        " JOIN stock_counter c ON c.brand_id = :brand_id AND c.warehouse_id = :warehouse_id AND c.sku_id = n.sku_id"
        " ORDER BY c.sku_id FOR UPDATE OF c)"
        " UPDATE stock_counter c SET sellable = c.sellable + held.sellable, promised = c.promised + held.promised"
        " FROM held WHERE c.brand_id = :brand_id AND c.warehouse_id = :warehouse_id AND c.sku_id = held.sku_id"
        " RETURNING 1",
        values,
        expected=len(rows),
    )


def _update(session: Session, statement: str, values: dict[str, Any], *, expected: int) -> None:
    try:
        changed = len(session.execute(text(statement), values).all())
    except IntegrityError as error:
        raise NotEnoughStock("There is less stock than this takes.") from error
    if changed != expected:
        raise NotEnoughStock("There is no such stock here.")
