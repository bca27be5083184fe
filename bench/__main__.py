# SPDX-License-Identifier: Apache-2.0
"""``python -m bench intake|release|labels|scan|audit [--json]``"""

import click

from bench.figures import machine, report


@click.group(help="How fast the house is, each figure beside a floor measured in the same run on the same server.")
def main() -> None:
    pass


_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_rounds = click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Medians of so many.")


@main.command()
@_json
@_rounds
@click.option("--singles", type=click.IntRange(1), default=4_000, show_default=True, help="Single orders a round.")
@click.option("--clients", type=click.IntRange(1), default=32, show_default=True, help="Keep-alive clients.")
@click.option("--bulk", type=click.IntRange(1, 5_000), default=5_000, show_default=True, help="Orders in a bulk call.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Server processes.")
def intake(as_json: bool, rounds: int, singles: int, clients: int, bulk: int, workers: int) -> None:
    """Orders of three lines that reserve stock, over HTTP, against the same rows written by bare psycopg."""
    from bench.intake import Size, measure
    from bench.world import world

    with world() as made:
        figures = measure(made, Size(singles, clients, bulk, rounds), workers)
        click.echo(report(figures, machine(made.database_url), as_json=as_json))


@main.command()
@_json
@_rounds
@click.option("--shipments", type=click.IntRange(1), default=10_000, show_default=True, help="Due shipments a round.")
def release(as_json: bool, rounds: int, shipments: int) -> None:
    """Due shipments released to the floor, against one bare UPDATE of the same rows."""
    from bench.release import measure
    from bench.world import world

    with world() as made:
        click.echo(report(measure(made, shipments, rounds), machine(made.database_url), as_json=as_json))


@main.command()
@_json
@_rounds
@click.option("--count", type=click.IntRange(1), default=500, show_default=True, help="Labels a round.")
def labels(as_json: bool, rounds: int, count: int) -> None:
    """Shipping labels as PDF, against bare reportlab drawing one string a page."""
    from bench.labels import measure

    click.echo(report(measure(count, rounds), machine(), as_json=as_json))


@main.command()
@_json
@_rounds
@click.option("--scans", type=click.IntRange(3), default=60, show_default=True, help="Scans of each picker a round.")
@click.option("--pause", type=click.FloatRange(0), default=1.0, show_default=True, help="Seconds between two scans.")
def scan(as_json: bool, rounds: int, scans: int, pause: float) -> None:
    """What twenty pickers wait for after a scan, through the floor's own forms."""
    from bench.scan import measure
    from bench.world import world

    with world() as made:
        click.echo(report(measure(made, scans, pause, rounds), machine(made.database_url), as_json=as_json))


@main.command()
@_json
@_rounds
@click.option("--orders", type=click.IntRange(2), default=20_000, show_default=True, help="Orders to audit.")
def audit(as_json: bool, rounds: int, orders: int) -> None:
    """The proof of the invariants, against reading every row once."""
    from bench.audit import measure
    from bench.world import world

    with world() as made:
        click.echo(report(measure(made, orders, rounds), machine(made.database_url), as_json=as_json))


if __name__ == "__main__":
    main()
