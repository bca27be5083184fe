# SPDX-License-Identifier: Apache-2.0
"""Sheets of paper: packing slip, pick list and hand-over manifest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from io import BytesIO
from typing import Any, Literal

from PIL import Image
from reportlab.lib.utils import ImageReader

from labels.codes import draw_code128
from labels.flow import A4, LETTER, MARGIN, Block, Column, render, space, table, text_block
from labels.model import Address, Brand, weight_text
from labels.text import ASCENT, LEADING, LabelError, Paragraph, draw_text, fit

Paper = Literal["A4", "Letter"]
_SIZES = {"A4": A4, "Letter": LETTER}
_MAX_LOGO_PIXELS = 16_000_000
"""A logo larger than this is a mistake or an attack, not a logo."""
_LOGO_BOX = (200.0, 44.0)
_DARK_ENOUGH = 0.6
"""Brightness above which a brand's colour is not legible as text on white."""


@dataclass(frozen=True, slots=True)
class SlipLine:
    """One order line: what was ordered and how much of it lies in this package."""

    sku: str
    name: str
    ordered: int
    shipped: int


@dataclass(frozen=True, slots=True)
class SlipOrder:
    """One of the orders in a package, under the brand's own reference."""

    ref: str
    lines: tuple[SlipLine, ...]
    placed_on: date | None = None


@dataclass(frozen=True, slots=True)
class PackingSlip:
    """What lies in the box. A consolidated shipment lists each order with its own lines. No prices.

    `shipment_ref` is printed as a bar code too: ASCII, at most 27 characters (more where they are digits).
    """

    brand: Brand
    shipment_ref: str
    ship_to: Address
    orders: tuple[SlipOrder, ...]
    carrier: str = ""
    tracking_number: str = ""
    package: int = 1
    packages: int = 1
    message: str = ""
    returns: str = ""
    paper: Paper = "A4"


@dataclass(frozen=True, slots=True)
class PickTask:
    """One stop of a walk."""

    location: str
    sku: str
    name: str
    quantity: int
    slot: str


@dataclass(frozen=True, slots=True)
class PickList:
    """A walk for one cart; `tasks` come in walking order and are printed in that order."""

    code: str
    cart: str
    warehouse: str
    tasks: tuple[PickTask, ...]
    paper: Paper = "A4"


@dataclass(frozen=True, slots=True)
class ManifestPackage:
    """One package handed over."""

    tracking_number: str
    reference: str
    weight_g: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a driver takes along and signs for."""

    code: str
    carrier: str
    warehouse: str
    day: date
    packages: tuple[ManifestPackage, ...]
    paper: Paper = "A4"


def packing_slip_pdf(slip: PackingSlip) -> bytes:
    """The slip as PDF, as many pages as it needs. Raises LabelError: bad colour or logo, no orders, a ref too
    long.
    """
    if not slip.orders:
        raise LabelError("A packing slip needs at least one order.")
    size = _SIZES[slip.paper]
    width = size[0] - 2 * MARGIN
    facts = [
        ("Shipment", slip.shipment_ref),
        ("Carrier", slip.carrier),
        ("Tracking", slip.tracking_number),
        ("Package", f"{slip.package} of {slip.packages}"),
    ]
    blocks = [
        _title_block(slip.brand, "Packing slip", slip.shipment_ref, width),
        _ship_to_block(slip.ship_to, facts, width),
    ]
    for order in slip.orders:
        blocks += _order_blocks(order, width)
    lines = [line for order in slip.orders for line in order.lines]
    blocks += [space(4), _totals_block(_slip_totals(slip.orders, lines), width)]
    for text in (slip.message, slip.returns):
        if text.strip():
            blocks += [space(12), *text_block(text, width)]
    return render(f"{slip.brand.name} - packing slip {slip.shipment_ref}", size, blocks)


def pick_list_pdf(picks: PickList) -> bytes:
    """The pick list as PDF. Raises LabelError when it has no tasks or its code cannot be drawn."""
    if not picks.tasks:
        raise LabelError("A pick list needs at least one task.")
    size = _SIZES[picks.paper]
    width = size[0] - 2 * MARGIN
    columns = (
        Column("", 26, "right"),
        Column("Location", 112, bold=True, size=12),
        Column("Qty", 44, "right", bold=True, size=14),
        Column("Slot", 62, "centre", bold=True, size=12),
        Column("SKU", 100),
        Column("Item", width - 344),
    )
    rows = [
        (str(number), task.location, str(task.quantity), task.slot, task.sku, task.name)
        for number, task in enumerate(picks.tasks, start=1)
    ]
    units = sum(task.quantity for task in picks.tasks)
    blocks = [
        _title_block(Brand(picks.warehouse), "Pick list", picks.code, width),
        _facts_block([("Cart", picks.cart), ("Stops", str(len(rows))), ("Units", str(units))]),
        *table(columns, rows),
        space(4),
        _totals_block(f"{_count(len(rows), 'stop')}, {_count(units, 'unit')}", width),
    ]
    return render(f"Pick list {picks.code} - cart {picks.cart}", size, blocks)


def manifest_pdf(manifest: Manifest) -> bytes:
    """The hand-over sheet as PDF, with lines to sign on. Raises LabelError when it lists no package."""
    if not manifest.packages:
        raise LabelError("A manifest needs at least one package.")
    size = _SIZES[manifest.paper]
    width = size[0] - 2 * MARGIN
    columns = (
        Column("", 34, "right"),
        Column("Tracking number", 190, bold=True, size=10),
        Column("Reference", width - 304),
        Column("Weight", 80, "right"),
    )
    rows = [
        (str(number), package.tracking_number, package.reference, f"{package.weight_g / 1000:.3f} kg")
        for number, package in enumerate(manifest.packages, start=1)
    ]
    weight = sum(package.weight_g for package in manifest.packages)
    blocks = [
        _title_block(Brand(manifest.warehouse), "Hand-over manifest", manifest.code, width),
        _facts_block([("Carrier", manifest.carrier), ("Date", manifest.day.isoformat())]),
        *table(columns, rows),
        space(4),
        _totals_block(f"{_count(len(rows), 'package')}, {weight_text(weight)}", width),
        _signature_block(manifest.carrier, width),
    ]
    return render(f"Manifest {manifest.code} - {manifest.carrier}", size, blocks)


def _order_blocks(order: SlipOrder, width: float) -> list[Block]:
    columns = (
        Column("SKU", 110),
        Column("Item", width - 290),
        Column("Ordered", 55, "right"),
        Column("In this box", 65, "right", bold=True),
        Column("Not here", 60, "right"),
    )
    rows = [
        (line.sku, line.name, str(line.ordered), str(line.shipped), str(line.ordered - line.shipped or ""))
        for line in order.lines
    ]
    placed = f"   placed on {order.placed_on.isoformat()}" if order.placed_on else ""
    title = text_block(f"Order {order.ref}{placed}", width, 11, bold=True, keep=True)
    return [space(14, keep=True), *title, *table(columns, rows, f"Order {order.ref}, continued")]


def _slip_totals(orders: Sequence[SlipOrder], lines: Sequence[SlipLine]) -> str:
    units, missing = sum(line.shipped for line in lines), sum(line.ordered - line.shipped for line in lines)
    text = f"{_count(len(orders), 'order')}, {_count(len(lines), 'line')}, {_count(units, 'unit')} in this box"
    return f"{text}, {missing} not here" if missing else text


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _title_block(brand: Brand, title: str, code: str, width: float) -> Block:
    """Name or logo at the left, what the sheet is and its code to scan at the right, a rule in the colour
    below.
    """
    red, green, blue = _rgb(brand.colour)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < _DARK_ENOUGH
    ink = (red, green, blue) if dark else (0.0, 0.0, 0.0)
    name = fit([Paragraph(brand.name, bold=True)], width / 2 - 10, 50, 22, 6)

    def draw(canvas: Any, top: float) -> None:
        if brand.logo:
            image = _logo(brand.logo)
            scale = min(_LOGO_BOX[0] / image.getSize()[0], _LOGO_BOX[1] / image.getSize()[1])
            wide, high = (side * scale for side in image.getSize())
            canvas.drawImage(image, MARGIN, top - 4 - high, wide, high, mask="auto")
        else:
            canvas.setFillColorRGB(*ink)
            for number, line in enumerate(name.lines):
                base = top - 4 - name.size * ASCENT - number * name.size * LEADING
                draw_text(canvas, MARGIN, base, line.text, name.size, bold=True)
        canvas.setFillGray(0)
        draw_text(canvas, MARGIN + width, top - 12, title.upper(), 12, bold=True, align="right")
        draw_code128(canvas, code, MARGIN + width / 2, top - 47, width / 2, 29, most_dots=3, flush_right=True)
        draw_text(canvas, MARGIN + width, top - 57, code, 8, align="right")
        canvas.setFillColorRGB(red, green, blue)
        canvas.rect(MARGIN, top - 68, width, 3.5, stroke=0, fill=1)
        canvas.setFillGray(0)

    return Block(80, draw)


def _ship_to_block(to: Address, facts: Sequence[tuple[str, str]], width: float) -> Block:
    lines = [Paragraph(to.name, bold=True), *(Paragraph(line) for line in to.block(phone=False))]
    address = fit(lines, width / 2 - 20, 120, 10, 5)
    height = max(address.height + 18, len(facts) * 15.0 + 4)

    def draw(canvas: Any, top: float) -> None:
        _caption(canvas, MARGIN, top, "Ship to")
        base = top - 14 - address.size * ASCENT
        for number, line in enumerate(address.lines):
            draw_text(canvas, MARGIN, base - number * address.size * LEADING, line.text, address.size, line.bold)
        left = MARGIN + width / 2 + 20
        for number, (caption, value) in enumerate((caption, value) for caption, value in facts if value):
            _fact(canvas, left, top - number * 15, caption, value, width / 2 - 90)

    return Block(height, draw)


def _facts_block(facts: Sequence[tuple[str, str]]) -> Block:
    def draw(canvas: Any, top: float) -> None:
        for number, (caption, value) in enumerate(facts):
            left = MARGIN + number * 172
            _caption(canvas, left, top, caption)
            fitted = fit([Paragraph(value, bold=True)], 160, 20, 15, 5)
            for row, line in enumerate(fitted.lines):
                base = top - 12 - fitted.size * (ASCENT + row * LEADING)
                draw_text(canvas, left, base, line.text, fitted.size, bold=True)

    return Block(42, draw)


def _caption(canvas: Any, x: float, top: float, text: str) -> None:
    canvas.setFillGray(0.35)
    draw_text(canvas, x, top - 7, text.upper(), 6.5, bold=True)
    canvas.setFillGray(0)


def _fact(canvas: Any, x: float, top: float, caption: str, value: str, width: float) -> None:
    _caption(canvas, x, top - 2.5, caption)
    fitted = fit([Paragraph(value)], width, 13, 10, 4)
    for row, line in enumerate(fitted.lines):
        draw_text(canvas, x + 70, top - 9.5 - row * fitted.size * LEADING, line.text, fitted.size)


def _totals_block(text: str, width: float) -> Block:
    def draw(canvas: Any, top: float) -> None:
        canvas.setFillGray(0)
        draw_text(canvas, MARGIN + width - 4, top - 12, text, 10, bold=True, align="right")

    return Block(20, draw)


def _signature_block(carrier: str, width: float) -> Block:
    half = width / 2 - 16
    parties = (("Handed over by the warehouse", MARGIN), (f"Received by {carrier}", MARGIN + half + 32))

    def draw(canvas: Any, top: float) -> None:
        canvas.setStrokeGray(0)
        canvas.setLineWidth(0.6)
        for party, left in parties:
            fitted = fit([Paragraph(party, bold=True)], half, 24, 10, 4)
            for row, line in enumerate(fitted.lines):
                draw_text(canvas, left, top - 26 - row * fitted.size * LEADING, line.text, fitted.size, bold=True)
            for number, caption in enumerate(("Name", "Signature", "Date and time")):
                y = top - 72 - number * 34
                canvas.line(left, y, left + half, y)
                _caption(canvas, left, y - 2, caption)

    return Block(156, draw)


def _rgb(colour: str) -> tuple[float, float, float]:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise LabelError(f"A brand colour is written #RRGGBB, not {colour!r}.")
    red, green, blue = bytes.fromhex(colour[1:])
    return red / 255, green / 255, blue / 255


@lru_cache(maxsize=32)
def _logo(data: bytes) -> Any:
    """The decoded logo, kept because a brand prints the same one all day."""
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            pixels = image.width * image.height
            if pixels <= _MAX_LOGO_PIXELS:
                image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise LabelError("The brand's logo is neither a readable PNG nor a readable JPEG.") from error
    if pixels > _MAX_LOGO_PIXELS:
        raise LabelError(f"The brand's logo has {pixels:,} pixels; {_MAX_LOGO_PIXELS:,} are the limit.")
    return ImageReader(BytesIO(data))
