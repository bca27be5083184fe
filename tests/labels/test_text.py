# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from labels.text import LabelError, Paragraph, draw_text, fit, printable, text_width, unprintable, wrap


def test_what_no_font_shows_becomes_a_visible_question_mark() -> None:
    assert printable("Łukasz Żółć, ş, Ωμέγα, Жанна") == "Łukasz Żółć, ş, Ωμέγα, Жанна"
    assert printable("东京 서울") == "东京 서울"
    assert printable("राम") == "???"
    assert printable("שלום") == "????"
    assert printable("محمد 12") == "???? 12"
    assert printable("Go 🚀") == "Go ?"


def test_the_characters_that_are_lost_are_named() -> None:
    assert unprintable("Łódź? 🚀 东") == frozenset("🚀")
    assert unprintable("Plain") == frozenset()


def test_invisible_characters_and_line_breaks_cannot_move_the_text() -> None:
    assert printable("A\u200bB\u202eC\tD\nE\x00F\xad") == "ABC D EF"


def test_composed_and_decomposed_letters_print_alike() -> None:
    assert printable("Ame\u0301lie") == "Amélie"


@pytest.mark.parametrize("text", ["Łódź", "Ωμέγα", "Žižkov", "东京", "서울", "a Ł b 中 c"])
def test_text_beyond_western_europe_reaches_the_page(text: str, pages_of: Callable[[bytes], list[str]]) -> None:
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(288, 72), invariant=1)
    draw_text(canvas, 20, 30, text, 12)
    canvas.save()
    assert pages_of(buffer.getvalue()) == ["".join(text.split())]


def test_a_word_wider_than_the_line_is_broken_and_loses_nothing() -> None:
    lines = wrap("short Donaudampfschifffahrtsgesellschaft end", 10, 60)
    assert "".join(lines).replace(" ", "") == "shortDonaudampfschifffahrtsgesellschaftend"
    assert all(text_width(line, 10) <= 60 for line in lines)


def test_type_shrinks_until_everything_fits() -> None:
    wanted = [Paragraph("Amelia O'Connor", bold=True), Paragraph("148 Kingsland High Street, London")]
    assert [fit(wanted, 200, height, 20, 5).size for height in (200, 40, 20)] == [20, 12, 8]


def test_text_that_cannot_fit_is_refused() -> None:
    with pytest.raises(LabelError, match="'word word word word word word word word ' is too long"):
        fit([Paragraph("word " * 500)], 100, 30, 12, 5)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.integers(min_value=30, max_value=300))
def test_wrapping_keeps_every_character_inside_the_line(text: str, width: int) -> None:
    lines = wrap(text, 9, width)
    assert "".join("".join(lines).split()) == "".join(printable(text).split())
    assert all(text_width(line, 9) <= width for line in lines)
