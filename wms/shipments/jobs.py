# SPDX-License-Identifier: Apache-2.0
"""What shipments do when other rooms, below them, have something to tell."""

from uuid import UUID

from sqlmodel import Session

from wms.platform.jobs import job
from wms.shipments.waiting import serve_waiting


@job("stock.arrived")
def stock_arrived(session: Session, brand_id: str, warehouse_id: str, sku_id: str) -> None:
    """Goods of one SKU came in, or came within reach of a picker."""
    serve_waiting(session, UUID(brand_id), UUID(warehouse_id), UUID(sku_id))
