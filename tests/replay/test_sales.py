# SPDX-License-Identifier: Apache-2.0
"""A file of sales becomes orders, and what is none says why."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from wms.replay.sales import CANCELLATION, NO_GOODS, ReplayError, Sale, SaleLine, needed, read_sales

REAL_FILE = Path(__file__).parents[3] / "shared" / "data" / "online-retail-2010-12-01_02.csv"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def _file(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text(HEADER + "".join(row + "\n" for row in rows))
    return path


def test_an_invoice_becomes_an_order_of_its_goods_at_its_local_time(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "536365,85123A,WHITE  HEART,6,2011-07-01 08:26,2.55,17850,United Kingdom",
        "536365,POST,POSTAGE,1,2011-07-01 08:26,18.00,17850,United Kingdom",
        "536365,71053,LANTERN,-1,2011-07-01 08:26,3.39,17850,United Kingdom",
        "536365,85123A,WHITE HEART,2,2011-07-01 08:26,2.50,17850,United Kingdom",
    )
    sale = Sale(
        ref="536365",
        at=datetime(2011, 7, 1, 7, 26, tzinfo=UTC),
        customer="17850",
        country="United Kingdom",
        lines=(SaleLine("85123A", "WHITE HEART", 6, 255), SaleLine("85123A", "WHITE HEART", 2, 250)),
    )
    file = read_sales(path)
    assert file.sales == (sale,)
    assert file.not_orders == {}
    assert needed(file.sales) == {"85123A": 8}


def test_cancellations_and_invoices_without_goods_are_no_orders(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "C536379,22423,STAND,-1,2010-12-01 09:41,27.50,14527,United Kingdom",
        "536779,BANK CHARGES,Bank Charges,1,2010-12-02 15:08,15.00,15823,United Kingdom",
        "536589,21777,,-10,2010-12-01 16:50,0.00,,United Kingdom",
    )
    file = read_sales(path)
    assert file.sales == ()
    assert file.not_orders == {"C536379": CANCELLATION, "536779": NO_GOODS, "536589": NO_GOODS}


def test_orders_stand_in_the_sequence_of_their_arrival(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "3,22423,STAND,1,2010-12-01 10:00,1.00,,France",
        "2,22423,STAND,1,2010-12-01 10:00,1.00,,France",
        "1,22423,STAND,1,2010-12-01 11:00,1.00,,France",
    )
    assert [sale.ref for sale in read_sales(path).sales] == ["2", "3", "1"]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("536365,85123A,HEART,six,2010-12-01 08:26,2.55,1,France", "line 2: invalid literal for int()"),
        ("536365,85123A,HEART,6,yesterday,2.55,1,France", "line 2: Invalid isoformat string: 'yesterday'."),
        (",85123A,HEART,6,2010-12-01 08:26,2.55,1,France", "line 2: an invoice number and a stock code are needed."),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: str, complaint: str) -> None:
    with pytest.raises(ReplayError) as refusal:
        read_sales(_file(tmp_path, row))
    assert complaint in str(refusal.value)


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID\n1,2,3,4,5,6\n")
    with pytest.raises(ReplayError) as refusal:
        read_sales(path)
    assert str(refusal.value) == "other.csv has no column InvoiceDate, Country."


@pytest.mark.skipif(not REAL_FILE.exists(), reason="the file of real orders is not on this machine")
def test_the_real_file_holds_278_orders_of_goods() -> None:
    file = read_sales(REAL_FILE)
    assert len(file.sales) == 278
    assert sum(not sale.customer for sale in file.sales) == 21
    assert sum(len(sale.lines) for sale in file.sales) == 5135
    assert len(needed(file.sales)) == 1595
    assert sorted(file.not_orders.values()) == [CANCELLATION] * 29 + [NO_GOODS] * 3
