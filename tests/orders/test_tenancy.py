# SPDX-License-Identifier: Apache-2.0
"""In one brand's scope nothing of another brand exists: not to read, not to change, not to point at."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.factories import give_to_carrier, packed, placed, release, shipments, snapshot, stocked
from wms.orders.models import Recipient
from wms.platform.db import WAREHOUSE, brand_scope, transaction
from wms.platform.ids import new_id

TABLES = [
    "sku",
    "recipient",
    "orders",
    "order_line",
    "hold",
    "order_event",
    "promise",
    "stock_counter",
    "bin_stock",
    "stock_move",
    "shipment",
    "shipment_line",
    "allocation",
    "package",
    "package_line",
    "job",
]


@pytest.fixture
def both(database: Any, house: Any, frozen_clock: Any) -> Any:
    """Each brand has an order that has left and one that waits for stock."""
    for brand in house.brands.values():
        database.rows('UPDATE brand SET policy_data = policy_data || \'{"on_shortage": "backorder"}\'')
        stocked(house, brand.id, "CUP", ("A-01-1", 5))
        left = placed(brand.id, ("CUP", 5), ref="A-1")
        release(frozen_clock)
        give_to_carrier(packed(shipments(left, brand.id)[0])[0])
        placed(brand.id, ("CUP", 1), ref="A-2")
    return house


@pytest.mark.parametrize("table", TABLES)
def test_a_brand_sees_its_own_rows_and_no_others(database: Any, both: Any, table: str) -> None:
    fennel, juniper = both.brands["fennel"].id, both.brands["juniper"].id
    expected = dict(database.rows(f"SELECT brand_id, count(*) FROM {table} GROUP BY 1"))
    assert expected.keys() >= {fennel, juniper}
    for brand in (fennel, juniper):
        with transaction(brand_scope(brand)) as session:
            seen = session.execute(text(f"SELECT brand_id, count(*) FROM {table} GROUP BY 1")).all()
        assert [tuple(row) for row in seen if row[0] is not None] == [(brand, expected[brand])]
    with transaction(WAREHOUSE) as session:
        everything = session.execute(text(f"SELECT brand_id, count(*) AS n FROM {table} GROUP BY 1")).all()
    assert {row.brand_id: row.n for row in everything} == expected


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"stock_move", "order_event", "job"}))
def test_a_brand_can_neither_change_nor_delete_anothers_rows(database: Any, both: Any, table: str) -> None:
    before = snapshot(database)
    with transaction(brand_scope(both.brands["fennel"].id)) as session:
        other = {"other": both.brands["juniper"].id}
        changed = session.execute(
            text(f"UPDATE {table} SET brand_id = brand_id WHERE brand_id = :other RETURNING 1"), other
        )
        assert changed.all() == []
        assert session.execute(text(f"DELETE FROM {table} WHERE brand_id = :other RETURNING 1"), other).all() == []
    assert snapshot(database) == before


def test_a_brand_cannot_write_a_row_for_another(database: Any, both: Any) -> None:
    before = snapshot(database)
    with (
        pytest.raises(DBAPIError, match="row-level security"),
        transaction(brand_scope(both.brands["fennel"].id)) as session,
    ):
        session.add(Recipient(brand_id=both.brands["juniper"].id, name="x", street="y", country="GB"))
    assert snapshot(database) == before


def test_no_row_can_point_at_another_brands_row_even_in_the_warehouses_scope(database: Any, both: Any) -> None:
    ((recipient,),) = database.rows(
        "SELECT recipient_id FROM orders WHERE brand_id = %s AND ref = 'A-1'", both.brands["juniper"].id
    )
    before = snapshot(database)
    with pytest.raises(DBAPIError, match="foreign key"), transaction(WAREHOUSE) as session:
        session.execute(
            text("UPDATE orders SET recipient_id = :recipient WHERE brand_id = :brand"),
            {"recipient": recipient, "brand": both.brands["fennel"].id},
        )
    assert snapshot(database) == before


def test_without_a_scope_nothing_is_seen(database: Any, both: Any) -> None:
    with database.owner.transaction():
        database.owner.execute("SET LOCAL ROLE wms_app")
        for table in TABLES[:-1]:
            assert database.owner.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)], table


def test_a_brand_that_does_not_exist_sees_nothing(both: Any) -> None:
    with transaction(brand_scope(new_id())) as session:
        for table in TABLES[:-1]:
            assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0, table
