# SPDX-License-Identifier: Apache-2.0
"""The rows that the application itself writes for some orders, so that a floor writes exactly those.

The orders are accepted in a transaction, every row of that transaction is read back, and it is rolled back. Whatever
the application comes to write one day, its floors write too.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from bench.world import World


@dataclass(frozen=True)
class TableRows:
    """New rows of one table in the order in which they were made, every value in PostgreSQL's own spelling."""

    table: str
    columns: list[str]
    rows: list[tuple[str | None, ...]]


@dataclass(frozen=True)
class Written:
    """New rows, parents before children, and how much is promised of each SKU (the key of its counter)."""

    brand_id: str
    warehouse_id: str
    tables: list[TableRows]
    promised: dict[str, int]


class _Undo(Exception):
    """Rolls the transaction back once its rows have been read."""


def bulk_rows(made: World, drafts: Sequence[dict[str, Any]]) -> Written:
    """Returns what one bulk call writes."""
    from wms.brands.models import Brand
    from wms.intake.schemas import OrderIn
    from wms.intake.service import accept

    orders = [OrderIn.model_validate(draft) for draft in drafts]

    def work(session: Session) -> None:
        answers = accept(session, session.get_one(Brand, made.brand_id), orders, "brand:bench")
        assert all(answer.refusal is None for answer in answers)

    return _written(made, work)


def single_rows(made: World, drafts: Sequence[dict[str, Any]]) -> list[Written]:
    """Returns what each of many single calls writes, its idempotency key and the stored answer included."""
    from api.brand.desk import Served, Submission, take
    from api.brand.orders import accepted_json
    from wms.intake.schemas import OrderIn
    from wms.platform.idempotency import Question

    def work(session: Session) -> None:
        submissions = [
            Submission(
                made.brand_id,
                OrderIn.model_validate(draft),
                accepted_json,
                Question(f"floor-{draft['ref']}", b"\x00" * 32),
            )
            for draft in drafts
        ]
        assert all(isinstance(one, Served) for one in take(session, made.brand_id, submissions))

    return _split(_written(made, work), len(drafts))


def _split(all_rows: Written, orders: int) -> list[Written]:
    """Deals the rows out to their orders: all orders are alike, and ids sort as they were made."""
    return [
        Written(all_rows.brand_id, all_rows.warehouse_id, tables, _promised(tables))
        for tables in (
            [TableRows(one.table, one.columns, _share(one.rows, number, orders)) for one in all_rows.tables]
            for number in range(orders)
        )
    ]


def _share(rows: list[tuple[str | None, ...]], number: int, orders: int) -> list[tuple[str | None, ...]]:
    each, rest = divmod(len(rows), orders)
    assert rest == 0, "Every order of a bench makes equally many rows."
    return rows[number * each : (number + 1) * each]


def _written(made: World, work: Any) -> Written:
    from wms.platform.db import brand_scope, transaction
    from wms.tables import metadata

    tables: list[TableRows] = []
    try:
        with transaction(brand_scope(made.brand_id)) as session:
            work(session)
            for table in metadata().sorted_tables:
                # Counters are changed and not added; the floor changes them as well.
                if "brand_id" not in table.columns or table.name == "stock_counter":
                    continue
                columns = [column.name for column in table.columns]
                by = "id" if "id" in columns else "key" if "key" in columns else columns[0]
                listed = ", ".join(f"{column}::text" for column in columns)
                query = f"SELECT {listed} FROM {table.name} t WHERE xmin = pg_current_xact_id()::xid ORDER BY t.{by}"
                rows = [tuple(row) for row in session.execute(text(query))]
                if rows:
                    tables.append(TableRows(table.name, columns, rows))
            raise _Undo
    except _Undo:
        pass
    return Written(str(made.brand_id), str(made.warehouse_id), tables, _promised(tables))


def _promised(tables: Sequence[TableRows]) -> dict[str, int]:
    total: defaultdict[str, int] = defaultdict(int)
    for one in tables:
        if one.table == "promise":
            sku, quantity = one.columns.index("sku_id"), one.columns.index("quantity")
            for row in one.rows:
                total[str(row[sku])] += int(str(row[quantity]))
    return dict(sorted(total.items()))
