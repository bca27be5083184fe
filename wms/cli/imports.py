# SPDX-License-Identifier: Apache-2.0
"""Files into the warehouse: articles, opening stock, orders. Lines that cannot be used go to an error file."""

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wms.cli.context import connected

if TYPE_CHECKING:
    from wms.brands.models import Brand
    from wms.platform.tabular import BadLine, GoodLine

# Line, field and what is wrong.
Complaint = tuple[int, str, str]
_BATCH = 500
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class ErrorFile:
    """``<file>.errors.csv``: line number, field and what is wrong. It exists only when something is."""

    def __init__(self, source: Path) -> None:
        self.path = source.with_name(source.name + ".errors.csv")
        self.count = 0
        self.path.unlink(missing_ok=True)

    def add(self, line: int, field: str, message: str) -> None:
        """Appends one complaint."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if not self.count:
                writer.writerow(["line", "field", "message"])
            writer.writerow([line, field, message])
        self.count += 1

    def good(self, rows: "Iterable[GoodLine[Any] | BadLine]") -> "Iterator[GoodLine[Any]]":
        """Passes the good lines on and keeps what is wrong with the others."""
        from wms.platform.tabular import BadLine

        for row in rows:
            if isinstance(row, BadLine):
                for error in row.errors:
                    self.add(row.line, error.field, error.message)
            else:
                yield row


@contextmanager
def _lines_of(path: Path) -> Iterator[Iterator[str]]:
    """The file's lines under a progress bar that counts bytes."""
    from rich.console import Console
    from rich.progress import Progress

    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        path.open(encoding="utf-8-sig", newline="") as file,
    ):
        task = progress.add_task(path.name, total=max(path.stat().st_size, 1))

        def lines() -> Iterator[str]:
            for line in file:
                progress.advance(task, len(line.encode()))
                yield line

        yield lines()


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _import(
    path: Path,
    brand_code: str,
    read: "Callable[[Iterable[str]], Iterable[GoodLine[Any] | BadLine]]",
    book: "Callable[[Any, Brand, list[GoodLine[Any]], list[Complaint]], int]",
    what: str,
) -> None:
    """Books a file batch by batch, a transaction each. Importing the same file again books nothing twice."""
    from wms.brands.service import brand_by_code
    from wms.platform.db import WAREHOUSE, brand_scope, in_transaction, transaction

    errors = ErrorFile(path)
    done = 0
    with connected():
        with transaction(WAREHOUSE) as session:
            brand = brand_by_code(session, brand_code)
        with _lines_of(path) as lines:
            for batch in _batches(errors.good(read(lines))):
                # Complaints are kept only once the batch is booked, because a batch may be run again.
                found, count = in_transaction(brand_scope(brand.id), partial(_booked, brand, batch, book))
                done += count
                for complaint in found:
                    errors.add(*complaint)
    click.echo(f"{done} {what} of {brand.name} imported.")
    if errors.count:
        raise click.ClickException(f"{errors.count} complaints are in {errors.path}; the other lines are imported.")


def _booked(brand: "Brand", batch: list[Any], book: Any, session: Any) -> tuple[list[Complaint], int]:
    complaints: list[Complaint] = []
    return complaints, book(session, brand, batch, complaints)


@click.group("import")
def import_() -> None:
    """Read a CSV file: articles, opening stock or orders.

    The first line names the columns. Lines that cannot be used are written to FILE.errors.csv with their line
    numbers, and the others are imported. The same file can be imported again without harm.
    """


@import_.command()
@click.argument("file", type=_FILE)
@click.option("--brand", required=True, help="Whose articles these are.")
def skus(file: Path, brand: str) -> None:
    """Create or replace articles. Columns: code, name, barcodes (| between several), weight_g, length_mm, ...

    \b
    Example:
      wms import skus articles.csv --brand fennel
    """
    from wms.catalog.imports import read_sku_csv
    from wms.catalog.service import upsert_skus

    def book(session: Any, brand: "Brand", batch: list[Any], complaints: list[Complaint]) -> int:
        results = upsert_skus(session, brand.id, [row.value for row in batch])
        refused = [(row.line, result.reason) for row, result in zip(batch, results, strict=True) if result.reason]
        complaints.extend((line, "", reason) for line, reason in refused)
        return len(results) - len(refused)

    _import(file, brand, read_sku_csv, book, "articles")


@import_.command()
@click.argument("file", type=_FILE)
@click.option("--brand", required=True, help="Whose goods these are.")
@click.option("--reference", default=None, help="Books the goods once under this name; the file's name by default.")
def stock(file: Path, brand: str, reference: str | None) -> None:
    """Book opening stock. Columns: location, sku, quantity, lot.

    A file is booked whole or, when a line is wrong, not at all, because half an opening stock is hard to tell apart
    from a wrong one.

    \b
    Example:
      wms import stock counted.csv --brand fennel --reference COUNT-2026-01
    """
    from wms.brands.service import brand_by_code
    from wms.platform.db import WAREHOUSE, brand_scope, in_transaction, transaction
    from wms.stock.bookings import book_receipt
    from wms.stock.imports import read_stock_csv, receipts_of

    errors = ErrorFile(file)
    with _lines_of(file) as lines:
        good = [row.value for row in errors.good(read_stock_csv(lines))]
    if errors.count:
        raise click.ClickException(f"{errors.count} complaints are in {errors.path}; nothing was booked.")
    with connected():
        with transaction(WAREHOUSE) as session:
            found = brand_by_code(session, brand)
        receipts = receipts_of(good, (reference or file.stem)[:40])

        def book(session: Any) -> int:
            return sum(not book_receipt(session, found, receipt, "system").repeated for receipt in receipts)

        booked = in_transaction(brand_scope(found.id), book)
    click.echo(f"{len(good)} lines of {found.name}: {booked} receipts booked, {len(receipts) - booked} were before.")


@import_.command()
@click.argument("file", type=_FILE)
@click.option("--brand", required=True, help="Whose orders these are.")
def orders(file: Path, brand: str) -> None:
    """Accept orders. Columns: ref, name, street, city, postcode, country, sku, quantity, ...

    One line per order line; the lines of an order follow each other and repeat its ref.

    \b
    Example:
      wms import orders monday.csv --brand fennel
    """
    from wms.intake.imports import read_order_csv
    from wms.intake.service import accept

    def book(session: Any, brand: "Brand", batch: list[Any], complaints: list[Complaint]) -> int:
        answers = accept(session, brand, [row.value for row in batch], "system")
        refused = [
            (row.line, row.value.ref, answer.refusal.detail)
            for row, answer in zip(batch, answers, strict=True)
            if answer.refusal is not None
        ]
        complaints.extend(refused)
        return len(answers) - len(refused)

    _import(file, brand, read_order_csv, book, "orders")


COMMANDS = (import_,)
