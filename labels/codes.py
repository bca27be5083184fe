# SPDX-License-Identifier: Apache-2.0
"""Bar codes: check digits, symbols, and bars drawn a whole number of printer dots wide.

Two libraries encode and one writer draws. reportlab encodes Code 128 (python-barcode 0.16 loses a leading
"99"); python-barcode encodes the retail codes and ITF-14, after we verified the check digit, because it would
replace a wrong one without a word. Bars are never a fraction of a dot: a 203 dpi head rounds fractions
unevenly and the symbol stops scanning.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, groupby
from typing import Any, Literal

from barcode.ean import EuropeanArticleNumber8, EuropeanArticleNumber13
from barcode.itf import ITF
from barcode.upc import UniversalProductCodeA
from reportlab.graphics.barcode.code128 import Code128

from labels.text import LabelError, draw_text

DPI = 203
DOT = 72 / DPI
"""One printer dot in points, 0.125 mm."""

MIN_CODE128_DOTS = 2
"""0.25 mm bars: the narrowest that ordinary hand scanners read off a thermal label."""
SSCC_DOTS = 4
"""0.5005 mm: the first whole dot above the 0.495 mm that GS1 asks for on logistic units."""
SSCC_MIN_HEIGHT_MM = 31.75
"""GS1 General Specifications, height of a GS1-128 on a logistic unit."""

Symbology = Literal["ean13", "ean8", "upca", "itf14", "code128"]
_GTIN_LENGTHS: dict[int, Symbology] = {8: "ean8", 12: "upca", 13: "ean13", 14: "itf14"}
_NAMES: dict[Symbology, str] = {
    "ean13": "EAN-13",
    "ean8": "EAN-8",
    "upca": "UPC-A",
    "itf14": "ITF-14",
    "code128": "Code 128",
}
_FNC1 = "\xf1"


@dataclass(frozen=True, slots=True)
class Symbol:
    """An encoded code, ready to draw: no text, no position, no size.

    `widths` are the runs in modules, bar first, bars and spaces alternating. `quiet` is the blank margin that
    the symbology demands, left and right, in modules. `guards` are the module ranges of the bars that reach
    down between the digits of a retail code. `zpl` is the field data that makes a printer build the very same
    bars.
    """

    widths: tuple[int, ...]
    quiet: tuple[int, int]
    hri: str
    guards: tuple[range, ...] = ()
    zpl: str = ""

    @property
    def modules(self) -> int:
        """Width without the quiet zones."""
        return sum(self.widths)

    @property
    def modules_with_quiet(self) -> int:
        """Width with both quiet zones: what the symbol needs on paper."""
        return self.modules + sum(self.quiet)

    def dots_that_fit(self, width_dots: float, least: int, most: int) -> int:
        """The widest whole-dot module for a strip of `width_dots`. Raises LabelError when `least` is too
        wide.
        """
        dots = min(most, int((width_dots + 1e-6) // self.modules_with_quiet))
        if dots < least:
            raise LabelError(
                f"The code {self.hri!r} needs {self.modules_with_quiet * least * 25.4 / DPI:.1f} mm with its"
                f" quiet zones, but only {width_dots * 25.4 / DPI:.1f} mm are left for it."
            )
        return dots


def check_digit(digits: str) -> str:
    """The GS1 mod-10 check digit of `digits`, which come without it: weights 3, 1, 3... from the right.

    One rule for GTIN, SSCC and GLN (GS1 General Specifications 7.9).
    """
    if not (digits.isascii() and digits.isdigit()):
        raise LabelError(f"A check digit needs digits only, not {digits!r}.")
    total = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def sscc(company_prefix: str, serial: int, extension: int = 0) -> str:
    """The 18 digits of a Serial Shipping Container Code: extension, company prefix, serial, check digit."""
    if not (company_prefix.isascii() and company_prefix.isdigit() and 4 <= len(company_prefix) <= 12):
        raise LabelError(f"A GS1 company prefix has 4 to 12 digits, not {company_prefix!r}.")
    if not 0 <= extension <= 9:
        raise LabelError(f"The extension digit of an SSCC is 0 to 9, not {extension}.")
    room = 16 - len(company_prefix)
    if not 0 <= serial < 10**room:
        raise LabelError(f"The serial {serial} does not fit the {room} digits that prefix {company_prefix} leaves.")
    body = f"{extension}{company_prefix}{serial:0{room}d}"
    return body + check_digit(body)


def verify_sscc(code: str) -> str:
    """Gives the code back, or raises LabelError when it is not 18 digits with the right check digit."""
    return _verify(code, 18, "SSCC")


def verify_product_code(code: str, symbology: Symbology) -> str:
    """Gives the code back, or raises LabelError: wrong length, not digits, or a check digit that does not
    agree.
    """
    if symbology == "code128":
        return code
    length = next(length for length, name in _GTIN_LENGTHS.items() if name == symbology)
    return _verify(code, length, _NAMES[symbology])


def symbology_of(code: str) -> Symbology:
    """What a product code is taken for: digits of a GTIN's length are that GTIN, all else is the brand's own
    text.
    """
    return _GTIN_LENGTHS.get(len(code), "code128") if code.isascii() and code.isdigit() else "code128"


def _verify(code: str, length: int, name: str) -> str:
    if not (code.isascii() and code.isdigit() and len(code) == length):
        raise LabelError(f"{code!r} is no {name}: that has exactly {length} digits.")
    right = check_digit(code[:-1])
    if code[-1] != right:
        raise LabelError(f"{code} is no {name}: its check digit is {code[-1]}, but the other digits give {right}.")
    return code


@lru_cache(maxsize=1024)
def code128_symbol(text: str) -> Symbol:
    """Plain Code 128 of printable ASCII, quiet zones of ten modules. Raises LabelError for anything else."""
    if not text or not all(" " <= character <= "~" for character in text):
        raise LabelError(f"Code 128 holds printable ASCII, at least one character, not {text!r}.")
    return _code128(text, text)


@lru_cache(maxsize=1024)
def sscc_symbol(code: str) -> Symbol:
    """GS1-128 of `(00)` and an SSCC, whose check digit is verified first."""
    code = verify_sscc(code)
    return _code128(f"{_FNC1}00{code}", f"(00) {code}")


def _code128(value: str, hri: str) -> Symbol:
    encoder: Any = Code128(value, quiet=0)
    encoder.validate()
    encoder.encode()
    pattern: str = encoder.decompose()
    widths = tuple(ord(element.upper()) - ord("A") + 1 for element in pattern)
    return Symbol(widths, (10, 10), hri, zpl=_zpl_invocations(encoder.encoded[:-2]))


def _zpl_invocations(values: Iterable[int]) -> str:
    """Code 128 symbol values as ^BC field data that names every subset itself.

    The printer then has nothing to choose, so its bars are as wide as the layout reckoned. `>` introduces a
    function (Zebra's ZPL II Programming Guide, table of invocation codes) and stands in for ^, ~ and itself.
    """
    subset, parts = "", []
    for value in values:
        if value in (104, 105):
            subset = "B" if value == 104 else "C"
            parts.append(">:" if subset == "B" else ">;")
        elif value == 102:
            parts.append(">8")
        elif subset == "B" and value == 99:
            subset = "C"
            parts.append(">5")
        elif subset == "C" and value == 100:
            subset = "B"
            parts.append(">6")
        elif subset == "C":
            parts.append(f"{value:02d}")
        else:
            parts.append({"^": "><", ">": ">0", "~": ">="}.get(chr(value + 32), chr(value + 32)))
    return "".join(parts)


@lru_cache(maxsize=1024)
def product_symbol(code: str, symbology: Symbology) -> Symbol:
    """The symbol of a product code; the check digit is verified, never corrected."""
    code = verify_product_code(code, symbology)
    match symbology:
        case "ean13":
            guards = (range(3), range(45, 50), range(92, 95))
            return Symbol(_runs(EuropeanArticleNumber13(code)), (11, 7), code, guards)
        case "ean8":
            guards = (range(3), range(31, 36), range(64, 67))
            return Symbol(_runs(EuropeanArticleNumber8(code)), (7, 7), code, guards)
        case "upca":
            # The first and the last digit of a UPC-A stand outside the bars, and theirs are long too.
            guards = (range(10), range(45, 50), range(85, 95))
            return Symbol(_runs(UniversalProductCodeA(code)), (9, 9), code, guards)
        case "itf14":
            # A narrow bar is two modules here and a wide one five: GS1's ratio of 2.5 in whole numbers.
            return Symbol(_runs(ITF(code, narrow=2, wide=5)), (20, 20), code)
        case "code128":
            return code128_symbol(code)


def _runs(encoder: Any) -> tuple[int, ...]:
    bits: str = encoder.build()[0]
    return tuple(len(list(run)) for _, run in groupby(bits))


def draw_symbol(canvas: Any, symbol: Symbol, x: float, y: float, height: float, dots: int, drop: float = 0) -> None:
    """Bars as vectors: lower left corner of the first bar at `x`, `y` in points, modules `dots` printer dots
    wide.

    `x` is moved to the nearest dot. Guard bars reach `drop` points further down.
    """
    left, module = round(x / DOT), dots * DOT
    ends = list(accumulate(symbol.widths))
    path = canvas.beginPath()
    for width, end in list(zip(symbol.widths, ends, strict=True))[::2]:
        below = drop if any(end - 1 in guard for guard in symbol.guards) else 0
        path.rect((left + (end - width) * dots) * DOT, y - below, width * module, height + below)
    canvas.drawPath(path, stroke=0, fill=1)


def draw_code128(
    canvas: Any,
    text: str,
    x: float,
    y: float,
    width: float,
    height: float,
    most_dots: int = 4,
    flush_right: bool = False,
) -> None:
    """Code 128 centred in the strip `width` x `height` points at `x`, `y`, as wide as fits, without any text.

    `flush_right` ends the bars at the strip's right end instead; the right quiet zone is then the caller's
    margin.
    """
    symbol = code128_symbol(text)
    dots = symbol.dots_that_fit(width / DOT, MIN_CODE128_DOTS, most_dots)
    spare = width - symbol.modules * dots * DOT
    draw_symbol(canvas, symbol, x + (spare if flush_right else spare / 2), y, height, dots)


def draw_product_code(
    canvas: Any,
    code: str,
    x: float,
    y: float,
    width: float,
    height: float,
    symbology: Symbology | None = None,
) -> None:
    """A product code with its digits, centred in the box `width` x `height` points whose lower left is `x`,
    `y`.

    Module width: EAN and UPC-A three dots, 0.375 mm (114 % of nominal, two dots would be under the 80 % that
    GS1 allows), four where there is room; ITF-14 narrow bars four dots, 0.5 mm (GS1 asks for 0.495 mm); Code
    128 two to three dots. Raises LabelError when the code is wrong or does not fit with its quiet zones.
    """
    kind = symbology or symbology_of(code)
    symbol = product_symbol(code, kind)
    least, most = {"itf14": (2, 2), "code128": (2, 3)}.get(kind, (3, 4))
    dots = symbol.dots_that_fit(width / DOT, least, most)
    spare = width - symbol.modules_with_quiet * dots * DOT
    left = round((x + spare / 2) / DOT + symbol.quiet[0] * dots) * DOT
    module = dots * DOT
    size = min(11.0, 8 * module) if symbol.guards else 8.5
    base = y + size + (0 if symbol.guards else 2)
    bearer = 4 * DOT * dots if kind == "itf14" else 0
    draw_symbol(canvas, symbol, left, base, y + height - base, dots, drop=5 * module)
    if bearer:
        for edge in (base - bearer, y + height - bearer):
            canvas.rect(left, edge, symbol.modules * module, bearer, stroke=0, fill=1)
    for text, centre in _digits(code, kind, symbol):
        draw_text(canvas, left + centre * module, y + (0 if bearer else 1.5), text, size, align="centre")


def _digits(code: str, kind: Symbology, symbol: Symbol) -> list[tuple[str, float]]:
    """What stands under the bars: text and the module that it is centred on."""
    match kind:
        case "ean13":
            return [(code[0], -6), (code[1:7], 24), (code[7:], 71)]
        case "ean8":
            return [(code[:4], 17), (code[4:], 50)]
        case "upca":
            return [(code[0], -6), (code[1:6], 27.5), (code[6:11], 67.5), (code[11], 101)]
        case _:
            return [(code, symbol.modules / 2)]
