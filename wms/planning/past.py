# SPDX-License-Identifier: Apache-2.0
"""Past orders out of a CSV file: of any shop by its columns, or of the UCI *Online Retail* data set (Chen, 2015)."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from wms.replay.sales import SHOP_TIME_ZONE, ReplayError, read_sales


@dataclass(frozen=True)
class PastOrder:
    """One order: ``at`` and ``changed_at`` are UTC; equal doors are the same person at the same address.

    ``changed_at``: when its shopper first changed or cancelled it, where the file says so.
    """

    ref: str
    at: datetime
    door: str
    changed_at: datetime | None = None


@dataclass(frozen=True)
class Columns:
    """Which columns of a file say what. Rows of one ``order`` may repeat; its first row counts."""

    order: str
    at: str
    door: tuple[str, ...]
    changed_at: str | None = None

    def names(self) -> list[str]:
        """Returns every column that must be there."""
        return [self.order, self.at, *self.door, *([self.changed_at] if self.changed_at else [])]


def read_orders(path: Path, columns: Columns, zone: ZoneInfo) -> list[PastOrder]:
    """Reads a file, oldest order first. Times without an offset are of ``zone``.

    An order whose door is empty travels alone. Raises :class:`ReplayError` naming the file and the line.
    """
    orders: dict[str, PastOrder] = {}
    for number, row in _rows(path, columns.names()):
        try:
            ref, at = row[columns.order], _instant(row[columns.at], zone)
            changed = row[columns.changed_at] if columns.changed_at else ""
            changed_at = _instant(changed, zone) if changed else None
        except ValueError as error:
            raise ReplayError(f"{path.name}, line {number}: {error}.") from error
        if not ref:
            raise ReplayError(f"{path.name}, line {number}: an order has a reference.")
        door = "\x1f".join(" ".join(row[column].casefold().split()) for column in columns.door)
        door = door if door.strip("\x1f") else f"alone\x1f{ref}"
        orders.setdefault(ref, PastOrder(ref, at, door, changed_at))
    return sorted(orders.values(), key=lambda order: (order.at, order.ref))


def read_uci(path: Path) -> list[PastOrder]:
    """Reads the UCI file, oldest order first. Raises :class:`ReplayError`.

    An order is an invoice that does not begin with ``C``, names its customer, and has a line of a positive quantity
    whose stock code begins with a digit. A customer has one address. A cancelling invoice (``C…``) changes the
    customer's newest order before it that holds an article which it takes back.
    """
    sales = [sale for sale in read_sales(path).sales if sale.customer]
    orders = {sale.ref: PastOrder(sale.ref, sale.at, sale.customer) for sale in sales}
    by_article: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for sale in sales:
        for sku in {line.sku for line in sale.lines}:
            by_article[sale.customer, sku].append(sale.ref)
    for customer, sku, at in _cancellations(path):
        before = [ref for ref in by_article[customer, sku] if orders[ref].at <= at]
        if before:
            changed = orders[before[-1]]
            first = at if changed.changed_at is None else min(at, changed.changed_at)
            orders[changed.ref] = replace(changed, changed_at=first)
    return list(orders.values())


def _cancellations(path: Path) -> Iterator[tuple[str, str, datetime]]:
    for _, row in _rows(path, ["InvoiceNo", "StockCode", "InvoiceDate", "CustomerID"]):
        if row["InvoiceNo"].startswith("C") and row["CustomerID"]:
            yield row["CustomerID"], row["StockCode"], _instant(row["InvoiceDate"], SHOP_TIME_ZONE)


def _rows(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in wanted if column not in (reader.fieldnames or ())]
            if missing:
                raise ReplayError(f"{path.name} has no column {', '.join(missing)}.")
            for row in reader:
                yield reader.line_num, {column: (row[column] or "").strip() for column in wanted}
    except OSError as error:
        raise ReplayError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReplayError(f"{path.name} is not a CSV file in UTF-8: {error}.") from error


def _instant(written: str, zone: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(written)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
