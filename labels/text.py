# SPDX-License-Identifier: Apache-2.0
"""Text in any script, measured, wrapped and shrunk so that nothing is cut.

Helvetica needs no embedding and shows Western Europe; Bitstream Vera (shipped with reportlab) and DejaVu Sans
Mono (shipped with python-barcode) add the rest of Latin, Greek and Cyrillic; Adobe's CID fonts, which the
viewer supplies, show Chinese, Japanese and Korean. Whatever none of them can show *correctly* is printed as a
visible "?".
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import barcode
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

LEADING = 1.18
"""Distance of base lines as a multiple of the type size."""
ASCENT = 0.74
"""Height of capitals and ascenders above the base line as a multiple of the type size."""

Align = Literal["left", "centre", "right"]


class LabelError(ValueError):
    """The data cannot be printed as they are. The message is one sentence for the person who has to mend
    them.
    """


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A piece of text that starts on its own line."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines that fit their box at type size `size`, in the unit of the box."""

    size: float
    lines: tuple[Paragraph, ...]

    @property
    def height(self) -> float:
        """From the top of the first line to the bottom of the last."""
        return len(self.lines) * self.size * LEADING


@dataclass(frozen=True, slots=True)
class _Face:
    """A font and the question whether it shows a character."""

    regular: str
    bold: str
    covers: Callable[[str], bool]


def _codec(name: str) -> Callable[[str], bool]:
    def covers(character: str) -> bool:
        try:
            character.encode(name)
        except UnicodeEncodeError:
            return False
        return True

    return covers


def _truetype(name: str, path: str) -> Callable[[str], bool]:
    font = TTFont(name, path)
    pdfmetrics.registerFont(font)
    glyphs: dict[int, int] = font.face.charToGlyph
    return lambda character: ord(character) in glyphs


def _load_faces() -> tuple[_Face, ...]:
    """The fonts in order of preference, registered with reportlab."""
    vera = _truetype("Vera", "Vera.ttf")
    _truetype("Vera-Bold", "VeraBd.ttf")
    mono = _truetype("DejaVuSansMono", str(Path(barcode.__file__).parent / "fonts" / "DejaVuSansMono.ttf"))
    for name in ("STSong-Light", "HYSMyeongJo-Medium"):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return (
        _Face("Helvetica", "Helvetica-Bold", _codec("cp1252")),
        _Face("Vera", "Vera-Bold", vera),
        _Face("DejaVuSansMono", "DejaVuSansMono", mono),
        _Face("STSong-Light", "STSong-Light", _codec("gbk")),
        _Face("HYSMyeongJo-Medium", "HYSMyeongJo-Medium", _codec("cp949")),
    )


# Loaded on import, which Python does once and under a lock: two threads that registered a font twice would mix up
# the glyph subsets of the pages that they are drawing.
_FACES = _load_faces()


def _needs_shaping(character: str) -> bool:
    """Right-to-left letters and joining marks: without a shaping engine they would come out wrong."""
    return unicodedata.bidirectional(character) in ("R", "AL") or unicodedata.category(character)[0] == "M"


@lru_cache(maxsize=4096)
def _shown(character: str) -> bool:
    return not _needs_shaping(character) and any(face.covers(character) for face in _FACES)


@lru_cache(maxsize=4096)
def printable(text: str) -> str:
    """The text as it is printed: composed, single spaces, no invisible characters, "?" for what no font
    shows.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    seen = " ".join(unicodedata.normalize("NFC", text).split())
    visible = (character for character in seen if unicodedata.category(character) not in ("Cc", "Cf"))
    return "".join(character if _shown(character) else "?" for character in visible)


def unprintable(text: str) -> frozenset[str]:
    """The characters of `text` that would be printed as "?"."""
    return frozenset(
        character
        for character in unicodedata.normalize("NFC", text)
        if printable(character) == "?" and character != "?"
    )


@lru_cache(maxsize=4096)
def _runs(text: str, bold: bool) -> tuple[tuple[str, str], ...]:
    """Printable text cut into (font, piece). A word keeps to one font where one font can show all of it."""
    runs: list[tuple[str, str]] = []
    for word in text.replace(" ", " \n").split("\n"):
        whole = _face_for(word, bold)
        for piece in [word] if whole else list(word):
            font = whole or _face_for(piece, bold) or "Helvetica"
            if runs and runs[-1][0] == font:
                runs[-1] = (font, runs[-1][1] + piece)
            else:
                runs.append((font, piece))
    return tuple(runs)


def _face_for(text: str, bold: bool) -> str | None:
    face = next((face for face in _FACES if all(map(face.covers, text))), None)
    return None if face is None else face.bold if bold else face.regular


@lru_cache(maxsize=8192)
def _unit_width(text: str, bold: bool) -> float:
    return float(sum(pdfmetrics.stringWidth(piece, font, 1) for font, piece in _runs(text, bold)))


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of the printed text, in the unit of `size`."""
    return _unit_width(printable(text), bold) * size


def wrap(text: str, size: float, width: float, bold: bool = False) -> list[str]:
    """Printed text cut into lines no wider than `width`; a word that is wider is broken where it must be."""
    lines: list[str] = []
    line = ""
    for word in printable(text).split():
        longer = f"{line} {word}" if line else word
        if text_width(longer, size, bold) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _break_word(word, size, width, bold)
        lines += full
    return [*lines, line] if line else lines


def _break_word(word: str, size: float, width: float, bold: bool) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and text_width(pieces[-1] + character, size, bold) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def fit(paragraphs: Iterable[Paragraph], width: float, height: float, largest: int, smallest: int) -> Fitted:
    """The paragraphs at the largest type size, in whole units, at which they fit the box.

    Type shrinks before a word is broken; only a word that is too wide even at the smallest size is. Raises
    LabelError when the box is too small for all of it: half an address is worse than none.
    """
    wanted = [Paragraph(printable(paragraph.text), paragraph.bold) for paragraph in paragraphs]
    longest_word = _longest_word(wanted)
    must_break = longest_word * smallest > width
    for size in range(largest, smallest - 1, -1):
        if longest_word * size > width and not must_break:
            continue
        lines = tuple(
            Paragraph(line, paragraph.bold)
            for paragraph in wanted
            for line in wrap(paragraph.text, size, width, paragraph.bold)
        )
        fitted = Fitted(size, lines)
        if fitted.height <= height:
            return fitted
    start = next((paragraph.text for paragraph in wanted if paragraph.text), "")
    raise LabelError(f"The text that starts with {start[:40]!r} is too long for its place on the label.")


def _longest_word(paragraphs: Sequence[Paragraph]) -> float:
    """Width of the widest word at type size 1."""
    words = ((word, paragraph.bold) for paragraph in paragraphs for word in paragraph.text.split())
    return max((_unit_width(word, bold) for word, bold in words), default=0.0)


def draw_text(
    canvas: Any, x: float, y: float, text: str, size: float, bold: bool = False, align: Align = "left"
) -> None:
    """One line of text with its base line at `y`; `x` is its left end, middle or right end. All in points."""
    text = printable(text)
    x -= {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * _unit_width(text, bold) * size
    for font, piece in _runs(text, bold):
        canvas.setFont(font, size)
        canvas.drawString(x, y, piece)
        x += pdfmetrics.stringWidth(piece, font, size)
