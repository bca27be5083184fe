# SPDX-License-Identifier: Apache-2.0
"""The table is whole, speaks in words that are explained, and the page about it is the table itself."""

from pathlib import Path

from click.testing import CliRunner

from wms.changes.matrix import MATRIX, REASONS, Rule, page
from wms.changes.models import ChangeKind
from wms.changes.stages import Stage
from wms.cli import cli


def test_every_change_has_a_cell_for_every_stage() -> None:
    assert set(MATRIX) == {(kind, stage) for kind in ChangeKind for stage in Stage}


def test_whatever_is_not_done_at_once_says_why_in_a_sentence() -> None:
    for found in MATRIX.values():
        assert bool(found.reason_code) == (found.rule in (Rule.REFUSE, Rule.WAIT, Rule.ASK))
        assert not found.reason_code or REASONS[found.reason_code].endswith(".")


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    assert (Path(__file__).parents[2] / "docs" / "change-matrix.md").read_text() == page()


def test_the_terminal_prints_the_table_and_the_page() -> None:
    table = CliRunner().invoke(cli, ["changes"])
    assert (table.exit_code, table.output.count("\n")) == (0, len(ChangeKind) * (1 + len(Stage)))
    assert CliRunner().invoke(cli, ["changes", "--markdown"]).output == page()
