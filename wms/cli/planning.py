# SPDX-License-Identifier: Apache-2.0
"""How long to hold orders: a brand's own past, tried with every window."""

import csv
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from wms.cli.context import fail

if TYPE_CHECKING:
    from wms.planning.past import PastOrder
    from wms.planning.windows import Outcome

_MINUTES_MAX = 7 * 24 * 60


def _windows(_context: click.Context, _parameter: click.Parameter, value: str) -> list[timedelta]:
    try:
        minutes = sorted({float(part) for part in value.split(",")})
    except ValueError as error:
        raise click.BadParameter("give minutes, separated by commas, such as 0,5,30") from error
    if not all(0 <= one <= _MINUTES_MAX for one in minutes):
        raise click.BadParameter("a window has 0 to 10080 minutes (a week)")
    return [timedelta(minutes=one) for one in minutes]


@click.command("plan-holds")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--windows", default="0,1,2,5,10,15,30,60,120", show_default=True, callback=_windows, help="In minutes.")
@click.option("--preset", type=click.Choice(["uci"]), help="The columns and rules of a well-known file.")
@click.option("--order", "order_column", default="order", show_default=True, help="Column of the order's number.")
@click.option("--at", "at_column", default="at", show_default=True, help="Column of the time it came (ISO 8601).")
@click.option("--door", default="door", show_default=True, help="Columns that name person and address: NAME,STREET,…")
@click.option("--changed-at", help="Column of the time at which the shopper changed or cancelled it.")
@click.option("--time-zone", default="UTC", show_default=True, help="Of times without an offset.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the table there.")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Write a picture there: .svg or .pdf.")
def plan_holds(
    file: Path,
    windows: list[timedelta],
    preset: str | None,
    order_column: str,
    at_column: str,
    door: str,
    changed_at: str | None,
    time_zone: str,
    csv_file: Path | None,
    chart: Path | None,
) -> None:
    """Show what each edit window would have done to a brand's past orders.

    Every order is decided anew by the rules that decide in production: who joins whom, and when it is released. For
    each window: parcels, parcels saved, changes that would have come in time (where the file tells of changes), and
    how long orders wait. Reads a CSV file; needs no database.

    \b
    Example:
      wms plan-holds online-retail.csv --preset uci --chart windows.svg
      wms plan-holds sales.csv --order number --at created --door name,street,zip
    """
    from wms.planning.windows import try_windows
    from wms.replay.sales import ReplayError

    if chart is not None and chart.suffix.lower() not in (".svg", ".pdf"):
        raise fail("A chart is written as .svg or .pdf.")
    try:
        orders = _read(file, preset, order_column, at_column, door, changed_at, time_zone)
    except ReplayError as error:
        raise fail(str(error)) from error
    if not orders:
        raise fail(f"There is no order in {file.name}.")
    outcomes = try_windows(orders, windows)
    _print(file, outcomes)
    if csv_file is not None:
        _write_csv(csv_file, outcomes)
    if chart is not None:
        from wms.planning.chart import draw, write

        write(draw(outcomes, f"{file.name}: {len(orders):,} orders"), chart)


def _read(
    file: Path, preset: str | None, order: str, at: str, door: str, changed_at: str | None, time_zone: str
) -> "list[PastOrder]":
    from wms.planning.past import Columns, read_orders, read_uci

    if preset == "uci":
        return read_uci(file)
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError) as error:
        raise fail(f"There is no time zone {time_zone}.") from error
    return read_orders(file, Columns(order, at, tuple(door.split(",")), changed_at), zone)


def _print(file: Path, outcomes: "Sequence[Outcome]") -> None:
    from rich.console import Console
    from rich.table import Table

    has_changes = any(outcome.changed for outcome in outcomes)
    table = Table(title=f"Edit windows for {file.name}", box=None, title_justify="left", title_style="bold")
    headings = ["Minutes", "Orders", "Parcels", "Saved", "Saved %", "Delay median", "Delay p95"]
    for heading in [*headings, *(["Changes in time"] if has_changes else [])]:
        table.add_column(heading, justify="right")
    for outcome in outcomes:
        row = outcome.figures()
        cells = [f"{row['window']:g}", f"{row['orders']:,}", f"{row['parcels']:,}", f"{row['saved']:,}"]
        cells += [f"{row['saved_percent']:.1f}", f"{row['delay_median']:g} min", f"{row['delay_p95']:g} min"]
        table.add_row(*cells, *([f"{outcome.changed_in_time} of {outcome.changed}"] if has_changes else []))
    Console().print(table)


def _write_csv(path: Path, outcomes: "Sequence[Outcome]") -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, fieldnames=list(outcomes[0].figures()))
        writer.writeheader()
        writer.writerows(outcome.figures() for outcome in outcomes)


COMMANDS = (plan_holds,)
