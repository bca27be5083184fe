# SPDX-License-Identifier: Apache-2.0
import pytest
from pydantic import ValidationError

from labels.codes import check_digit
from wms.catalog.imports import read_sku_csv
from wms.catalog.schemas import SkuIn, countries
from wms.platform.errors import Invalid
from wms.platform.tabular import BadLine, GoodLine
from wms.platform.validation import FieldError, field_errors


def test_a_file_is_read_line_by_line() -> None:
    text = (
        "\ufeffCode, name ,barcodes,weight_g,lot_tracked,origin_country\r\n"
        'A-1,"Mug, sand",5012345678900|MUG,340,yes,PT\r\n'
        "\r\n"
        'A-2,"Two\nlines",,,,\r\n'
        "A-3,Bowl,,,no,\r\n"
    )
    assert list(read_sku_csv(text.splitlines(keepends=True))) == [
        GoodLine(
            2,
            SkuIn(
                code="A-1",
                name="Mug, sand",
                barcodes=["5012345678900", "MUG"],
                weight_g=340,
                lot_tracked=True,
                origin_country="PT",
            ),
        ),
        GoodLine(4, SkuIn(code="A-2", name="Two\nlines")),
        GoodLine(6, SkuIn(code="A-3", name="Bowl")),
    ]


def test_a_bad_line_says_its_number_and_every_fault_and_the_next_line_is_read() -> None:
    lines = [
        "code,name,barcodes,weight_g\n",
        "A-1,,5012345678901,heavy\n",
        "A-2\n",
        "A-3,Bowl,,5\n",
    ]
    assert list(read_sku_csv(lines)) == [
        BadLine(
            2,
            (
                FieldError("name", "Field required"),
                FieldError(
                    "barcodes.0", "5012345678901 is no EAN-13: its check digit is 1, but the other digits give 0."
                ),
                FieldError("weight_g", "Input should be a valid integer, unable to parse string as an integer"),
            ),
        ),
        BadLine(3, (FieldError("", "The line has 1 cells, the header has 4."),)),
        GoodLine(4, SkuIn(code="A-3", name="Bowl", weight_g=5)),
    ]


def test_an_unclosed_quotation_mark_is_a_bad_line_and_not_the_end_of_the_world() -> None:
    found = list(read_sku_csv(["code,name\n", 'A-1,"' + "x" * 30_000 + "\n", "A-2,Bowl\n"]))
    assert [type(line) for line in found] == [BadLine, GoodLine]
    assert found[0].line == 2


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("code,title\n", "The header names 'title'"),
        ("code,name,code\n", "The header names a column twice."),
        ("name\n", "The header lacks code."),
        ("", "The header lacks name, code."),
    ],
)
def test_a_header_that_cannot_be_trusted_stops_the_file(header: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        list(read_sku_csv([header, "A,B\n"] if header else []))


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"barcodes": ["50123453"]}, "barcodes.0", "50123453 is no EAN-8"),
        ({"barcodes": ["012345678901"]}, "barcodes.0", "012345678901 is no UPC-A"),
        ({"barcodes": ["15012345678901"]}, "barcodes.0", "15012345678901 is no ITF-14"),
        ({"barcodes": ["A", "A"]}, "barcodes", "A barcode is listed twice."),
        ({"hs_code": "12345"}, "hs_code", "An HS code has 6, 8 or 10 digits, such as 6109.10."),
        ({"origin_country": "XX"}, "origin_country", "There is no country XX"),
        ({"length_mm": 10}, "", "Give length_mm, width_mm and height_mm together, or none of them."),
        ({"declared_value_minor": 1}, "", "Give declared_value_minor and currency together, or neither."),
        ({"code": "a/b"}, "code", "String should match pattern"),
        ({"code": " "}, "code", "String should match pattern"),
        ({"weight_g": -1}, "weight_g", "Input should be greater than or equal to 0"),
    ],
)
def test_an_article_that_cannot_be_is_refused_with_a_sentence(
    fields: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        SkuIn.model_validate({"code": "A", "name": "A", **fields})
    (error,) = field_errors(refusal.value)
    assert error.field == field
    assert error.message.startswith(words)


@pytest.mark.parametrize("digits", ["5012345", "01234567890", "501234567890", "1501234567890"])
def test_a_gtin_with_its_right_check_digit_is_taken(digits: str) -> None:
    code = digits + check_digit(digits)
    assert SkuIn(code="A", name="A", barcodes=[code]).barcodes == [code]


@pytest.mark.parametrize("code", ["1234567", "123456789", "MUG-1", "!"])
def test_any_other_text_is_the_brands_own_code(code: str) -> None:
    assert SkuIn(code="A", name="A", barcodes=[code]).barcodes == [code]


def test_countries_are_countries() -> None:
    assert {"GB", "IN", "US", "TW"} <= countries()
    assert "ZZ" not in countries()
