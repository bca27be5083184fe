# SPDX-License-Identifier: Apache-2.0
"""Small labels for things and people: bins, totes, goods, staff badges. One page per label, made for a label
roll.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeVar

from reportlab.pdfgen.canvas import Canvas

from labels.codes import DOT, Symbology, draw_code128, draw_product_code
from labels.text import ASCENT, LEADING, Align, LabelError, Paragraph, draw_text, fit

_INCH, _MM = 72.0, 72 / 25.4
_RACK = (4 * _INCH, 2 * _INCH)
_GOODS = (3 * _INCH, 2 * _INCH)
"""Wide enough for an ITF-14 at the module width that GS1 asks for."""
_CARD = (85.6 * _MM, 53.98 * _MM)
"""ISO/IEC 7810 ID-1, the format of a bank card."""
_PAD = 10.0

Label = TypeVar("Label")


@dataclass(frozen=True, slots=True)
class BinLabel:
    """A place in the racks; `code` is what the scanner reads and the walker sees."""

    code: str
    zone: str = ""


@dataclass(frozen=True, slots=True)
class ToteLabel:
    """A tote or a cart's slot."""

    code: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class SkuLabel:
    """Goods without a readable code of their own. `code` is encoded; `symbology` overrules what it looks
    like.
    """

    code: str
    sku: str
    name: str
    symbology: Symbology | None = None


@dataclass(frozen=True, slots=True)
class Badge:
    """A member of staff; the code logs in together with a PIN."""

    name: str
    role: str
    code: str
    warehouse: str


def bin_labels_pdf(labels: Iterable[BinLabel]) -> bytes:
    """Bin labels of 4 x 2 inches. Raises LabelError when there are none or a code does not fit."""
    return _pages("Bin labels", _RACK, labels, lambda canvas, label: _place(canvas, "Bin", label.code, label.zone))


def tote_labels_pdf(labels: Iterable[ToteLabel]) -> bytes:
    """Tote labels of 4 x 2 inches. Raises LabelError when there are none or a code does not fit."""
    return _pages("Tote labels", _RACK, labels, lambda canvas, label: _place(canvas, "Tote", label.code, label.note))


def sku_labels_pdf(labels: Iterable[SkuLabel]) -> bytes:
    """Goods labels of 3 x 2 inches. Raises LabelError for a wrong check digit and for what does not fit."""
    return _pages("SKU labels", _GOODS, labels, _goods)


def badge_labels_pdf(badges: Iterable[Badge]) -> bytes:
    """Staff badges of the size of a bank card. Raises LabelError when there are none or one does not fit."""
    return _pages("Staff badges", _CARD, badges, _badge)


def _pages(title: str, size: tuple[float, float], labels: Iterable[Label], draw: Callable[[Any, Label], None]) -> bytes:
    buffer = BytesIO()
    canvas: Any = Canvas(buffer, pagesize=size, invariant=1)
    canvas.setTitle(title)
    for label in labels:
        draw(canvas, label)
        canvas.showPage()
    if canvas.getPageNumber() == 1:
        raise LabelError("There is no label to print.")
    canvas.save()
    return buffer.getvalue()


def _place(canvas: Any, kind: str, code: str, note: str) -> None:
    """The code as large as it goes for the eye, and for the scanner below."""
    width, height = _RACK
    draw_text(canvas, _PAD, height - 16, kind.upper(), 8, bold=True)
    _text(canvas, note, width / 4, height - 20, width * 3 / 4 - _PAD, 14, 10, align="right")
    _text(canvas, code, _PAD, height - 76, width - 2 * _PAD, 54, 50, bold=True, align="centre")
    draw_code128(canvas, code, _PAD / 2, 8, width - _PAD, 56)


def _goods(canvas: Any, label: SkuLabel) -> None:
    width, height = _GOODS
    _text(canvas, label.sku, _PAD, height - 27, width - 2 * _PAD, 20, 15, bold=True)
    _text(canvas, label.name, _PAD, height - 54, width - 2 * _PAD, 26, 10)
    draw_product_code(canvas, label.code, 2 * DOT, 9, width - 4 * DOT, 78, label.symbology)


def _badge(canvas: Any, badge: Badge) -> None:
    width, height = _CARD
    canvas.rect(0, height - 26, width, 26, stroke=0, fill=1)
    canvas.setFillGray(1)
    _text(canvas, badge.warehouse, _PAD, height - 24, width - 2 * _PAD, 20, 11, bold=True)
    canvas.setFillGray(0)
    _text(canvas, badge.name, _PAD, height - 60, width - 2 * _PAD, 28, 20, bold=True)
    _text(canvas, badge.role, _PAD, height - 78, width - 2 * _PAD, 16, 11)
    draw_code128(canvas, badge.code, 4, 18, width - 8, 46)
    _text(canvas, badge.code, _PAD, 5, width - 2 * _PAD, 11, 8, align="centre")


def _text(
    canvas: Any,
    text: str,
    left: float,
    bottom: float,
    width: float,
    height: float,
    largest: int,
    bold: bool = False,
    align: Align = "left",
) -> None:
    """Text in the vertical middle of a box, shrunk and wrapped until it fits, never under 4 points."""
    fitted = fit([Paragraph(text, bold)], width, height, largest, 4)
    x = {"left": left, "centre": left + width / 2, "right": left + width}[align]
    base = bottom + (height + fitted.height) / 2 - fitted.size * (LEADING + ASCENT) / 2
    for number, line in enumerate(fitted.lines):
        draw_text(canvas, x, base - number * fitted.size * LEADING, line.text, fitted.size, bold, align)
