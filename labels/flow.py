# SPDX-License-Identifier: Apache-2.0
"""Paper documents of several pages: blocks are stacked, tables repeat their head, every page says "page n of
m".
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from labels.text import ASCENT, LEADING, Align, draw_text, wrap

A4 = (595.28, 841.89)
LETTER = (612.0, 792.0)
MARGIN = 40.0
_FOOT = 22.0
_RUNNING_HEAD = 24.0
_GREY, _RULE_GREY = 0.35, 0.75
_MAX_ROW_LINES = 30
"""A longer table row is cut between lines, so that it can go over a page break."""


@dataclass(frozen=True, slots=True)
class Block:
    """Something `height` points tall that `draw(canvas, top)` puts below `top`.

    `head` is drawn again when the page breaks before this block. `keep` ties the block to the next one.
    """

    height: float
    draw: Callable[[Any, float], None]
    head: "Block | None" = None
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A table column `width` points wide."""

    title: str
    width: float
    align: Align = "left"
    bold: bool = False
    size: float = 9


def render(title: str, size: tuple[float, float], blocks: Sequence[Block]) -> bytes:
    """The blocks as a PDF. From the second page on the title stands at the top, so that a loose sheet can be
    placed.
    """
    room = size[1] - 2 * MARGIN - _FOOT
    pages = _paginate(blocks, room, room - _RUNNING_HEAD)
    buffer = BytesIO()
    canvas: Any = Canvas(buffer, pagesize=size, invariant=1)
    canvas.setTitle(title)
    for number, page in enumerate(pages, start=1):
        top = size[1] - MARGIN
        if number > 1:
            draw_text(canvas, MARGIN, top - 10, title, 9, bold=True)
            top -= _RUNNING_HEAD
        for block in page:
            block.draw(canvas, top)
            top -= block.height
        canvas.setFillGray(_GREY)
        draw_text(canvas, MARGIN, MARGIN - 8, title, 7.5)
        draw_text(canvas, size[0] - MARGIN, MARGIN - 8, f"Page {number} of {len(pages)}", 7.5, align="right")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _paginate(blocks: Sequence[Block], first: float, other: float) -> list[list[Block]]:
    pages: list[list[Block]] = [[]]
    left = first
    for group in _groups(blocks):
        height = sum(block.height for block in group)
        if height > left and pages[-1]:
            head = group[0].head
            pages.append([head] if head else [])
            left = other - (head.height if head else 0)
        pages[-1] += group
        left -= height
    return pages


def _groups(blocks: Iterable[Block]) -> list[list[Block]]:
    """Blocks that must stay together."""
    groups: list[list[Block]] = [[]]
    for block in blocks:
        groups[-1].append(block)
        if not block.keep:
            groups.append([])
    return [group for group in groups if group]


def space(height: float, keep: bool = False) -> Block:
    """Nothing, `height` points tall."""
    return Block(height, _draw_nothing, keep=keep)


def _draw_nothing(_canvas: Any, _top: float) -> None:
    pass


def text_block(text: str, width: float, size: float = 9, bold: bool = False, keep: bool = False) -> list[Block]:
    """A paragraph, one block per line; line breaks in the text are kept."""
    height = size * LEADING
    return [
        Block(height, _line(line, size, bold), keep=keep)
        for paragraph in text.splitlines()
        for line in wrap(paragraph, size, width, bold) or [""]
    ]


def _line(text: str, size: float, bold: bool) -> Callable[[Any, float], None]:
    def draw(canvas: Any, top: float) -> None:
        canvas.setFillGray(0)
        draw_text(canvas, MARGIN, top - size * ASCENT, text, size, bold)

    return draw


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], continued: str = "") -> list[Block]:
    """A head and a block per row, cells wrapped in their columns.

    The head stays with the first row and comes again on every page, there under the text `continued`.
    """
    again = _head(columns, continued)
    blocks = [replace(block, head=again) for row in rows for block in _row(columns, row)]
    return [replace(_head(columns), keep=True), *blocks] if blocks else []


def _head(columns: Sequence[Column], title: str = "") -> Block:
    above = text_block(title, sum(column.width for column in columns), 11, bold=True)

    def draw(canvas: Any, top: float) -> None:
        for line in above:
            line.draw(canvas, top)
            top -= line.height
        canvas.setFillGray(_GREY)
        for column, x in _places(columns):
            draw_text(canvas, x, top - 11, column.title.upper(), 6.5, bold=True, align=column.align)
        canvas.setLineWidth(1)
        canvas.setStrokeGray(0)
        canvas.line(MARGIN, top - 16, MARGIN + sum(column.width for column in columns), top - 16)

    return Block(18 + sum(line.height for line in above), draw)


def _row(columns: Sequence[Column], cells: Sequence[str]) -> list[Block]:
    wrapped = [
        wrap(cell, column.size, column.width - 8, column.bold) for column, cell in zip(columns, cells, strict=True)
    ]
    longest = max(map(len, wrapped))
    starts = range(0, max(longest, 1), _MAX_ROW_LINES)
    return [_row_part(columns, [lines[start : start + _MAX_ROW_LINES] for lines in wrapped]) for start in starts]


def _row_part(columns: Sequence[Column], wrapped: Sequence[Sequence[str]]) -> Block:
    height = 7 + max(len(lines) * column.size * LEADING for lines, column in zip(wrapped, columns, strict=True))
    first_base = 3.5 + max(column.size for column in columns) * (LEADING + ASCENT) / 2

    def draw(canvas: Any, top: float) -> None:
        canvas.setFillGray(0)
        for (column, x), lines in zip(_places(columns), wrapped, strict=True):
            for number, line in enumerate(lines):
                base = top - first_base - number * column.size * LEADING
                draw_text(canvas, x, base, line, column.size, column.bold, column.align)
        canvas.setLineWidth(0.4)
        canvas.setStrokeGray(_RULE_GREY)
        canvas.line(MARGIN, top - height, MARGIN + sum(column.width for column in columns), top - height)

    return Block(height + 0.5, draw)


def _places(columns: Sequence[Column]) -> list[tuple[Column, float]]:
    """Each column with the x of its text: 4 points inside, at the end that it is aligned to."""
    places, left = [], MARGIN
    for column in columns:
        inset = {"left": 4.0, "centre": column.width / 2, "right": column.width - 4}[column.align]
        places.append((column, left + inset))
        left += column.width
    return places
