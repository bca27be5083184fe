# SPDX-License-Identifier: Apache-2.0
"""A file of real orders, played through the real application."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wms.cli.audit import as_lines
from wms.cli.context import connected, fail, use

if TYPE_CHECKING:
    from wms.audit.service import Finding
    from wms.replay.result import Result
    from wms.replay.sales import SalesFile

_FAILURES_SHOWN = 10


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON only: no timings, the same from run to run.")
@click.option("--window", type=click.IntRange(0, 604_800), default=900, show_default=True, help="Edit window, seconds.")
@click.option("--consolidation", type=click.Choice(["off", "auto"]), default="off", show_default=True)
@click.option("--keep", is_flag=True, help="Leave the scratch database and the logs behind, and say where.")
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Where embedded engines live.")
def replay(file: Path, as_json: bool, window: int, consolidation: str, keep: bool, data_dir: Path | None) -> None:
    """Play a file of real orders through the whole warehouse, in its own time and without sleeping.

    Makes a scratch database on the configured server (or on embedded engines), starts every process of an
    installation on it, and lets simulated people do all the work over HTTP until every order is delivered. Then the
    books are audited. Exit status 1 when an order did not end delivered exactly once or the audit finds something.

    With --consolidation auto, orders of one customer that come while another is held travel in its parcel.

    The file is CSV in the form of the UCI data set "Online Retail".

    \b
    Example:
      wms replay online-retail.csv
      wms replay online-retail.csv --json > result.json
      wms replay online-retail.csv --window 300 --consolidation auto
    """
    from wms.replay.sales import ReplayError, read_sales

    # Told to end, it ends as on Ctrl-C: nothing of it stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if data_dir is not None:
        use({"WMS_DATA_DIR": str(data_dir)})
    try:
        sales = read_sales(file)
        if not sales.sales:
            raise ReplayError(f"There is no order in {file.name}.")
        with connected():
            result, findings, timings = _play(sales, keep, window, consolidation)
    except ReplayError as error:
        raise fail(str(error)) from error
    offences = [finding for finding in findings if finding.count]
    if as_json:
        audit = {finding.code: finding.count for finding in findings}
        click.echo(json.dumps({**result.document(), "audit": audit}, indent=2))
    else:
        _print_tables(file, result, timings)
        click.echo(as_lines(findings))
    if failures := result.failures:
        shown = ", ".join(failures[:_FAILURES_SHOWN])
        raise fail(f"{len(failures)} orders did not end delivered exactly once: {shown}.")
    if offences:
        raise fail(f"The audit finds {', '.join(finding.code for finding in offences)} broken.")


def _play(
    sales: "SalesFile", keep: bool, window: int, consolidation: str
) -> "tuple[Result, list[Finding], dict[str, Any]]":
    from wms.audit.service import compare_with_carriers, run_audit
    from wms.brands.models import Consolidation
    from wms.platform.db import WAREHOUSE, transaction
    from wms.replay.house import open_house
    from wms.replay.play import Play
    from wms.replay.result import result_of
    from wms.replay.world import POLICY

    with _progress(len(sales.sales)) as progress, open_house(_note, keep=keep) as house:
        policy = POLICY.model_copy(
            update={"edit_window_seconds": window, "consolidation": Consolidation(consolidation)}
        )
        play = Play(house, sales.sales, progress, policy)
        began = time.monotonic()
        play.run()
        seconds = time.monotonic() - began
        timings = {"requests": house.requests(), "seconds": seconds}
        result = result_of(sales, play.story, play.read_orders())
        with transaction(WAREHOUSE, is_snapshot=True) as session:
            findings = run_audit(session)
        findings.append(compare_with_carriers())
        if keep:
            _note(f"Kept: database {house.name}, logs in {house.supervisor.log_dir}.")
    return result, findings, timings


def _note(sentence: str) -> None:
    click.echo(f"  ! {sentence}", err=True)


@contextmanager
def _progress(orders: int) -> Iterator[Callable[[int, datetime], None]]:
    """A bar on the terminal; on anything else, silence."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("starting", total=orders)

        def show(delivered: int, at: datetime) -> None:
            bar.update(task, completed=delivered, description=f"delivered, {at:%a %d %b %Y %H:%M} UTC")

        yield show


def _print_tables(file: Path, result: "Result", timings: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    totals = result.totals()
    table = Table(title=f"Replay of {file.name}", box=None, show_header=False, title_justify="left", title_style="bold")
    table.add_column()
    table.add_column(justify="right")
    for name, count in totals.items():
        table.add_row(name.replace("_", " ").capitalize(), f"{count:,}")
        if name == "not_orders":
            for reason, invoices in result.not_orders.items():
                table.add_row(f"  {reason}", f"{invoices:,}", style="dim")
        if name == "refused":
            for ref, reason in result.refusals.items():
                table.add_row(f"  {ref}: {reason}", "", style="dim")
    table.add_row("Business time", f"{result.began_at:%Y-%m-%d %H:%M} to {result.ended_at:%Y-%m-%d %H:%M} UTC")
    table.add_row("Requests, counted by the API", f"{timings['requests']:,}")
    table.add_row("Wall time", f"{timings['seconds']:.1f} s")
    table.add_row("Orders per second", f"{totals['accepted'] / timings['seconds']:.2f}")
    Console().print(table)


COMMANDS = (replay,)
