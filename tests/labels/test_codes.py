# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from io import BytesIO
from itertools import groupby
from typing import Any

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from labels.codes import (
    DOT,
    DPI,
    SSCC_DOTS,
    Symbology,
    check_digit,
    code128_symbol,
    draw_code128,
    draw_product_code,
    draw_symbol,
    product_symbol,
    sscc,
    sscc_symbol,
    symbology_of,
    verify_product_code,
    verify_sscc,
)
from labels.text import LabelError

Scan = Callable[..., list[tuple[str, bytes]]]
_PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=24)
_MANY_DIGITS = st.text("0123456789AZ", min_size=1, max_size=30)


def _page(draw: Callable[[Any], None], width: float = 288, height: float = 144) -> bytes:
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(width, height), invariant=1)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_check_digits_agree_with_published_numbers() -> None:
    assert check_digit("400638133393") == "1"
    assert check_digit("9638507") == "4"
    assert check_digit("03600029145") == "2"
    assert check_digit("1540014128876") == "3"
    assert check_digit("10614141000000007") == "1"


def test_an_sscc_has_extension_prefix_serial_and_check_digit() -> None:
    assert sscc("0614141", 7, extension=1) == "106141410000000071"
    assert sscc("061414100000", 9999) == "006141410000099993"


@pytest.mark.parametrize(
    ("prefix", "serial", "extension"),
    [("061", 1, 0), ("0614141000000", 1, 0), ("06141A1", 1, 0), ("0614141", -1, 0), ("0614141", 10**9, 0),
     ("0614141", 1, 10), ("٠٦١٤١٤١", 1, 0)],
)  # fmt: skip
def test_an_impossible_sscc_is_refused(prefix: str, serial: int, extension: int) -> None:
    with pytest.raises(LabelError):
        sscc(prefix, serial, extension)


@pytest.mark.parametrize(
    ("code", "symbology", "sentence"),
    [
        (
            "4006381333932",
            "ean13",
            "4006381333932 is no EAN-13: its check digit is 2, but the other digits give 1.",
        ),
        ("96385075", "ean8", "96385075 is no EAN-8: its check digit is 5, but the other digits give 4."),
        (
            "036000291453",
            "upca",
            "036000291453 is no UPC-A: its check digit is 3, but the other digits give 2.",
        ),
        (
            "15400141288764",
            "itf14",
            "15400141288764 is no ITF-14: its check digit is 4, but the other digits give 3.",
        ),
        ("400638133393", "ean13", "'400638133393' is no EAN-13: that has exactly 13 digits."),
        ("40063813339A1", "ean13", "'40063813339A1' is no EAN-13: that has exactly 13 digits."),
    ],
)
def test_a_wrong_product_code_is_refused_and_nothing_is_drawn(code: str, symbology: Symbology, sentence: str) -> None:
    with pytest.raises(LabelError) as refusal:
        verify_product_code(code, symbology)
    assert str(refusal.value) == sentence
    canvas = Canvas(BytesIO(), pagesize=(288, 144), invariant=1)
    before = list(canvas._code)
    with pytest.raises(LabelError):
        draw_product_code(canvas, code, 0, 0, 288, 80, symbology)
    assert canvas._code == before


def test_a_wrong_sscc_is_refused() -> None:
    with pytest.raises(LabelError, match="its check digit is 2, but the other digits give 1"):
        verify_sscc("106141410000000072")
    with pytest.raises(LabelError, match="exactly 18 digits"):
        sscc_symbol("10614141000000007")


def test_digits_of_a_gtins_length_are_that_gtin_and_all_else_is_text() -> None:
    codes = ["96385074", "036000291452", "4006381333931", "15400141288763", "85123A", "12345", "٩٦٣٨٥٠٧٤"]
    assert [symbology_of(code) for code in codes] == [
        "ean8", "upca", "ean13", "itf14", "code128", "code128", "code128",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "Zürich", "tab\there", "\xf1", "\x7f"])
def test_code_128_refuses_what_it_cannot_hold(text: str) -> None:
    with pytest.raises(LabelError, match="printable ASCII"):
        code128_symbol(text)


def test_a_code_that_does_not_fit_with_its_quiet_zones_is_refused() -> None:
    narrow = (code128_symbol("ABC").modules_with_quiet * 2 - 1) * DOT
    canvas = Canvas(BytesIO())
    with pytest.raises(LabelError, match="quiet zones"):
        draw_code128(canvas, "ABC", 0, 0, narrow, 40)


def test_an_sscc_is_drawn_at_the_width_that_gs1_asks_for() -> None:
    symbol = sscc_symbol("106141410000000071")
    assert symbol.modules == 156
    assert symbol.quiet == (10, 10)
    assert round(symbol.modules_with_quiet * SSCC_DOTS * DOT / 72 * 25.4, 1) == 88.1


def test_an_sscc_scans_as_gs1_128(scan: Scan) -> None:
    symbol = sscc_symbol("106141410000000071")
    pdf = _page(lambda canvas: draw_symbol(canvas, symbol, 20, 20, 90, SSCC_DOTS))
    assert scan(pdf) == [("]C1", b"00106141410000000071")]


@pytest.mark.parametrize(
    ("code", "identifier", "content"),
    [
        ("4006381333931", "]E0", b"4006381333931"),
        ("96385074", "]E4", b"96385074"),
        ("036000291452", "]E0", b"0036000291452"),
        ("15400141288763", "]I1", b"15400141288763"),
        ("85123A", "]C0", b"85123A"),
        ("990011", "]C0", b"990011"),
        ("POST", "]C0", b"POST"),
    ],
)
def test_every_kind_of_product_code_scans(scan: Scan, code: str, identifier: str, content: bytes) -> None:
    pdf = _page(lambda canvas: draw_product_code(canvas, code, 3, 10, 216, 80))
    assert scan(pdf) == [(identifier, content)]


def test_a_brands_own_eight_digits_can_be_drawn_as_code_128(scan: Scan) -> None:
    pdf = _page(lambda canvas: draw_product_code(canvas, "12345678", 0, 10, 216, 80, "code128"))
    assert scan(pdf) == [("]C0", b"12345678")]


@settings(max_examples=60, deadline=None)
@given(_PRINTABLE | _MANY_DIGITS)
def test_any_printable_text_scans_as_code_128(scan: Scan, text: str) -> None:
    symbol = code128_symbol(text)
    width = (symbol.modules_with_quiet * 2 + 2) * DOT
    pdf = _page(lambda canvas: draw_code128(canvas, text, 0, 10, width, 40, most_dots=2), width, 60)
    assert scan(pdf) == [("]C0", text.encode())]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([7, 11, 12, 13]), st.integers(min_value=0, max_value=10**13 - 1))
def test_any_gtin_scans(scan: Scan, length: int, number: int) -> None:
    body = f"{number % 10**length:0{length}d}"
    code = body + check_digit(body)
    pdf = _page(lambda canvas: draw_product_code(canvas, code, 1, 8, 280, 90))
    assert [content.decode().zfill(14) for _, content in scan(pdf)] == [code.zfill(14)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9), st.integers(0, 10**9 - 1), st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_in_an_sscc_is_always_noticed(extension: int, serial: int, place: int, by: int) -> None:
    right = sscc("0614141", serial, extension)
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    assert verify_sscc(right) == right
    with pytest.raises(LabelError):
        verify_sscc(wrong)


def _as_the_printer_reads(field: str) -> tuple[str, int]:
    """Text and module count of ^BC mode N data by Zebra's table of invocation codes."""
    subset = {">:": "B", ">;": "C"}[field[:2]]
    text, symbols, at = "", 1, 2
    while at < len(field):
        piece = field[at : at + 2]
        symbols += 1
        at += 2
        if piece == ">8":
            text += "\x1d"
        elif subset == "B" and piece == ">5":
            subset = "C"
        elif subset == "C" and piece == ">6":
            subset = "B"
        elif subset == "B" and piece in ("><", ">0", ">="):
            text += {"><": "^", ">0": ">", ">=": "~"}[piece]
        elif subset == "C":
            assert piece.isdigit()
            assert len(piece) == 2
            text += piece
        else:
            text += piece[0]
            at -= 1
    return text, 11 * (symbols + 1) + 13


@settings(max_examples=300, deadline=None)
@given(_PRINTABLE | _MANY_DIGITS)
def test_a_printer_builds_the_same_bars_from_the_zpl(text: str) -> None:
    symbol = code128_symbol(text)
    assert _as_the_printer_reads(symbol.zpl) == (text, symbol.modules)
    assert not {"^", "~"} & set(symbol.zpl)


def test_the_zpl_of_an_sscc_starts_with_fnc1() -> None:
    assert sscc_symbol("106141410000000071").zpl == ">;>800106141410000000071"


@pytest.mark.parametrize("x", [31.4159, 10.5 * DOT, 72.0])
def test_bars_lie_on_whole_dots_wherever_they_are_put(x: float) -> None:
    symbol = product_symbol("4006381333931", "ean13")
    document = pypdfium2.PdfDocument(_page(lambda canvas: draw_symbol(canvas, symbol, x, 20, 60, 3)))
    image = document[0].render(scale=DPI / 72, grayscale=True).to_pil()
    document.close()
    # A level of 254 is what the sixth decimal of a PDF number leaves of white; any true grey is a split dot.
    levels = {0: "bar", 254: "space", 255: "space"}
    row = [levels.get(image.getpixel((column, 250)), "grey") for column in range(image.width)]
    runs = [(level, len(list(run))) for level, run in groupby(row)]
    wanted = [("space" if place % 2 else "bar", 3 * width) for place, width in enumerate(symbol.widths)]
    assert runs[1:-1] == wanted
