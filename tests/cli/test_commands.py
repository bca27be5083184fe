# SPDX-License-Identifier: Apache-2.0
"""The commands that look after tenants, people, jobs and files."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from wms.brands.service import authenticate
from wms.cli import cli
from wms.platform.db import WAREHOUSE, transaction
from wms.platform.errors import Unauthenticated
from wms.seed import DemoWorld

Run = Callable[..., Result]


@pytest.fixture
def wms(database: Any) -> Run:
    return lambda *arguments: CliRunner().invoke(cli, arguments, catch_exceptions=False)


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += _commands(command, (*path, name))
        else:
            found.append((*path, name))
    return found


@pytest.mark.parametrize("path", _commands(cli), ids=" ".join)
def test_every_command_explains_itself_with_an_example(path: tuple[str, ...]) -> None:
    helped = CliRunner().invoke(cli, [*path, "--help"])
    assert helped.exit_code == 0
    assert f"wms {' '.join(path)}" in helped.output.split("Example", 1)[1]


def test_a_key_is_shown_once_works_and_ends_when_it_is_revoked(wms: Run, house: DemoWorld) -> None:
    made = wms("key", "issue", "fennel", "web shop", "--scope", "orders:read")
    key = made.output.strip()
    with transaction(WAREHOUSE) as session:
        assert authenticate(session, key).scopes == {"orders:read"}
    public_id = key.split("_")[1]
    assert public_id in wms("key", "list", "fennel").output
    assert wms("key", "revoke", "fennel", public_id).output == f"The key {public_id} is revoked.\n"
    with transaction(WAREHOUSE) as session, pytest.raises(Unauthenticated):
        authenticate(session, key)


def test_a_scope_that_does_not_exist_makes_no_key(wms: Run, database: Any, house: DemoWorld) -> None:
    refused = wms("key", "issue", "fennel", "web shop", "--scope", "orders:eat")
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: There is no scope orders:eat.")
    assert database.rows("SELECT count(*) FROM api_key") == [(2,)]


def test_an_unknown_brand_is_one_sentence(wms: Run, house: DemoWorld) -> None:
    refused = wms("key", "list", "nobody")
    assert (refused.exit_code, refused.output) == (1, "Error: There is no brand nobody.\n")


def test_a_brand_is_added_and_its_policy_changed(wms: Run, database: Any, house: DemoWorld) -> None:
    assert wms("brand", "add", "larch", "Larch & Co").exit_code == 0
    changed = wms("brand", "policy", "larch", "--set", "edit_window_seconds=60", "--set", "on_shortage=partial")
    assert json.loads(changed.output)["edit_window_seconds"] == 60
    assert database.rows(
        "SELECT policy_data ->> 'edit_window_seconds', policy_data ->> 'on_shortage' FROM brand WHERE code = 'larch'"
    ) == [("60", "partial")]


def test_a_policy_that_cannot_be_changes_nothing(wms: Run, database: Any, house: DemoWorld) -> None:
    before = database.rows("SELECT policy_data FROM brand ORDER BY code")
    refused = wms("brand", "policy", "fennel", "--set", "edit_window_seconds=-1")
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: edit_window_seconds:")
    assert database.rows("SELECT policy_data FROM brand ORDER BY code") == before


def test_a_person_is_added_and_the_pin_is_not_on_the_command_line(wms: Run, database: Any, house: DemoWorld) -> None:
    added = CliRunner().invoke(
        cli, ["staff", "add", "W-2001", "Ana Souza", "--role", "picker"], input="4711\n4711\n", catch_exceptions=False
    )
    assert added.exit_code == 0
    assert "4711" not in added.output
    assert database.rows("SELECT name, roles FROM staff WHERE badge = 'W-2001'") == [("Ana Souza", ["picker"])]


def test_dead_jobs_are_listed_and_revived(wms: Run, database: Any) -> None:
    assert wms("jobs", "dead").output == "There are no dead jobs.\n"
    ((job_id,),) = database.rows(
        "INSERT INTO job (id, kind, args, state, run_at, retry_at, attempts, last_error, created_at)"
        " VALUES (gen_random_uuid(), 'test.dead', '{}', 'dead', now(), now(), 12, 'ValueError: no', now())"
        " RETURNING id"
    )
    listed = wms("jobs", "dead")
    assert (listed.exit_code, listed.output) == (1, f"{job_id}  test.dead  tried 12 times  ValueError: no\n")
    assert wms("jobs", "revive", str(job_id)).output == "1 jobs are due again.\n"
    assert database.rows("SELECT state, attempts FROM job") == [("ready", 0)]
    assert wms("jobs", "revive", str(job_id)).exit_code == 1
    assert wms("jobs", "revive").exit_code == 2


def test_articles_are_imported_and_bad_lines_named(wms: Run, database: Any, house: DemoWorld, tmp_path: Path) -> None:
    file = tmp_path / "articles.csv"
    file.write_text(
        "code,name,barcodes,weight_g\n"
        "N-1,New one,5012345678900,100\n"
        "N-2,Bad code,5012345678901,100\n"
        "N-3,Bad weight,,heavy\n"
        "N-4,Two codes,N4A|N4B,5\n"
    )
    imported = wms("import", "skus", str(file), "--brand", "fennel")
    assert imported.exit_code == 1
    assert "2 articles of Fennel & Finch imported." in imported.output
    errors = (tmp_path / "articles.csv.errors.csv").read_text().splitlines()
    assert errors[0] == "line,field,message"
    assert [line.split(",")[0] for line in errors[1:]] == ["3", "4"]
    assert database.rows("SELECT code FROM sku WHERE code LIKE 'N-%%' ORDER BY code") == [("N-1",), ("N-4",)]
    again = wms("import", "skus", str(file), "--brand", "fennel")
    assert "2 articles of Fennel & Finch imported." in again.output
    assert database.rows("SELECT count(*) FROM barcode WHERE code LIKE 'N4%%'") == [(2,)]


def test_opening_stock_is_booked_once_however_often_it_is_imported(
    wms: Run, database: Any, house: DemoWorld, tmp_path: Path
) -> None:
    file = tmp_path / "counted.csv"
    file.write_text("location,sku,quantity\nA-04-2,FF-BOOK-SOUP,7\nA-04-1,FF-BOOK-SOUP,5\n")
    first = wms("import", "stock", str(file), "--brand", "fennel")
    assert first.output.endswith("2 lines of Fennel & Finch: 2 receipts booked, 0 were before.\n")
    again = wms("import", "stock", str(file), "--brand", "fennel")
    assert again.output.endswith("2 lines of Fennel & Finch: 0 receipts booked, 2 were before.\n")
    assert database.rows(
        "SELECT sellable FROM stock_counter c JOIN sku s ON s.id = c.sku_id WHERE s.code = 'FF-BOOK-SOUP'"
    ) == [(15,)]


def test_a_wrong_line_of_opening_stock_books_nothing(wms: Run, database: Any, house: DemoWorld, tmp_path: Path) -> None:
    file = tmp_path / "counted.csv"
    file.write_text("location,sku,quantity\nA-04-2,FF-BOOK-SOUP,7\nA-04-1,FF-BOOK-SOUP,-5\n")
    before = database.rows("SELECT count(*) FROM stock_move")
    refused = wms("import", "stock", str(file), "--brand", "fennel")
    assert refused.exit_code == 1
    assert "1 complaints are in" in refused.output
    assert database.rows("SELECT count(*) FROM stock_move") == before


_ORDERS = (
    "ref,name,street,city,postcode,country,sku,quantity\n"
    "O-1,Ada Byron,1 Old Road|Flat 2,Leeds,LS1 1AA,GB,FF-MUG-SAND,2\n"
    "O-1,Ada Byron,1 Old Road|Flat 2,Leeds,LS1 1AA,GB,FF-BOWL-SML,1\n"
    "O-2,Joan Clarke,2 New Road,Leeds,LS1 1AB,GB,NO-SUCH,1\n"
    "O-3,Max Newman,3 New Road,Leeds,LS1 1AC,GB,FF-MUG-SAND,0\n"
    "O-4,Dilly Knox,4 New Road,Leeds,LS1 1AD,GB,FF-MUG-SAND,1\n"
)


def test_orders_are_imported_and_bad_ones_named_by_line(
    wms: Run, database: Any, house: DemoWorld, tmp_path: Path
) -> None:
    file = tmp_path / "monday.csv"
    file.write_text(_ORDERS)
    imported = wms("import", "orders", str(file), "--brand", "fennel")
    assert imported.exit_code == 1
    assert "2 orders of Fennel & Finch imported." in imported.output
    errors = (tmp_path / "monday.csv.errors.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in errors[1:]] == ["5", "4"]
    assert re.search("NO-SUCH", errors[2])
    assert database.rows(
        "SELECT o.ref, count(*), sum(l.quantity) FROM orders o JOIN order_line l ON l.order_id = o.id"
        " GROUP BY o.ref ORDER BY o.ref"
    ) == [("O-1", 2, 3), ("O-4", 1, 1)]
    assert database.rows("SELECT street FROM recipient WHERE name = 'Ada Byron'") == [("1 Old Road\nFlat 2",)]
    wms("import", "orders", str(file), "--brand", "fennel")
    assert database.rows("SELECT count(*) FROM orders") == [(2,)]


def test_lines_of_one_order_that_contradict_each_other_are_refused(
    wms: Run, database: Any, house: DemoWorld, tmp_path: Path
) -> None:
    file = tmp_path / "monday.csv"
    file.write_text(
        "ref,name,street,city,postcode,country,sku,quantity\n"
        "O-1,Ada Byron,1 Old Road,Leeds,LS1 1AA,GB,FF-MUG-SAND,2\n"
        "O-1,Ada Byron,9 Old Road,Leeds,LS1 1AA,GB,FF-BOWL-SML,1\n"
    )
    assert wms("import", "orders", str(file), "--brand", "fennel").exit_code == 1
    errors = (tmp_path / "monday.csv.errors.csv").read_text().splitlines()
    assert errors[1:] == ["3,street,Line 2 of this order says otherwise."]
    assert database.rows("SELECT count(*) FROM orders") == [(0,)]


def test_a_header_that_is_wrong_is_one_sentence(wms: Run, house: DemoWorld, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("ref,colour\n1,red\n")
    refused = wms("import", "orders", str(file), "--brand", "fennel")
    assert refused.exit_code == 1
    assert "Error: The header names 'colour'; known are ref, sku," in refused.output
