# SPDX-License-Identifier: Apache-2.0
"""The few ZPL II commands that a label needs, with every text made harmless.

In ZPL `^` and `~` start a command wherever they stand, even in the middle of a name. Text therefore goes out
under ^FH, in which any byte may be written as `_` and two hex digits, and none of the three characters stands
for itself.
"""

from collections.abc import Iterable

from labels.text import Align, printable, text_width

_ESCAPES = str.maketrans({"^": "_5E", "~": "_7E", "_": "_5F"})
_CELL_ASCENT = 0.78
"""Where printer font 0 puts its base line below the field's origin, as a multiple of the height asked for."""


def zpl_document(width: int, height: int, fields: Iterable[str]) -> bytes:
    """One label of `width` x `height` dots: UTF-8 (^CI28), origin at the corner, one copy."""
    start = ["^XA", "^CI28", f"^PW{width}", f"^LL{height}", "^LH0,0"]
    return "\n".join([*start, *fields, "^PQ1", "^XZ", ""]).encode()


def zpl_text(x: float, y: float, size: float, text: str, align: Align = "left", white: bool = False) -> str:
    """A line of text with its base line at `y` dots, in printer font 0.

    That font is condensed: narrower than the one the layout was measured with, so what fitted there fits
    here. It has no letters beyond Latin, Greek and Cyrillic unless a larger font is loaded into the printer.
    White text is printed by reversing (^FR) the black that was printed before it.
    """
    shown = printable(text)
    shift = {"left": 0.0, "centre": 0.5, "right": 1.0}[align]
    left = max(0, round(x - shift * text_width(text, size, bold=True)))
    top = max(0, round(y - _CELL_ASCENT * size))
    reverse = "^FR" if white else ""
    return f"^FO{left},{top}{reverse}^A0N,{round(size)},{round(size)}^FH^FD{shown.translate(_ESCAPES)}^FS"


def zpl_rule(x: int, y: int, width: int, height: int) -> str:
    """A filled rectangle."""
    return f"^FO{x},{y}^GB{width},{height},{min(width, height)}^FS"


def zpl_bars(x: int, y: int, height: int, dots: int, field_data: str) -> str:
    """Code 128 without text under it. The data name their own subsets, so the printer chooses nothing."""
    return f"^FO{x},{y}^BY{dots}^BCN,{height},N,N,N,N^FD{field_data}^FS"
