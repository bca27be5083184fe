# SPDX-License-Identifier: Apache-2.0
"""The demonstration warehouse."""

from typing import Any

import pytest

from wms.platform.db import WAREHOUSE, transaction
from wms.seed import DemoWorld, seed_demo


def test_seeding_again_changes_nothing_and_shows_no_key(database: Any, house: DemoWorld) -> None:
    before = {table: database.rows(f'SELECT t::text FROM "{table}" t ORDER BY 1') for table in database.tables}
    with transaction(WAREHOUSE) as session:
        again = seed_demo(session)
    after = {table: database.rows(f'SELECT t::text FROM "{table}" t ORDER BY 1') for table in database.tables}
    assert after == before
    assert not again.is_new
    assert {code: brand.api_key for code, brand in again.brands.items()} == {"fennel": "", "juniper": ""}
    assert again.brands["fennel"].skus == house.brands["fennel"].skus


def test_the_house_has_two_brands_with_stock_and_people(database: Any, house: DemoWorld) -> None:
    assert sorted(house.brands) == ["fennel", "juniper"]
    assert [len(brand.skus) for brand in house.brands.values()] == [10, 10]
    assert sorted(house.staff) == ["W-1001", "W-1002", "W-1003", "W-1004"]
    assert len([code for code in house.locations if code[0] in "AB"]) == 24
    assert len(house.totes) == 24
    assert database.rows("SELECT sum(sellable), sum(promised) FROM stock_counter") == [(1400, 0)]
    assert database.rows("SELECT sum(on_hand) FROM bin_stock") == [(1400,)]


@pytest.mark.parametrize("code", ["fennel", "juniper"])
def test_every_article_has_a_valid_ean_13(house: DemoWorld, code: str) -> None:
    barcodes = house.brands[code].barcodes
    assert barcodes.keys() == house.brands[code].skus.keys()
    for barcode in barcodes.values():
        weighted = sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(barcode))
        assert len(barcode) == 13
        assert weighted % 10 == 0
