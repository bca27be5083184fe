# SPDX-License-Identifier: Apache-2.0
"""Articles and their barcodes, written set-wise and looked up by what people type and scanners read."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from wms.brands.models import Warehouse
from wms.catalog.models import Barcode, Carton, Sku
from wms.catalog.schemas import SkuIn, SkuOut, SkuOutcome, SkuResult
from wms.platform.db import insert_rows, json_text
from wms.platform.errors import NotFound
from wms.platform.ids import new_id

_COLUMNS = (
    "name",
    "weight_g",
    "length_mm",
    "width_mm",
    "height_mm",
    "hs_code",
    "origin_country",
    "declared_value_minor",
    "currency",
    "lot_tracked",
    "serial_tracked",
    "active",
)


def upsert_skus(session: Session, brand_id: UUID, drafts: Sequence[SkuIn]) -> list[SkuResult]:
    """Creates or replaces articles; returns one result per draft, in their order.

    A draft is refused, and its neighbours are not, when its code came earlier in the list or when one of its
    barcodes belongs to another article of the brand. Barcodes that a draft leaves out are forgotten.
    """
    # Catalogue writes of one brand wait for each other: they are rare, and this way no two of them can claim
    # the same barcode or lock the same articles in different orders.
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"catalog:{brand_id}"})
    refusals = _refusals(session, brand_id, drafts)
    accepted = [draft for place, draft in enumerate(drafts) if place not in refusals]
    ids, created, changed = _write_skus(session, brand_id, accepted)
    changed |= _write_barcodes(session, brand_id, accepted, ids)
    results = []
    for place, draft in enumerate(drafts):
        if reason := refusals.get(place):
            results.append(SkuResult(code=draft.code, outcome=SkuOutcome.REFUSED, reason=reason))
            continue
        sku_id = ids[draft.code]
        if sku_id in created:
            outcome = SkuOutcome.CREATED
        else:
            outcome = SkuOutcome.UPDATED if sku_id in changed else SkuOutcome.UNCHANGED
        results.append(SkuResult(code=draft.code, outcome=outcome, sku_id=sku_id))
    return results


def find_sku(session: Session, brand_id: UUID, code: str) -> Sku:
    """Returns the brand's article; raises :class:`NotFound`."""
    sku = session.exec(select(Sku).where(Sku.brand_id == brand_id, Sku.code == code)).first()
    if sku is None:
        raise NotFound(f"There is no SKU {code}.")
    return sku


def skus_by_code(session: Session, brand_id: UUID, codes: Iterable[str]) -> dict[str, Sku]:
    """Returns the articles that exist among ``codes``."""
    # One array parameter keeps the statement the same for any number of codes.
    wanted = col(Sku.code) == text("ANY(:codes)")
    rows = session.exec(select(Sku).where(Sku.brand_id == brand_id, wanted).params(codes=sorted(set(codes))))
    return {sku.code: sku for sku in rows}


def barcodes_of(session: Session, brand_id: UUID, sku_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Returns the barcodes of each article, sorted; an article without any has an empty list."""
    wanted = select(Barcode).where(Barcode.brand_id == brand_id, col(Barcode.sku_id).in_(sku_ids))
    codes: dict[UUID, list[str]] = {sku_id: [] for sku_id in sku_ids}
    for barcode in session.exec(wanted.order_by(col(Barcode.code))):
        codes[barcode.sku_id].append(barcode.code)
    return codes


def list_skus(session: Session, brand_id: UUID, after: str, limit: int) -> list[Sku]:
    """Returns up to ``limit`` articles whose code follows ``after``, by code."""
    wanted = select(Sku).where(Sku.brand_id == brand_id, col(Sku.code) > after)
    return list(session.exec(wanted.order_by(col(Sku.code)).limit(limit)))


def describe(session: Session, brand_id: UUID, skus: Sequence[Sku]) -> list[SkuOut]:
    """Returns the articles as a brand sees them, with their barcodes."""
    codes = barcodes_of(session, brand_id, [sku.id for sku in skus])
    return [SkuOut.model_construct(barcodes=codes[sku.id], code=sku.code, **_fields(sku)) for sku in skus]


def add_carton(
    session: Session,
    warehouse: Warehouse,
    code: str,
    name: str,
    inner_mm: tuple[int, int, int],
    weight_g: int,
    max_weight_g: int,
) -> Carton:
    """Adds a box to the packing benches: inner length, width and height in millimetres, weights in grams."""
    length, width, height = inner_mm
    carton = Carton(
        warehouse_id=warehouse.id,
        code=code,
        name=name,
        length_mm=length,
        width_mm=width,
        height_mm=height,
        weight_g=weight_g,
        max_weight_g=max_weight_g,
    )
    session.add(carton)
    return carton


def _fields(sku: Sku | SkuIn) -> dict[str, Any]:
    return {column: getattr(sku, column) for column in _COLUMNS}


def _refusals(session: Session, brand_id: UUID, drafts: Sequence[SkuIn]) -> dict[int, str]:
    wanted = [barcode for draft in drafts for barcode in draft.barcodes]
    owners: dict[str, str] = {
        row.barcode: row.code
        for row in session.execute(
            text(
                "SELECT barcode.code AS barcode, sku.code FROM barcode"
                " JOIN sku ON sku.brand_id = barcode.brand_id AND sku.id = barcode.sku_id"
                " WHERE barcode.brand_id = :brand_id AND barcode.code = ANY(:codes)"
            ),
            {"brand_id": brand_id, "codes": wanted},
        )
    }
    refusals: dict[int, str] = {}
    seen: set[str] = set()
    for place, draft in enumerate(drafts):
        if draft.code in seen:
            refusals[place] = f"The code {draft.code} came earlier in this list."
            continue
        seen.add(draft.code)
        taken = [code for code in draft.barcodes if owners.get(code, draft.code) != draft.code]
        if taken:
            refusals[place] = f"The barcode {taken[0]} belongs to SKU {owners[taken[0]]}."
            continue
        owners.update(dict.fromkeys(draft.barcodes, draft.code))
    return refusals


def _write_skus(
    session: Session, brand_id: UUID, drafts: Sequence[SkuIn]
) -> tuple[dict[str, UUID], set[UUID], set[UUID]]:
    """Returns the ids by code, and which of them are new and which were changed."""
    rows = [{"brand_id": brand_id, "id": new_id(), "code": draft.code, **_fields(draft)} for draft in drafts]
    columns = ", ".join(_COLUMNS)
    old = ", ".join(f"sku.{column}" for column in _COLUMNS)
    new = ", ".join(f"excluded.{column}" for column in _COLUMNS)
    # A row that PostgreSQL has just inserted carries no transaction that replaced it: its xmax is 0.
    written = session.execute(
        text(
            f"INSERT INTO sku (brand_id, id, code, {columns}) SELECT brand_id, id, code, {columns}"
            " FROM json_populate_recordset(NULL::sku, :rows)"
            f" ON CONFLICT (brand_id, code) DO UPDATE SET ({columns}) = ROW({new})"
            f" WHERE ({old}) IS DISTINCT FROM ({new}) RETURNING id, xmax = 0 AS created"
        ),
        {"rows": json_text(rows)},
    ).all()
    ids = {
        row.code: row.id
        for row in session.execute(
            text("SELECT code, id FROM sku WHERE brand_id = :brand_id AND code = ANY(:codes)"),
            {"brand_id": brand_id, "codes": [draft.code for draft in drafts]},
        )
    }
    created = {row.id for row in written if row.created}
    return ids, created, {row.id for row in written} - created


def _write_barcodes(session: Session, brand_id: UUID, drafts: Sequence[SkuIn], ids: dict[str, UUID]) -> set[UUID]:
    """Makes the articles' barcodes those of the drafts; returns the articles whose barcodes changed."""
    kept = {barcode: ids[draft.code] for draft in drafts for barcode in draft.barcodes}
    known = session.execute(
        text("SELECT code, sku_id FROM barcode WHERE brand_id = :brand_id AND sku_id = ANY(:sku_ids)"),
        {"brand_id": brand_id, "sku_ids": list(ids.values())},
    ).all()
    gone = [row for row in known if row.code not in kept]
    session.execute(
        text("DELETE FROM barcode WHERE brand_id = :brand_id AND code = ANY(:codes)"),
        {"brand_id": brand_id, "codes": [row.code for row in gone]},
    )
    fresh = kept.keys() - {row.code for row in known}
    rows = [{"brand_id": brand_id, "code": code, "sku_id": kept[code]} for code in sorted(fresh)]
    insert_rows(session, Barcode, rows)
    return {row.sku_id for row in gone} | {kept[code] for code in fresh}
