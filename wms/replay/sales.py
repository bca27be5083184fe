# SPDX-License-Identifier: Apache-2.0
"""A file of sales as orders: the UCI *Online Retail* data set (Chen, 2015), one row an invoice line.

An order is an invoice that does not begin with ``C`` and has a line of goods. A line of goods has a positive quantity
and a stock code that begins with a digit: POST, DOT, M, BANK CHARGES and their like are no goods.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

COLUMNS: Final = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
# The shop wrote its own local time into the file.
SHOP_TIME_ZONE: Final = ZoneInfo("Europe/London")

CANCELLATION: Final = "cancellation of an earlier invoice"
NO_GOODS: Final = "no line of goods"


class ReplayError(Exception):
    """The replay cannot be made, or did not end well; the message is a sentence for the person at the terminal."""


@dataclass(frozen=True)
class SaleLine:
    """``unit_price_minor`` is in pence."""

    sku: str
    name: str
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True)
class Sale:
    """One order: ``at`` is UTC; ``customer`` is empty where the shop did not know them."""

    ref: str
    at: datetime
    customer: str
    country: str
    lines: tuple[SaleLine, ...]


@dataclass(frozen=True)
class SalesFile:
    """The orders in the sequence of their arrival, and why each other invoice is none."""

    sales: tuple[Sale, ...]
    not_orders: Mapping[str, str]


def read_sales(path: Path) -> SalesFile:
    """Reads a file. Raises :class:`ReplayError` naming the file and, where it is a line's fault, the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _sales_of(path.name, csv.DictReader(file))
    except OSError as error:
        raise ReplayError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReplayError(f"{path.name} is not a CSV file in UTF-8: {error}.") from error


def _sales_of(name: str, reader: "csv.DictReader[str]") -> SalesFile:
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise ReplayError(f"{name} has no column {', '.join(missing)}.")
    invoices: dict[str, list[_Row]] = {}
    for row in reader:
        try:
            read = _read(row)
        except (ValueError, InvalidOperation) as error:
            raise ReplayError(f"{name}, line {reader.line_num}: {error}.") from error
        invoices.setdefault(read.invoice, []).append(read)
    reasons = {invoice: _why_not(rows) for invoice, rows in invoices.items()}
    sales = [_sale(rows) for invoice, rows in invoices.items() if reasons[invoice] is None]
    return SalesFile(
        sales=tuple(sorted(sales, key=lambda sale: (sale.at, sale.ref))),
        not_orders={invoice: reason for invoice, reason in reasons.items() if reason is not None},
    )


@dataclass(frozen=True)
class _Row:
    invoice: str
    at: datetime
    customer: str
    country: str
    line: SaleLine

    @property
    def is_goods(self) -> bool:
        return self.line.quantity > 0 and self.line.sku[:1].isdigit()


def _read(row: Mapping[str, str | None]) -> _Row:
    cells = {column: (row.get(column) or "").strip() for column in COLUMNS}
    if not cells["InvoiceNo"] or not cells["StockCode"]:
        raise ValueError("an invoice number and a stock code are needed")
    local = datetime.fromisoformat(cells["InvoiceDate"])
    if local.tzinfo is not None:
        raise ValueError("InvoiceDate is local time and names no time zone")
    line = SaleLine(
        sku=cells["StockCode"],
        name=" ".join(cells["Description"].split()),
        quantity=int(cells["Quantity"]),
        unit_price_minor=round(Decimal(cells["UnitPrice"]) * 100),
    )
    at = local.replace(tzinfo=SHOP_TIME_ZONE).astimezone(UTC)
    return _Row(cells["InvoiceNo"], at, cells["CustomerID"], cells["Country"], line)


def _why_not(rows: Sequence[_Row]) -> str | None:
    if rows[0].invoice.startswith("C"):
        return CANCELLATION
    return None if any(row.is_goods for row in rows) else NO_GOODS


def _sale(rows: Sequence[_Row]) -> Sale:
    first = min(rows, key=lambda row: row.at)
    return Sale(
        ref=first.invoice,
        at=first.at,
        customer=first.customer,
        country=first.country,
        lines=tuple(row.line for row in rows if row.is_goods),
    )


def needed(sales: Iterable[Sale]) -> dict[str, int]:
    """Returns how many pieces of each SKU all sales together want, in the order of the codes."""
    total: dict[str, int] = {}
    for sale in sales:
        for line in sale.lines:
            total[line.sku] = total.get(line.sku, 0) + line.quantity
    return dict(sorted(total.items()))
