# SPDX-License-Identifier: Apache-2.0
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from wms.catalog.schemas import SkuIn, SkuOutcome
from wms.catalog.service import barcodes_of, find_sku, skus_by_code, upsert_skus
from wms.platform.db import brand_scope, transaction
from wms.platform.errors import NotFound


def _upsert(house: Any, *drafts: dict[str, Any], brand: str = "fennel") -> list[tuple[str, str | None]]:
    brand_id = house.brands[brand].id
    with transaction(brand_scope(brand_id)) as session:
        results = upsert_skus(session, brand_id, [SkuIn.model_validate(draft) for draft in drafts])
    return [(result.outcome.value, result.reason) for result in results]


A = {"code": "A", "name": "A", "barcodes": ["A1", "A2"]}


def test_a_changed_barcode_changes_the_article(house: Any) -> None:
    assert _upsert(house, A) == [("created", None)]
    assert _upsert(house, {**A, "barcodes": ["A2", "A1"]}) == [("unchanged", None)]
    assert _upsert(house, {**A, "barcodes": ["A2"]}) == [("updated", None)]
    assert _upsert(house, {**A, "barcodes": ["A2", "A3"]}) == [("updated", None)]
    assert _upsert(house, {"code": "B", "name": "B", "barcodes": ["A1"]}) == [("created", None)]


def test_an_article_is_found_by_its_code_within_its_brand(house: Any) -> None:
    fennel = house.brands["fennel"].id
    with transaction(brand_scope(fennel)) as session:
        assert find_sku(session, fennel, "FF-MUG-SAND").weight_g == 340
        assert set(skus_by_code(session, fennel, ["FF-MUG-SAND", "JT-SOCK-M", "NOPE"])) == {"FF-MUG-SAND"}
        assert skus_by_code(session, fennel, []) == {}
        with pytest.raises(NotFound, match="There is no SKU JT-SOCK-M"):
            find_sku(session, fennel, "JT-SOCK-M")


def test_eight_writers_who_claim_one_barcode_leave_it_with_one_of_them(house: Any) -> None:
    brand_id = house.brands["fennel"].id
    drafts = [{"code": f"C-{n}", "name": "x", "barcodes": ["SHARED", f"OWN-{n}"]} for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = [outcome for ((outcome, _),) in pool.map(lambda draft: _upsert(house, draft), drafts)]
    assert sorted(outcomes) == [SkuOutcome.CREATED] + [SkuOutcome.REFUSED] * 7
    with transaction(brand_scope(brand_id)) as session:
        (winner,) = skus_by_code(session, brand_id, [f"C-{n}" for n in range(8)]).values()
        assert "SHARED" in barcodes_of(session, brand_id, [winner.id])[winner.id]


def test_no_articles_are_no_work(house: Any) -> None:
    assert _upsert(house) == []
