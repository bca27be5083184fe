# SPDX-License-Identifier: Apache-2.0
"""Articles from a CSV file.

The header names fields of :class:`~wms.catalog.schemas.SkuIn`: ``code`` and ``name`` are required, the others
(``barcodes``, ``weight_g``, ``length_mm``, ``width_mm``, ``height_mm``, ``hs_code``, ``origin_country``,
``declared_value_minor``, ``currency``, ``lot_tracked``, ``serial_tracked``, ``active``) are not. Several
barcodes in one cell are separated by ``|``.
"""

from collections.abc import Iterable, Iterator

from wms.catalog.schemas import SkuIn
from wms.platform.tabular import BadLine, GoodLine, read_models


def read_sku_csv(lines: Iterable[str]) -> Iterator[GoodLine[SkuIn] | BadLine]:
    """Yields each line as a draft or as what is wrong with it. Raises :class:`Invalid` for a bad header."""
    return read_models(lines, SkuIn, lists=frozenset({"barcodes"}))
