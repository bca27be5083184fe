# SPDX-License-Identifier: Apache-2.0
"""A building is furnished from a terminal, without the demonstration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from click.testing import CliRunner, Result

from wms.cli import cli

Run = Callable[..., Result]
ADDRESS = ("company=Canal Yard", "street=3 Canal Yard", "city=Leeds", "postcode=LS1 4AP", "country=GB")


@pytest.fixture
def wms(database: Any) -> Run:
    return lambda *arguments: CliRunner().invoke(cli, arguments, catch_exceptions=False)


@pytest.fixture
def leeds(wms: Run) -> Run:
    address = [word for part in ADDRESS for word in ("--address", part)]
    made = wms("warehouse", "add", "LDS2", "Leeds", "--time-zone", "Europe/London", "--gs1-prefix", "5012345", *address)
    assert made.exit_code == 0, made.output
    return wms


def test_a_building_gets_places_totes_cartons_and_a_carrier(leeds: Run, database: Any, tmp_path: Path) -> None:
    file = tmp_path / "bins.csv"
    file.write_text("code,kind,route_order\nB-01-1,pick,1\nB-01-2,reserve,2\nIN-1,receiving,0\n")
    assert leeds("warehouse", "places", str(file), "--warehouse", "LDS2").output == "3 places stand in LDS2.\n"
    assert leeds("warehouse", "totes", "L-098", "3", "--warehouse", "LDS2").output == (
        "3 totes were added, 0 were there before.\n"
    )
    size = ("--inner-mm", "250", "180", "100", "--weight-g", "120", "--max-weight-g", "5000")
    assert leeds("warehouse", "carton", "S", "Small box", *size, "--warehouse", "LDS2").exit_code == 0
    carrier = ("--carrier", "sandbox", "--base-url", "http://127.0.0.1:1", "--credential", "api_key=k")
    added = leeds("warehouse", "carrier", "SB", *carrier, "--service", "standard=SANDBOX-STD", "--warehouse", "LDS2")
    assert added.exit_code == 0, added.output

    assert database.rows("SELECT code, kind, route_order FROM location ORDER BY code") == [
        ("B-01-1", "pick", 1),
        ("B-01-2", "reserve", 2),
        ("IN-1", "receiving", 0),
    ]
    assert database.rows("SELECT code FROM tote ORDER BY code") == [("L-098",), ("L-099",), ("L-100",)]
    assert database.rows("SELECT code, services FROM carrier_account") == [("SB", {"standard": "SANDBOX-STD"})]
    assert b"api_key" not in bytes(database.rows("SELECT credentials FROM carrier_account")[0][0])


def test_totes_and_places_that_are_there_stay_what_they_are(leeds: Run, database: Any, tmp_path: Path) -> None:
    file = tmp_path / "bins.csv"
    file.write_text("code,kind,route_order\nB-01-1,pick,1\n")
    leeds("warehouse", "places", str(file), "--warehouse", "LDS2")
    file.write_text("code,kind,route_order\nB-01-1,quarantine,7\n")
    leeds("warehouse", "places", str(file), "--warehouse", "LDS2")
    assert database.rows("SELECT code, kind, route_order FROM location") == [("B-01-1", "pick", 7)]
    leeds("warehouse", "totes", "T-1", "2", "--warehouse", "LDS2")
    assert leeds("warehouse", "totes", "T-2", "2", "--warehouse", "LDS2").output == (
        "1 totes were added, 1 were there before.\n"
    )


def test_a_file_with_a_bad_line_adds_nothing(leeds: Run, database: Any, tmp_path: Path) -> None:
    file = tmp_path / "bins.csv"
    file.write_text("code,kind,route_order\nB-01-1,pick,1\nb 2,attic,2\n")
    refused = leeds("warehouse", "places", str(file), "--warehouse", "LDS2")
    assert refused.exit_code == 1
    assert "line 3: code" in refused.output
    assert "line 3: kind" in refused.output
    assert database.rows("SELECT count(*) FROM location") == [(0,)]


def test_an_adapter_that_does_not_exist_makes_no_account(leeds: Run, database: Any) -> None:
    refused = leeds(
        "warehouse", "carrier", "X", "--carrier", "pigeon", "--base-url", "http://x", "--service", "standard=S",
        "--warehouse", "LDS2",
    )  # fmt: skip
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: That is no account the adapter can use: ")
    assert database.rows("SELECT count(*) FROM carrier_account") == [(0,)]


@pytest.mark.parametrize("what", ["places", "totes", "badges", "articles"])
def test_labels_for_what_stands_there_come_as_one_pdf(what: str, wms: Run, house: Any, tmp_path: Path) -> None:
    file = tmp_path / "labels.pdf"
    printed = wms("warehouse", "labels", what, str(file))
    count = int(printed.output.split()[0])
    assert count > 0
    with pypdfium2.PdfDocument(file.read_bytes()) as pdf:
        assert len(pdf) == count
