# SPDX-License-Identifier: Apache-2.0
"""What a scanner and a reader see: every page rasterised like a thermal head does, 203 dpi, one bit a dot."""

from collections.abc import Callable

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from labels.codes import DPI

Scan = Callable[..., list[tuple[str, bytes]]]


def _raster(pdf: bytes, page: int) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    try:
        grey = document[page].render(scale=DPI / 72, grayscale=True).to_pil()
        return grey.point(lambda level: 255 if level > 127 else 0).convert("1")
    finally:
        document.close()


@pytest.fixture(scope="session")
def scan() -> Scan:
    """Symbology identifier and content of each code on a page, from top to bottom."""

    def read(pdf: bytes, page: int = 0) -> list[tuple[str, bytes]]:
        found = zxingcpp.read_barcodes(_raster(pdf, page).convert("L"))
        found.sort(key=lambda code: code.position.top_left.y)
        return [(code.symbology_identifier, code.bytes) for code in found]

    return read


@pytest.fixture(scope="session")
def pages_of() -> Callable[[bytes], list[str]]:
    """The text of each page without white space, so that a line break in an address does not matter."""

    def read(pdf: bytes) -> list[str]:
        document = pypdfium2.PdfDocument(pdf)
        try:
            return [
                "".join(document[number].get_textpage().get_text_bounded().split()) for number in range(len(document))
            ]
        finally:
            document.close()

    return read
