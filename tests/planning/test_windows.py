# SPDX-License-Identifier: Apache-2.0
"""Windows tried on past orders, by the columns of any file and by the rules of the UCI one."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from wms.cli import cli
from wms.planning.past import Columns, PastOrder, read_orders, read_uci
from wms.planning.windows import try_window
from wms.replay.sales import ReplayError

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def came(ref: str, minutes: float, door: str = "a", changed: float | None = None) -> PastOrder:
    at = NINE + timedelta(minutes=minutes)
    return PastOrder(ref, at, door, None if changed is None else NINE + timedelta(minutes=changed))


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_each_joiner_extends_the_window_and_one_at_its_end_starts_a_new_parcel() -> None:
    orders = [came("A", 0), came("B", 4), came("X", 5, "b"), came("C", 8.9), came("D", 13.9)]
    outcome = try_window(orders, minutes(5))
    assert outcome.parcels == (("A", "B", "C"), ("X",), ("D",))
    assert (outcome.orders, outcome.saved) == (5, 2)
    assert outcome.delay_median == minutes(5)
    assert outcome.delay_p95 == minutes(13.9)


def test_no_window_saves_nothing_and_delays_nothing() -> None:
    outcome = try_window([came("A", 0), came("B", 0)], minutes(0))
    assert outcome.parcels == (("A",), ("B",))
    assert outcome.delay_p95 == minutes(0)


def test_a_change_comes_in_time_before_the_release_of_its_parcel() -> None:
    orders = [came("A", 0, changed=5), came("B", 1), came("X", 2, "b", changed=7), came("Y", 3, "c")]
    outcome = try_window(orders, minutes(5))
    assert (outcome.changed, outcome.changed_in_time) == (2, 1)


def test_nothing_comes_of_no_orders() -> None:
    outcome = try_window([], minutes(5))
    assert outcome.figures()["saved_percent"] == 0.0
    assert outcome.parcels == ()


def test_any_shops_file_is_read_by_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.write_text(
        "number,created,name,zip,edited\n"
        "2,2026-07-01 10:00,Asha  Rao,LS1,2026-07-01 10:05\n"
        "1,2026-07-01T08:00:00+00:00,ASHA RAO,ls1,\n"
        "2,2026-07-01 10:00,Somebody else,LS1,\n"
        "3,2026-07-01 11:00,,,\n"
    )
    columns = Columns("number", "created", ("name", "zip"), "edited")
    assert read_orders(file, columns, ZoneInfo("Europe/London")) == [
        PastOrder("1", datetime(2026, 7, 1, 8, 0, tzinfo=UTC), "asha rao\x1fls1"),
        PastOrder(
            "2",
            datetime(2026, 7, 1, 9, 0, tzinfo=UTC),
            "asha rao\x1fls1",
            datetime(2026, 7, 1, 9, 5, tzinfo=UTC),
        ),
        PastOrder("3", datetime(2026, 7, 1, 10, 0, tzinfo=UTC), "alone\x1f3"),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("order,at\n1,2026-07-01\n", "sales.csv has no column door."),
        ("order,at,door\n1,yesterday,x\n", "sales.csv, line 2: Invalid isoformat string: 'yesterday'."),
        ("order,at,door\n,2026-07-01,x\n", "sales.csv, line 2: an order has a reference."),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "sales.csv"
    file.write_text(content)
    with pytest.raises(ReplayError, match=r"sales\.csv") as refusal:
        read_orders(file, Columns("order", "at", ("door",)), ZoneInfo("UTC"))
    assert str(refusal.value) == sentence


UCI = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,22001,MUG,2,2010-12-01 09:00,2.55,17850,United Kingdom
2,22002,CUP,2,2010-12-01 09:03,2.55,17850,United Kingdom
3,POST,POSTAGE,1,2010-12-01 09:04,18.00,17850,France
4,22001,MUG,1,2010-12-01 09:04,2.55,,United Kingdom
C5,22001,MUG,-1,2010-12-01 09:06,2.55,17850,United Kingdom
C6,22009,JUG,-1,2010-12-01 09:06,2.55,17850,United Kingdom
7,22001,MUG,1,2010-12-01 09:08,2.55,17850,United Kingdom
"""


def test_the_uci_file_has_orders_of_known_customers_and_cancellations_of_the_newest_order(tmp_path: Path) -> None:
    file = tmp_path / "uci.csv"
    file.write_text(UCI)
    at = datetime(2010, 12, 1, 9, 0, tzinfo=UTC)
    assert read_uci(file) == [
        PastOrder("1", at, "17850", at + minutes(6)),
        PastOrder("2", at + minutes(3), "17850"),
        PastOrder("7", at + minutes(8), "17850"),
    ]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["plan-holds", *arguments])


def test_the_command_prints_the_table_and_writes_it_with_a_picture(tmp_path: Path) -> None:
    file, table, chart = tmp_path / "uci.csv", tmp_path / "table.csv", tmp_path / "chart.svg"
    file.write_text(UCI)
    answer = run(str(file), "--preset", "uci", "--windows", "30,0,5", "--csv", str(table), "--chart", str(chart))
    assert answer.exit_code == 0, answer.output
    assert "0 of 1" in answer.output
    with table.open() as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["window"], row["parcels"], row["saved"], row["changed_in_time"]) for row in rows] == [
        ("0.0", "3", "0", "0"),
        ("5.0", "2", "1", "1"),
        ("30.0", "1", "2", "1"),
    ]
    assert chart.read_text().startswith("<?xml")
    pdf = tmp_path / "chart.pdf"
    assert run(str(file), "--preset", "uci", "--chart", str(pdf)).exit_code == 0
    assert pdf.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--windows", "soon"], "give minutes, separated by commas"),
        (["--windows", "-1"], "a window has 0 to 10080 minutes"),
        (["--chart", "x.gif"], "A chart is written as .svg or .pdf."),
        (["--time-zone", "Mars/Olympus"], "There is no time zone Mars/Olympus."),
        ([], "uci.csv has no column order, at, door."),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    file = tmp_path / "uci.csv"
    file.write_text(UCI)
    answer = run(str(file), *arguments)
    assert answer.exit_code != 0
    assert sentence in " ".join(answer.output.split())
