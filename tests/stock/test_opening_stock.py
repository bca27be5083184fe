# SPDX-License-Identifier: Apache-2.0
from typing import Any

from wms.brands.models import Brand
from wms.platform.db import brand_scope, transaction
from wms.platform.tabular import BadLine, GoodLine
from wms.stock.bookings import book_receipt
from wms.stock.imports import OpeningLine, read_stock_csv, receipts_of
from wms.stock.levels import stock_levels

FILE = """\
location,sku,quantity,lot
A-01-1,FF-MUG-SAND,12,
A-01-1,FF-MUG-SAND,3,
A-01-2,FF-TEA-ASSAM,7,L1
A-01-2,FF-TEA-ASSAM,none,L1
"""


def _lines() -> list[GoodLine[OpeningLine] | BadLine]:
    return list(read_stock_csv(FILE.splitlines(keepends=True)))


def test_a_file_of_opening_stock_becomes_one_receipt_per_location() -> None:
    lines = _lines()
    assert [line.line for line in lines if isinstance(line, BadLine)] == [5]
    receipts = receipts_of([line.value for line in lines if isinstance(line, GoodLine)], "opening")
    told = [(r.reference, r.location, [(one.sku, one.lot, one.quantity) for one in r.lines]) for r in receipts]
    assert told == [
        ("opening/A-01-1/1", "A-01-1", [("FF-MUG-SAND", "", 12), ("FF-MUG-SAND", "", 3)]),
        ("opening/A-01-2/1", "A-01-2", [("FF-TEA-ASSAM", "L1", 7)]),
    ]


def test_a_location_with_more_than_a_thousand_lines_gets_several_receipts() -> None:
    lines = [OpeningLine(location="A", sku=f"S{n}", quantity=1) for n in range(1_001)]
    receipts = receipts_of(lines, "opening")
    assert [(receipt.reference, len(receipt.lines)) for receipt in receipts] == [
        ("opening/A/1", 1_000),
        ("opening/A/2", 1),
    ]


def test_the_same_file_imported_twice_is_booked_once(house: Any) -> None:
    brand_id = house.brands["fennel"].id
    receipts = receipts_of([line.value for line in _lines() if isinstance(line, GoodLine)], "opening")
    for repeated in (False, True):
        with transaction(brand_scope(brand_id)) as session:
            brand = session.get_one(Brand, brand_id)
            booked = [book_receipt(session, brand, receipt, "system") for receipt in receipts]
            assert [receipt.repeated for receipt in booked] == [repeated, repeated]
    with transaction(brand_scope(brand_id)) as session:
        levels = {level.sku: level.sellable for level in stock_levels(session, brand_id, "", 200)}
    assert (levels["FF-MUG-SAND"], levels["FF-TEA-ASSAM"]) == (120 + 15, 75 + 7)
