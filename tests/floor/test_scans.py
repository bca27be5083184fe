# SPDX-License-Identifier: Apache-2.0
"""What a scanner reads, and the article that it means."""

from typing import Any

from wms.catalog.schemas import SkuIn
from wms.catalog.service import upsert_skus
from wms.floor.scans import skus_scanned
from wms.platform.db import WAREHOUSE, brand_scope, transaction


def test_a_scan_finds_the_article_of_its_own_brand_by_barcode_or_by_code(house: Any) -> None:
    fennel, juniper = house.brands["fennel"].id, house.brands["juniper"].id
    with transaction(WAREHOUSE) as session:
        upsert_skus(session, fennel, [SkuIn(code="A", name="A", barcodes=["A1"])])
        upsert_skus(session, juniper, [SkuIn(code="J", name="J", barcodes=["A1"])])
    for brand_id, scanned, codes in [
        (fennel, "A1", ["A"]),
        (juniper, "A1", ["J"]),
        (fennel, "A", ["A"]),
        (juniper, "A", []),
        (fennel, "a1", []),
    ]:
        with transaction(brand_scope(brand_id)) as session:
            assert [sku.code for sku in skus_scanned(session, scanned, brand_id)] == codes
