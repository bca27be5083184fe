# SPDX-License-Identifier: Apache-2.0
"""What a scanner read, and whether it is what the work asked for."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text, tuple_
from sqlmodel import Session, col, select

from wms.catalog.models import Barcode, Sku
from wms.floor.models import Tote
from wms.platform.db import json_text
from wms.platform.errors import Conflict
from wms.shipments.models import Shipment
from wms.stock.models import Location

# An active hold on the order of any line of shipment `s`, or on this very shipment of it.
HELD = (
    "EXISTS (SELECT 1 FROM shipment_line hl JOIN hold h ON h.brand_id = hl.brand_id AND h.order_id = hl.order_id"
    " AND h.lifted_at IS NULL AND (h.shipment_id IS NULL OR h.shipment_id = hl.shipment_id)"
    " WHERE hl.brand_id = s.brand_id AND hl.shipment_id = s.id)"
)


def lock_against_holds(session: Session, shipments: Sequence[Shipment]) -> None:
    """Locks the member orders, so that a hold comes before this work, and stops it, or after it, and waits for it.

    The shipments are locked already; orders come after shipments, in key order, as everywhere.
    """
    session.execute(
        text(
            "SELECT 1 FROM orders o WHERE (o.brand_id, o.id) IN (SELECT n.brand_id, n.order_id FROM shipment_line n"
            " JOIN json_to_recordset(:keys) AS k(brand_id uuid, id uuid)"
            "  ON n.brand_id = k.brand_id AND n.shipment_id = k.id)"
            " ORDER BY o.brand_id, o.id FOR NO KEY UPDATE"
        ),
        {"keys": json_text([{"brand_id": one.brand_id, "id": one.id} for one in shipments])},
    )


class WrongScan(Conflict):
    """What was scanned is not what the work asked for; nothing was recorded."""

    code = "wrong_scan"


def clean(code: str) -> str:
    """Returns the code without the blanks and line ends that scanners add."""
    return code.strip()


def find_location(session: Session, warehouse_id: UUID, code: str) -> Location:
    """Returns the location of this building; raises :class:`WrongScan`."""
    location = session.exec(
        select(Location).where(Location.warehouse_id == warehouse_id, Location.code == clean(code).upper())
    ).one_or_none()
    if location is None:
        raise WrongScan(f"“{clean(code)}” is not a location of this building. Scan the label on the shelf.")
    return location


def find_tote(session: Session, warehouse_id: UUID, code: str) -> Tote:
    """Returns the tote and locks it, so that it cannot be given two shipments at once; raises :class:`WrongScan`."""
    tote = session.exec(
        select(Tote)
        .where(Tote.warehouse_id == warehouse_id, Tote.code == clean(code).upper())
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if tote is None:
        raise WrongScan(f"“{clean(code)}” is not a tote. Scan the label on the tote.")
    return tote


def spellings(code: str) -> list[str]:
    """Returns the ways in which scanners write one GTIN: with or without the zeros that fill it up to 13 or 14."""
    code = clean(code)
    if not code.isdigit() or len(code) not in (12, 13, 14):
        return [code]
    core = code.lstrip("0")
    return sorted({code, *(core.zfill(length) for length in (12, 13, 14) if len(core) <= length)})


def skus_scanned(session: Session, code: str, brand_id: UUID | None = None) -> list[Sku]:
    """Returns the articles that carry the code, of one brand or of all; an article's own code is read as well."""
    carried = select(Barcode.brand_id, Barcode.sku_id).where(col(Barcode.code).in_(spellings(code)))
    named = select(Sku.brand_id, Sku.id).where(Sku.code == clean(code))
    if brand_id is not None:
        carried, named = carried.where(Barcode.brand_id == brand_id), named.where(Sku.brand_id == brand_id)
    # Both halves find their few rows in an index; a join with an OR over both tables would read the whole catalogue.
    found = (
        select(Sku)
        .where(tuple_(col(Sku.brand_id), col(Sku.id)).in_(carried.union(named)))
        .order_by(col(Sku.brand_id), col(Sku.code))
        .limit(20)
    )
    return list(session.exec(found).all())


def check_location(asked: str, scanned: str) -> None:
    """Raises :class:`WrongScan` unless the scanned location is the one asked for."""
    if clean(scanned).upper() != asked:
        raise WrongScan(f"Wrong place: this is {clean(scanned) or 'nothing'}. Go to {asked}.")


def check_item(session: Session, brand_id: UUID, asked: Sku, scanned: str) -> None:
    """Raises :class:`WrongScan` unless the code belongs to the article asked for."""
    found = skus_scanned(session, scanned, brand_id)
    if any(sku.id == asked.id for sku in found):
        return
    if found:
        raise WrongScan(f"Wrong item: that is {found[0].name}. Take {asked.name}.")
    raise WrongScan(f"Unknown code “{clean(scanned)}”. Take {asked.name} ({asked.code}).")
