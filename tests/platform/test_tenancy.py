# SPDX-License-Identifier: Apache-2.0
"""Row-level security, the floor under every WHERE: what a forgotten one would show."""

from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from wms.platform.db import WAREHOUSE, brand_scope, engine, transaction
from wms.platform.tables import is_brand_owned
from wms.seed import DemoWorld
from wms.tables import metadata

BRAND_OWNED = sorted(table.name for table in metadata().sorted_tables if is_brand_owned(table))


def test_without_a_scope_nobody_sees_a_row(house: DemoWorld) -> None:
    with engine().connect() as connection:
        for table in BRAND_OWNED:
            count = connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one()
            assert count == 0, table


def test_a_scope_ends_with_its_transaction(house: DemoWorld) -> None:
    with transaction(WAREHOUSE) as session:
        assert session.execute(text("SELECT count(*) FROM sku")).scalar_one() == 20
    with engine().connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM sku")).scalar_one() == 0


def test_a_brand_sees_its_own_rows_only(house: DemoWorld) -> None:
    fennel = house.brands["fennel"]
    with transaction(brand_scope(fennel.id)) as session:
        assert session.execute(text("SELECT DISTINCT brand_id FROM sku")).scalars().all() == [fennel.id]
        assert session.execute(text("SELECT code FROM brand")).scalars().all() == ["fennel"]


def test_a_brand_cannot_write_a_row_of_another(database: Any, house: DemoWorld) -> None:
    fennel, juniper = house.brands["fennel"], house.brands["juniper"]
    with pytest.raises(ProgrammingError) as refused, transaction(brand_scope(fennel.id)) as session:
        session.execute(
            text("INSERT INTO barcode (brand_id, code, sku_id) VALUES (:brand, 'X-1', :sku)"),
            {"brand": juniper.id, "sku": juniper.skus["JT-SOCK-M"]},
        )
    assert isinstance(refused.value.orig, InsufficientPrivilege)
    with transaction(brand_scope(fennel.id)) as session:
        changed = session.execute(text("UPDATE sku SET name = 'mine' WHERE code = 'JT-SOCK-M' RETURNING 1")).all()
        gone = session.execute(text("DELETE FROM barcode WHERE brand_id = :brand RETURNING 1"), {"brand": juniper.id})
        assert (changed, gone.all()) == ([], [])
    assert database.rows("SELECT count(*) FROM barcode WHERE code = 'X-1'") == [(0,)]


def test_a_row_cannot_point_at_another_brands_row(database: Any, house: DemoWorld) -> None:
    from sqlalchemy.exc import IntegrityError

    fennel, juniper = house.brands["fennel"], house.brands["juniper"]
    with pytest.raises(IntegrityError, match="foreign key"), transaction(WAREHOUSE) as session:
        session.execute(
            text("INSERT INTO barcode (brand_id, code, sku_id) VALUES (:brand, 'X-1', :sku)"),
            {"brand": fennel.id, "sku": juniper.skus["JT-SOCK-M"]},
        )


def test_every_brand_owned_table_is_guarded_and_forced(database: Any) -> None:
    guarded = database.rows(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        " AND relnamespace = 'public'::regnamespace ORDER BY relname"
    )
    assert [row[0] for row in guarded] == BRAND_OWNED


def test_the_application_cannot_get_around_it(database: Any) -> None:
    with engine().connect() as connection:
        role = connection.execute(text("SELECT current_user")).scalar_one()
    assert role == "wms_app"
    assert database.rows(
        "SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole FROM pg_roles WHERE rolname = 'wms_app'"
    ) == [(False, False, False, False)]
    assert database.rows("SELECT count(*) FROM pg_class WHERE relowner = 'wms_app'::regrole") == [(0,)]


def test_the_ledger_and_the_story_are_append_only(database: Any, house: DemoWorld) -> None:
    from sqlalchemy.exc import IntegrityError

    for statement in ("UPDATE stock_move SET quantity = 0", "DELETE FROM stock_move"):
        with pytest.raises(IntegrityError, match="stock_move is append-only"), transaction(WAREHOUSE) as session:
            session.execute(text(statement))
