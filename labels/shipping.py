# SPDX-License-Identifier: Apache-2.0
"""The 4 x 6 inch shipping label, as PDF and as ZPL.

One layout, reckoned once in whole printer dots (812 x 1218 at 203 dpi, from the top left corner), is a short
list of marks; two small writers turn the marks into a PDF page or into ZPL. So both show the same label, and
what fits on one fits on the other.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from labels.codes import (
    DOT,
    DPI,
    MIN_CODE128_DOTS,
    SSCC_DOTS,
    SSCC_MIN_HEIGHT_MM,
    Symbol,
    code128_symbol,
    draw_symbol,
    sscc_symbol,
)
from labels.model import Address, Money, weight_text
from labels.text import ASCENT, LEADING, Align, Fitted, LabelError, Paragraph, draw_text, fit, printable
from labels.zpl import zpl_bars, zpl_document, zpl_rule, zpl_text

WIDTH, HEIGHT = 812, 1218
"""The label in dots: 4 x 6 inches."""
_EDGE = 24
"""Blank margin of 3 mm, inside which every thermal printer prints."""
_PAD = 12
_LEFT, _RIGHT = _EDGE + _PAD, WIDTH - _EDGE - _PAD
_SSCC_HEIGHT = -int(-SSCC_MIN_HEIGHT_MM / 25.4 * DPI // 1)
_SMALL = 17
"""Captions: 6 point."""
_SMALLEST = 14
"""The least type size, 5 point: the smallest that a thermal head prints legibly."""


@dataclass(frozen=True, slots=True)
class ShippingLabel:
    """What one package's label says. `barcode` is the text that the carrier's code encodes.

    Addresses shrink and wrap up to some 700 characters, `reference` up to some 80: of a shipment with many
    orders print the shipment's own.
    """

    ship_from: Address
    ship_to: Address
    carrier: str
    service: str
    tracking_number: str
    barcode: str
    weight_g: int
    reference: str
    brand_name: str
    piece: int = 1
    pieces: int = 1
    master_tracking: str | None = None
    sscc: str | None = None
    cod: Money | None = None
    routing: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.piece <= self.pieces:
            raise LabelError(f"Piece {self.piece} of {self.pieces} does not exist.")


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `y` is its base line, `x` its left end, middle or right end."""

    x: float
    y: float
    size: float
    text: str
    bold: bool = False
    align: Align = "left"
    white: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A filled rectangle with its upper left corner at `x`, `y`."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Bars:
    """A symbol with its upper left corner at `x`, `y` and modules of `dots` dots."""

    x: int
    y: int
    height: int
    dots: int
    symbol: Symbol


Mark = Text | Rule | Bars


def shipping_label_pdf(label: ShippingLabel) -> bytes:
    """The label as a one-page PDF of 4 x 6 inches, vectors only. Raises LabelError when something does not
    fit.
    """
    return shipping_labels_pdf([label])


def shipping_labels_pdf(labels: Iterable[ShippingLabel]) -> bytes:
    """Several labels in one PDF, a page each, in the order given. Raises LabelError when there are none."""
    pages = [shipping_marks(label) for label in labels]
    if not pages:
        raise LabelError("There is no label to print.")
    buffer = BytesIO()
    canvas: Any = Canvas(buffer, pagesize=(WIDTH * DOT, HEIGHT * DOT), invariant=1)
    canvas.setTitle("Shipping label")
    for marks in pages:
        for mark in marks:
            _draw(canvas, mark)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def shipping_label_zpl(label: ShippingLabel) -> bytes:
    """The label as ZPL II for a 203 dpi printer, UTF-8. Raises LabelError when something does not fit."""
    return zpl_document(WIDTH, HEIGHT, map(_zpl, shipping_marks(label)))


def _draw(canvas: Any, mark: Mark) -> None:
    match mark:
        case Text():
            canvas.setFillGray(1 if mark.white else 0)
            y = (HEIGHT - mark.y) * DOT
            draw_text(canvas, mark.x * DOT, y, mark.text, mark.size * DOT, mark.bold, mark.align)
        case Rule():
            canvas.setFillGray(0)
            bottom = (HEIGHT - mark.y - mark.height) * DOT
            canvas.rect(mark.x * DOT, bottom, mark.width * DOT, mark.height * DOT, stroke=0, fill=1)
        case Bars():
            canvas.setFillGray(0)
            bottom = (HEIGHT - mark.y - mark.height) * DOT
            draw_symbol(canvas, mark.symbol, mark.x * DOT, bottom, mark.height * DOT, mark.dots)


def _zpl(mark: Mark) -> str:
    match mark:
        case Text():
            return zpl_text(mark.x, mark.y, mark.size, mark.text, mark.align, mark.white)
        case Rule():
            return zpl_rule(mark.x, mark.y, mark.width, mark.height)
        case Bars():
            return zpl_bars(mark.x, mark.y, mark.height, mark.dots, mark.symbol.zpl)


def shipping_marks(label: ShippingLabel) -> list[Mark]:
    """The layout: five bands from top to bottom; without an SSCC the others share its height."""
    tall = label.sscc is None
    sender, receiver, strip = (170, 330, 100) if tall else (126, 212, 72)
    bands: list[tuple[int, Callable[[ShippingLabel, int, int], Iterator[Mark]]]] = [
        (92 if tall else 78, _header),
        (sender, _sender),
        (receiver, _receiver),
    ]
    if label.routing or label.cod:
        bands.append((strip, _strip))
    sscc_band = 0 if tall else _SSCC_HEIGHT + 52
    left = HEIGHT - 2 * _EDGE - sum(height for height, _ in bands) - sscc_band
    bands.append((left, _carrier_code))
    if not tall:
        bands.append((sscc_band, _sscc_code))

    marks: list[Mark] = [*_frame()]
    top = _EDGE
    for height, band in bands:
        if top > _EDGE:
            marks.append(Rule(_EDGE, top, WIDTH - 2 * _EDGE, 3))
        marks += band(label, top, height)
        top += height
    return marks


def _frame() -> Iterator[Mark]:
    width, height = WIDTH - 2 * _EDGE, HEIGHT - 2 * _EDGE
    yield Rule(_EDGE, _EDGE, width, 3)
    yield Rule(_EDGE, HEIGHT - _EDGE - 3, width, 3)
    yield Rule(_EDGE, _EDGE, 3, height)
    yield Rule(WIDTH - _EDGE - 3, _EDGE, 3, height)


def _header(label: ShippingLabel, top: int, height: int) -> Iterator[Mark]:
    """Carrier at the left, service in white on black at the right: the two things a sorter looks for."""
    split = WIDTH // 2 + 10
    yield from _centred(label.carrier, _LEFT, top, split - _PAD - _LEFT, height, 60, bold=True)
    yield Rule(split, top, WIDTH - _EDGE - split, height)
    for mark in _centred(label.service, split + _PAD, top, _RIGHT - split - _PAD, height, 46, bold=True):
        yield Text(mark.x, mark.y, mark.size, mark.text, mark.bold, mark.align, white=True)


def _sender(label: ShippingLabel, top: int, height: int) -> Iterator[Mark]:
    """Who sends it at the left, what it is at the right."""
    split = 460
    yield Rule(split, top, 3, height)
    yield from _caption("FROM", top)
    name = label.brand_name or label.ship_from.name
    whose = () if label.ship_from.name == name else (label.ship_from.name,)
    lines = (*whose, *label.ship_from.block(phone=False))
    indent = _LEFT + 64
    yield from _box(_paragraphs(name, lines), indent, top + 8, split - _PAD - indent, height - 14, 26)

    left, middle = split + 3 + _PAD, top + height // 2
    yield Rule(split, middle, WIDTH - _EDGE - split, 2)
    cell = (_RIGHT - left) // 2
    facts = (("PIECE", f"{label.piece} of {label.pieces}"), ("WEIGHT", weight_text(label.weight_g)))
    for number, (caption, value) in enumerate(facts):
        yield from _caption(caption, top, left + number * cell)
        yield from _centred(value, left + number * cell, top + 26, cell - 4, middle - top - 28, 34, bold=True)
    yield from _caption("REF", middle, left)
    yield from _centred(label.reference, left + 44, middle + 3, _RIGHT - left - 44, top + height - middle - 6, 30)


def _receiver(label: ShippingLabel, top: int, height: int) -> Iterator[Mark]:
    yield from _caption("SHIP TO", top)
    to = label.ship_to
    indent = _LEFT + 96
    yield from _box(_paragraphs(to.name, to.block()), indent, top + 10, _RIGHT - indent, height - 18, 44)


def _strip(label: ShippingLabel, top: int, height: int) -> Iterator[Mark]:
    """The sort code, large, and what the driver has to collect, in white on black."""
    right = _RIGHT
    if label.cod is not None:
        split = WIDTH // 2 + 10 if label.routing else _EDGE
        yield Rule(split, top, WIDTH - _EDGE - split, height)
        for mark in _centred(f"COLLECT {label.cod}", split + _PAD, top, _RIGHT - split - _PAD, height, 52, bold=True):
            yield Text(mark.x, mark.y, mark.size, mark.text, mark.bold, mark.align, white=True)
        right = split - _PAD
    if label.routing:
        yield from _centred(label.routing, _LEFT, top, right - _LEFT, height, 68, bold=True)


def _carrier_code(label: ShippingLabel, top: int, height: int) -> Iterator[Mark]:
    """The carrier's code with its number in clear below, and the master number where there is one."""
    master = label.master_tracking
    numbers = 40 + (24 if master else 0)
    yield from _bars(code128_symbol(label.barcode), top + 20, height - 30 - numbers, MIN_CODE128_DOTS, 4)
    line = top + height - numbers - 4
    tracking = f"TRACKING {label.tracking_number}"
    yield from _centred(tracking, _LEFT, line, _RIGHT - _LEFT, 40, 36, bold=True, align="centre")
    if master:
        yield from _centred(f"MASTER {master}", _LEFT, line + 36, _RIGHT - _LEFT, 26, 22, align="centre")


def _sscc_code(label: ShippingLabel, top: int, height: int) -> Iterator[Mark]:
    """The SSCC stands lowest on the label (GS1 General Specifications 6.6.4) with its digits in clear."""
    symbol = sscc_symbol(label.sscc or "")
    yield from _bars(symbol, top + 16, _SSCC_HEIGHT, SSCC_DOTS, SSCC_DOTS)
    yield from _centred(f"SSCC {symbol.hri}", _LEFT, top + height - 35, _RIGHT - _LEFT, 30, 26, align="centre")


def _bars(symbol: Symbol, top: int, height: int, least: int, most: int) -> Iterator[Mark]:
    dots = symbol.dots_that_fit(WIDTH - 2 * (_EDGE + 3), least, most)
    yield Bars((WIDTH - symbol.modules * dots) // 2, top, height, dots, symbol)


def _caption(text: str, top: int, left: int = _LEFT) -> Iterator[Mark]:
    yield Text(left, top + 8 + _SMALL, _SMALL, text)


def _paragraphs(name: str, lines: Iterable[str]) -> list[Paragraph]:
    return [Paragraph(name, bold=True), *(Paragraph(line) for line in lines)]


def _box(
    paragraphs: Iterable[Paragraph], left: float, top: float, width: float, height: float, largest: int
) -> Iterator[Text]:
    """Lines from the top of the box, as large as fits up to `largest` dots."""
    yield from _lines(fit(paragraphs, width, height, largest, _SMALLEST), left, top, "left")


def _centred(
    text: str,
    left: float,
    top: float,
    width: float,
    height: float,
    largest: int,
    bold: bool = False,
    align: Align = "left",
) -> Iterator[Text]:
    """Text in the vertical middle of the box, on one line if it can be, shrunk and wrapped if not."""
    if not printable(text):
        return
    wanted = [Paragraph(text, bold)]
    try:
        # Half the size on one line reads better than two lines of full size.
        fitted = fit(wanted, width, min(height, largest * LEADING), largest, max(largest // 2, _SMALLEST))
    except LabelError:
        fitted = fit(wanted, width, height, largest, _SMALLEST)
    x = left + width / 2 if align == "centre" else left
    yield from _lines(fitted, x, top + (height - fitted.height) / 2, align)


def _lines(fitted: Fitted, x: float, top: float, align: Align) -> Iterator[Text]:
    base = top + fitted.size * (LEADING + ASCENT) / 2
    for number, line in enumerate(fitted.lines):
        yield Text(x, base + number * fitted.size * LEADING, fitted.size, line.text, line.bold, align)
