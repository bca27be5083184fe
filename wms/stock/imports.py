# SPDX-License-Identifier: Apache-2.0
"""Opening stock from a CSV file.

The header names ``location``, ``sku`` and ``quantity``, and ``lot`` where articles have lots.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, Field

from wms.platform.tabular import BadLine, GoodLine, read_models
from wms.stock.schemas import LINES_MAX, QUANTITY_MAX, Code, LocationCode, Lot, ReceiptIn, ReceiptLine


class OpeningLine(BaseModel):
    """Pieces that lie in one location."""

    model_config = ConfigDict(extra="forbid")

    location: LocationCode
    sku: Code
    quantity: int = Field(ge=1, le=QUANTITY_MAX)
    lot: Lot = ""


def read_stock_csv(lines: Iterable[str]) -> Iterator[GoodLine[OpeningLine] | BadLine]:
    """Yields each line as goods or as what is wrong with it. Raises :class:`Invalid` for a bad header."""
    return read_models(lines, OpeningLine)


def receipts_of(opening: Iterable[OpeningLine], reference: str) -> list[ReceiptIn]:
    """Returns the lines as receipts of at most 1,000 lines, each for one location.

    Their references are made of ``reference`` (at most 40 characters), the location and a number, so that the same
    file imported again books nothing.
    """
    places: defaultdict[str, list[ReceiptLine]] = defaultdict(list)
    for line in opening:
        places[line.location].append(ReceiptLine(sku=line.sku, lot=line.lot, quantity=line.quantity))
    return [
        ReceiptIn(
            reference=f"{reference}/{location}/{start // LINES_MAX + 1}",
            location=location,
            lines=lines[start : start + LINES_MAX],
        )
        for location, lines in places.items()
        for start in range(0, len(lines), LINES_MAX)
    ]
