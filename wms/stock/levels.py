# SPDX-License-Identifier: Apache-2.0
"""How much there is, as a brand asks."""

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from wms.stock.schemas import StockLevel


def stock_levels(session: Session, brand_id: UUID, after: str, limit: int, sku: str | None = None) -> list[StockLevel]:
    """Returns up to ``limit`` articles whose code follows ``after``, by code; one that never had stock has zeros.

    ``sku`` asks for one article only.
    """
    rows = session.execute(
        text(
            "SELECT s.code AS sku, w.code AS warehouse, coalesce(c.sellable, 0) AS sellable,"
            " coalesce(c.promised, 0) AS promised, coalesce(c.sellable - c.promised, 0) AS available"
            " FROM sku s JOIN brand b ON b.id = s.brand_id JOIN warehouse w ON w.id = b.warehouse_id"
            " LEFT JOIN stock_counter c"
            "  ON c.brand_id = s.brand_id AND c.warehouse_id = b.warehouse_id AND c.sku_id = s.id"
            " WHERE s.brand_id = :brand_id AND s.code > :after AND (CAST(:sku AS text) IS NULL OR s.code = :sku)"
            " ORDER BY s.code LIMIT :limit"
        ),
        {"brand_id": brand_id, "after": after, "limit": limit, "sku": sku},
    )
    return [StockLevel(**row._mapping) for row in rows]
