# SPDX-License-Identifier: Apache-2.0
"""Orders to send, goods to put into bins, and short ways through the warehouse for tests of its inner rooms."""

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

from polyfactory.factories.pydantic_factory import ModelFactory
from sqlalchemy import text
from sqlmodel import Session

from wms.audit.checks import CHECKS
from wms.brands.models import Brand
from wms.catalog.schemas import SkuIn
from wms.catalog.service import upsert_skus
from wms.intake.schemas import LineIn, OrderIn, RecipientIn
from wms.intake.service import Answer, accept
from wms.orders.models import EventKind
from wms.orders.story import legal_triples
from wms.platform.db import WAREHOUSE, brand_scope, in_transaction, transaction
from wms.platform.ids import new_id
from wms.shipments.models import Package, PackageLine, PackageState, Shipment, ShipmentState
from wms.shipments.packages import hand_over, open_package
from wms.shipments.release import release_due
from wms.shipments.service import lines_of, lock_shipment, move_to, record_for, shipments_of_order
from wms.stock.allocations import open_allocations, pick
from wms.stock.ledger import Cause
from wms.stock.models import Location
from wms.stock.service import Goods, receive

T = TypeVar("T")


_LEEDS = {
    "name": "Asha Rao",
    "street": "12 Market Row\nFlat 3",
    "city": "Leeds",
    "postcode": "LS1 4AP",
    "country": "GB",
    "phone": "+44 113 496 0000",
}


class RecipientFactory(ModelFactory[RecipientIn]):
    """Somebody in Leeds, about whom nothing is doubtful."""

    __use_defaults__ = True

    @classmethod
    def build(cls, *args: Any, **members: Any) -> RecipientIn:
        return super().build(*args, **{**_LEEDS, **members})


class OrderFactory(ModelFactory[OrderIn]):
    """An order with a reference of its own; every optional member is left to its default."""

    __use_defaults__ = True

    @classmethod
    def ref(cls) -> str:
        return f"R-{new_id().hex[-12:]}"

    @classmethod
    def recipient(cls) -> RecipientIn:
        return RecipientFactory.build()


def order(*lines: tuple[str, int], **members: Any) -> OrderIn:
    """Returns an order of (SKU, quantity) lines."""
    return OrderFactory.build(lines=[LineIn(sku=sku, quantity=quantity) for sku, quantity in lines], **members)


def place(brand_id: UUID, *orders: OrderIn) -> list[Answer]:
    """Sends orders to intake in the brand's own scope, as its API does."""
    return in_transaction(
        brand_scope(brand_id), lambda session: accept(session, session.get_one(Brand, brand_id), orders, "brand:test")
    )


def placed(brand_id: UUID, *lines: tuple[str, int], **members: Any) -> UUID:
    """Sends one order that must be accepted, and returns its id."""
    (answer,) = place(brand_id, order(*lines, **members))
    assert answer.refusal is None, answer.refusal
    assert answer.order_id is not None
    return answer.order_id


def stocked(house: Any, brand_id: UUID, sku: str, *shelves: tuple[str, int] | tuple[str, int, str]) -> UUID:
    """Adds an article, with so many pieces (of a lot) at each location; returns its id."""
    with transaction(WAREHOUSE) as session:
        draft = SkuIn(code=sku, name=sku, lot_tracked=any(len(shelf) == 3 for shelf in shelves))
        (result,) = upsert_skus(session, brand_id, [draft])
        assert result.sku_id is not None
        for code, quantity, *lot in shelves:
            location = session.get_one(Location, house.locations[code])
            goods = Goods(result.sku_id, quantity, *lot)
            assert receive(session, brand_id, location, [goods], Cause(new_id(), "receipt", "system"))
        return result.sku_id


def set_policy(database: Any, brand_id: UUID, **changes: Any) -> None:
    """Changes members of a brand's policy."""
    database.rows(
        "UPDATE brand SET policy_data = policy_data || %s::jsonb WHERE id = %s", json.dumps(changes), brand_id
    )


def snapshot(database: Any) -> dict[str, tuple[int, str | None]]:
    """Returns the number of rows and a digest of every table: equal before and after a refusal."""
    parts = [
        f"SELECT '{table}', count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t"
        for table in database.tables
    ]
    return {name: (count, digest) for name, count, digest in database.rows(" UNION ALL ".join(parts))}


def offences(*codes: str) -> dict[str, list[str]]:
    """Runs these checks of the audit and returns what they find."""
    legal = [{"before": before, "kind": kind, "after": after} for before, kind, after in legal_triples()]
    found = {}
    with transaction(WAREHOUSE) as session:
        for check in CHECKS:
            if check.code in codes:
                values = {"legal": json.dumps(legal)} if ":legal" in check.sql else {}
                if rows := session.execute(text(check.sql), values).scalars().all():
                    found[check.code] = [str(row) for row in rows]
    return found


# The books: counters, bins, ledger and promises agree, every story is whole, everything left once.
BOOKS = ("S1", "S2", "S3", "S4", "O1", "L3")


def at_once(workers: int, work: Callable[[int], T]) -> list[T]:
    """Runs ``work(0) … work(n - 1)`` in threads that start together; raises what one of them raises."""
    barrier = Barrier(workers)

    def run(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(workers)))


def until_somebody_waits_for_a_lock(database: Any) -> None:
    """Returns once a transaction waits for another one's lock; fails after 10 seconds."""
    give_up_at = time.monotonic() + 10
    while database.rows("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
        assert time.monotonic() < give_up_at, "Nobody waits for a lock."
        time.sleep(0.01)


def as_role(database: Any, role: str, statement: str) -> None:
    """Runs a statement under another role, in the warehouse's scope."""
    with database.owner.transaction():
        database.owner.execute(f"SET LOCAL ROLE {role}")
        database.owner.execute("SELECT set_config('wms.scope', 'warehouse', true)")
        database.owner.execute(statement)


def counter(database: Any, sku_id: UUID) -> tuple[int, int]:
    """Returns what may be sold of a SKU, and what is promised."""
    ((sellable, promised),) = database.rows("SELECT sellable, promised FROM stock_counter WHERE sku_id = %s", sku_id)
    return sellable, promised


def bins(database: Any, sku_id: UUID) -> dict[str, tuple[int, int]]:
    """Returns (on hand, allocated) by location code; lots stand after a slash."""
    rows = database.rows(
        "SELECT l.code, b.lot, b.on_hand, b.allocated FROM bin_stock b JOIN location l ON l.id = b.location_id"
        " WHERE b.sku_id = %s",
        sku_id,
    )
    return {f"{code}/{lot}" if lot else code: (on_hand, allocated) for code, lot, on_hand, allocated in rows}


def story(database: Any, order_id: UUID) -> list[tuple[str, str]]:
    """Returns the order's events as (kind, state after)."""
    return database.rows("SELECT kind, state FROM order_event WHERE order_id = %s ORDER BY seq", order_id)


def release(frozen_clock: Any) -> int:
    """Lets every edit window run out and releases what is due."""
    frozen_clock.at += timedelta(days=1)
    return in_transaction(WAREHOUSE, release_due)


def shipments(order_id: UUID, brand_id: UUID) -> list[Shipment]:
    """Returns the order's shipments, the oldest first."""
    with transaction(WAREHOUSE) as session:
        return list(shipments_of_order(session, brand_id, order_id))


def start_picking(session: Session, shipment: Shipment) -> Shipment:
    """Takes a released shipment to a picker; returns it, locked."""
    shipment = lock_shipment(session, shipment.brand_id, shipment.id)
    move_to(session, shipment, ShipmentState.PICKING)
    record_for(session, shipment, EventKind.PICKING_STARTED, actor="staff:W-1001")
    return shipment


def pick_all(session: Session, shipment: Shipment) -> None:
    """Picks whatever is allocated and still in the bins."""
    lines = {line.id: line for line in lines_of(session, shipment)}
    for allocation in open_allocations(session, shipment.brand_id, lines):
        left = allocation.quantity - allocation.picked
        lines[allocation.shipment_line_id].picked += left
        assert pick(session, allocation, shipment.warehouse_id, left, Cause(new_id(), "pick", "staff:W-1001"))
    move_to(session, shipment, ShipmentState.PICKED)
    record_for(session, shipment, EventKind.PICKED, actor="staff:W-1001")


def pack(session: Session, shipment: Shipment, boxes: Iterable[dict[UUID, int]]) -> list[Package]:
    """Packs so many pieces of each shipment line into each box, and takes the shipment to the dock's door."""
    packages = []
    for content in boxes:
        package = open_package(session, shipment)
        package.state, package.weight_g = PackageState.PACKED, 500
        for line_id, quantity in content.items():
            session.add(
                PackageLine(
                    brand_id=shipment.brand_id, package_id=package.id, shipment_line_id=line_id, quantity=quantity
                )
            )
        packages.append(package)
    move_to(session, shipment, ShipmentState.PACKED)
    record_for(session, shipment, EventKind.PACKED, actor="staff:W-1002")
    move_to(session, shipment, ShipmentState.LABELLING)
    move_to(session, shipment, ShipmentState.LABELLED)
    record_for(session, shipment, EventKind.LABEL_BOUGHT)
    return packages


def packed(shipment: Shipment, boxes: Callable[[list[UUID]], list[dict[UUID, int]]] | None = None) -> list[Package]:
    """Picks and packs a released shipment; ``boxes`` divides its line ids, by default all goes into one."""
    with transaction(WAREHOUSE) as session:
        shipment = start_picking(session, shipment)
        pick_all(session, shipment)
        lines = [line for line in lines_of(session, shipment) if line.quantity]
        session.flush()
        content = boxes([line.id for line in lines]) if boxes else [{line.id: line.quantity for line in lines}]
        return pack(session, shipment, content)


def give_to_carrier(package: Package) -> None:
    """Scans one box at the dock."""
    with transaction(WAREHOUSE) as session:
        hand_over(session, session.get_one(Package, (package.brand_id, package.id)), "staff:W-1003")
