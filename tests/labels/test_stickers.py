# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable

import pytest

from labels.stickers import (
    Badge,
    BinLabel,
    SkuLabel,
    ToteLabel,
    badge_labels_pdf,
    bin_labels_pdf,
    sku_labels_pdf,
    tote_labels_pdf,
)
from labels.text import LabelError

Scan = Callable[..., list[tuple[str, bytes]]]
Pages = Callable[[bytes], list[str]]

GOODS = [
    SkuLabel("4006381333931", "PEN-1", "Fine liner, black"),
    SkuLabel("96385074", "GUM", "Chewing gum"),
    SkuLabel("036000291452", "TISSUE", "Tissues"),
    SkuLabel("15400141288763", "CASE-12", "Case of 12"),
    SkuLabel("85123A", "85123A", "White hanging heart t-light holder"),
    SkuLabel("12345678", "OWN-8", "A brand's own eight digits", "code128"),
]


def test_bin_labels_scan_and_read_alike(scan: Scan, pages_of: Pages) -> None:
    pdf = bin_labels_pdf([BinLabel("A-01-03-B", "Ambient"), BinLabel("MEZZ-14-22-LEFT-07")])
    assert [scan(pdf, page) for page in (0, 1)] == [[("]C0", b"A-01-03-B")], [("]C0", b"MEZZ-14-22-LEFT-07")]]
    assert pages_of(pdf) == ["BINAmbientA-01-03-B", "BINMEZZ-14-22-LEFT-07"]


def test_tote_labels_scan_and_read_alike(scan: Scan, pages_of: Pages) -> None:
    pdf = tote_labels_pdf([ToteLabel("T-00042", "Fragile")])
    assert scan(pdf) == [("]C0", b"T-00042")]
    assert pages_of(pdf) == ["TOTEFragileT-00042"]


def test_goods_labels_carry_the_code_that_the_goods_have(scan: Scan, pages_of: Pages) -> None:
    pdf = sku_labels_pdf(GOODS)
    assert [scan(pdf, page) for page in range(6)] == [
        [("]E0", b"4006381333931")],
        [("]E4", b"96385074")],
        [("]E0", b"0036000291452")],
        [("]I1", b"15400141288763")],
        [("]C0", b"85123A")],
        [("]C0", b"12345678")],
    ]
    assert pages_of(pdf)[4] == "85123AWhitehangingheartt-lightholder85123A"


def test_a_wrong_check_digit_stops_the_whole_roll() -> None:
    with pytest.raises(LabelError, match="its check digit is 2, but the other digits give 1"):
        sku_labels_pdf([*GOODS, SkuLabel("4006381333932", "PEN-2", "Fine liner, red")])


def test_a_badge_scans_and_names_its_owner(scan: Scan, pages_of: Pages) -> None:
    pdf = badge_labels_pdf([Badge("Amara Okafor", "Picker", "WMS-7F3K9Q", "Northgate")])
    assert scan(pdf) == [("]C0", b"WMS-7F3K9Q")]
    assert pages_of(pdf) == ["NorthgateAmaraOkaforPickerWMS-7F3K9Q"]


def test_an_empty_roll_is_refused() -> None:
    for make in (bin_labels_pdf, tote_labels_pdf, sku_labels_pdf, badge_labels_pdf):
        with pytest.raises(LabelError, match="no label to print"):
            make([])


def test_a_code_too_long_for_its_label_is_refused() -> None:
    with pytest.raises(LabelError, match="quiet zones"):
        bin_labels_pdf([BinLabel("X" * 40)])


def test_labels_are_the_same_bytes_for_the_same_data() -> None:
    assert sku_labels_pdf(GOODS) == sku_labels_pdf(list(GOODS))
