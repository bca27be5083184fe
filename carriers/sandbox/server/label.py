# SPDX-License-Identifier: Apache-2.0
"""The carrier draws its own 4x6 inch label, as PDF and as ZPL for 203 dpi printers."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

from reportlab.graphics.barcode.code128 import Code128
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

_DOT: Final = 72 / 203  # One printer dot in points: bars of whole dots stay sharp at one bit per dot.
_WIDTH, _HEIGHT, _EDGE = 288.0, 432.0, 14.0
_BAR_DOTS: Final = 4  # 145 modules x 4 dots + quiet zones of 10 modules each side = 660 of 812 dots.


@dataclass(frozen=True, slots=True)
class Label:
    """What is printed; ``sender`` and ``recipient`` are address lines, the name first."""

    tracking_number: str
    master_number: str | None
    service: str
    sender: tuple[str, ...]
    recipient: tuple[str, ...]
    facts: tuple[str, ...]
    piece: str
    cod: str | None


def pdf(label: Label) -> bytes:
    """One page; the same label gives the same bytes."""
    buffer = BytesIO()
    page = Canvas(buffer, pagesize=(_WIDTH, _HEIGHT), invariant=1)
    page.rect(0, _HEIGHT - 40, _WIDTH, 40, fill=1, stroke=0)
    page.setFillGray(1)
    _line(page, _EDGE, 406, "SANDBOX CARRIER", 15, 150, bold=True)
    _line(page, _EDGE, 406, label.service.upper(), 13, 95, bold=True, right=True)
    page.setFillGray(0)
    _block(page, "FROM", label.sender, top=380, size=8)
    page.line(_EDGE, 308, _WIDTH - _EDGE, 308)
    _block(page, "SHIP TO", label.recipient, top=294, size=12.5)
    page.line(_EDGE, 194, _WIDTH - _EDGE, 194)
    for row, fact in enumerate(label.facts):
        _line(page, _EDGE, 180 - 12 * row, fact, 9, 170)
    _line(page, _EDGE, 166, label.piece, 22, 85, bold=True, right=True)
    page.line(_EDGE, 148, _WIDTH - _EDGE, 148)
    bars = Code128(label.tracking_number, barWidth=_BAR_DOTS * _DOT, barHeight=78, quiet=0)
    # The left edge falls on a whole dot, or the rasteriser would round bars to different widths.
    bars.drawOn(page, round((_WIDTH - bars.width) / 2 / _DOT) * _DOT, 62)
    page.setFont("Helvetica-Bold", 13)
    page.drawCentredString(_WIDTH / 2, 46, label.tracking_number)
    page.line(_EDGE, 38, _WIDTH - _EDGE, 38)
    _line(page, _EDGE, 25, f"Master {label.master_number}" if label.master_number else "Single piece", 9, 160)
    _line(page, _EDGE, 12, "Sandbox: not valid for carriage.", 7, 160)
    _line(page, _EDGE, 19, f"COD {label.cod}" if label.cod else "", 13, 95, bold=True, right=True)
    page.showPage()
    page.save()
    return buffer.getvalue()


def zpl(label: Label) -> str:
    """The same label for a thermal printer of 8 dots per millimetre, in UTF-8."""
    texts = [(30, 30, 44, "SANDBOX CARRIER"), (560, 34, 36, label.service.upper()), (30, 100, 22, "FROM")]
    texts += [(30, 126 + 24 * row, 22, line) for row, line in enumerate(label.sender)]
    texts += [(30, 350, 22, "SHIP TO")]
    texts += [(30, 380 + 40 * row, 36, line) for row, line in enumerate(label.recipient)]
    texts += [(30, 680 + 32 * row, 26, line) for row, line in enumerate(label.facts)]
    texts += [(640, 690, 60, label.piece), (30, 1140, 26, f"Master {label.master_number or '-'}")]
    texts += [(500, 1140, 36, f"COD {label.cod}")] if label.cod else []
    fields = [
        f"^FO{x},{y}^A0N,{size},{_narrow(text, size, 782 - x)}^FH^FD{_hex(text)}^FS" for x, y, size, text in texts
    ]
    rules = [f"^FO30,{y}^GB752,3,3^FS" for y in (85, 340, 665, 790, 1120)]
    bars = f"^FO116,820^BY{_BAR_DOTS}^BCN,220,Y,N,N,A^FD{label.tracking_number}^FS"
    return "\n".join(["^XA^CI28^PW812^LL1218", *rules, *fields, bars, "^XZ"])


def _block(page: Canvas, title: str, lines: tuple[str, ...], *, top: float, size: float) -> None:
    page.setFont("Helvetica", 7)
    page.drawString(_EDGE, top, title)
    for row, line in enumerate(lines):
        _line(page, _EDGE, top - (row + 1) * size * 1.2 - 1, line, size, _WIDTH - 2 * _EDGE, bold=row == 0)


def _line(
    page: Canvas,
    x: float,
    y: float,
    text: str,
    size: float,
    width: float,
    *,
    bold: bool = False,
    right: bool = False,
) -> None:
    """One line in ``width`` points from the left or right edge; it shrinks to fit, so nothing is cut."""
    font, shown = "Helvetica-Bold" if bold else "Helvetica", _plain(text)
    page.setFont(font, min(size, size * width / max(stringWidth(shown, font, size), 1)))
    if right:
        page.drawRightString(_WIDTH - x, y, shown)
    else:
        page.drawString(x, y, shown)


def _plain(text: str) -> str:
    # The built-in fonts know Western European letters only; anything else shows as a visible question mark.
    return text.encode("cp1252", "replace").decode("cp1252")


def _narrow(text: str, size: int, width: int) -> int:
    # A character of the printer's own font is at most about 0.6 of its nominal width.
    return min(size, int(width / (0.6 * max(len(text), 1))))


def _hex(text: str) -> str:
    # Printer commands start with ^ or ~ and escapes with _, so a name may not contain them as they are.
    return "".join(f"_{ord(char):02X}" if char in "^~_" or char < " " else char for char in text)
