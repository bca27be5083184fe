# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import BytesIO

import pypdfium2
import pytest
from PIL import Image

from labels.documents import (
    Manifest,
    ManifestPackage,
    PackingSlip,
    PickList,
    PickTask,
    SlipLine,
    SlipOrder,
    manifest_pdf,
    packing_slip_pdf,
    pick_list_pdf,
)
from labels.model import Address, Brand
from labels.text import LabelError

Scan = Callable[..., list[tuple[str, bytes]]]
Pages = Callable[[bytes], list[str]]


def _picture(form: str, size: tuple[int, int] = (300, 80)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, "#FF0000").save(buffer, form)
    return buffer.getvalue()


def _lines(count: int) -> tuple[SlipLine, ...]:
    return tuple(
        SlipLine(f"PB-{number:04d}", f"Soy candle number {number}, cedar & fig", 2, 2) for number in range(1, count + 1)
    )


SLIP = PackingSlip(
    brand=Brand("Pinebrook Candles", colour="#B45309"),
    shipment_ref="SH-2026-004211",
    ship_to=Address("Amelia O'Connor", ("148 Kingsland High Street",), "London", "E8 2NS", "United Kingdom"),
    orders=(
        SlipOrder("PB-10021", (SlipLine("A-1", "Candle", 3, 2), SlipLine("A-2", "Wick", 1, 1)), date(2026, 11, 20)),
        SlipOrder("PB-10044", (SlipLine("A-1", "Candle", 1, 1),)),
    ),
    carrier="Sandbox Express",
    tracking_number="SBX000012345678GB",
    package=1,
    packages=2,
    message="Thank you.\nPoured by hand.",
    returns="Returns within 30 days: pinebrook.example/returns",
)
PICKS = PickList(
    "PL-000123",
    "CART-07",
    "Northgate",
    (PickTask("A-02-01", "B-1", "Bottle", 12, "T3"), PickTask("A-01-09", "C-9", "Cup", 1, "T1")),
)
MANIFEST = Manifest(
    "MF-20261121-01",
    "Sandbox Express",
    "Northgate",
    date(2026, 11, 21),
    (ManifestPackage("SBX1", "SH-1", 417), ManifestPackage("SBX2", "SH-2", 1583)),
)


def test_a_consolidated_slip_lists_each_order_with_its_own_lines(pages_of: Pages) -> None:
    [page] = pages_of(packing_slip_pdf(SLIP))
    assert "OrderPB-10021placedon2026-11-20" in page
    first, second = page.split("OrderPB-10044")
    assert "A-1Candle321A-2Wick11" in first
    assert "A-1Candle11" in second
    assert "2orders,3lines,4unitsinthisbox,1nothere" in second
    for text in ("Thankyou.", "Pouredbyhand.", "pinebrook.example/returns", "SBX000012345678GB", "1of2"):
        assert text in page
    assert "Page1of1" in page


def test_the_shipment_on_the_slip_scans(scan: Scan) -> None:
    assert scan(packing_slip_pdf(SLIP)) == [("]C0", b"SH-2026-004211")]


def test_a_long_slip_goes_over_pages_that_say_which_they_are(pages_of: Pages) -> None:
    slip = replace(SLIP, orders=(SlipOrder("BIG-1", _lines(591)), *SLIP.orders))
    pages = pages_of(packing_slip_pdf(slip))
    assert [f"Page{number}of{len(pages)}" in page for number, page in enumerate(pages, 1)] == [True] * len(pages)
    assert all("OrderBIG-1,continued" in page for page in pages[1:-1])
    everything = "".join(pages)
    assert [everything.count(line.sku) for line in slip.orders[0].lines] == [1] * 591


def test_an_order_never_starts_at_the_foot_of_a_page_without_its_lines(pages_of: Pages) -> None:
    for count in range(18, 32):
        slip = replace(SLIP, orders=(SlipOrder("FIRST", _lines(count)), SlipOrder("SECOND", _lines(3))))
        page = next(page for page in pages_of(packing_slip_pdf(slip)) if "OrderSECOND" in page)
        assert "PB-0001" in page.split("OrderSECOND")[1]


def test_a_name_longer_than_a_page_is_printed_whole(pages_of: Pages) -> None:
    words = [f"word{number}" for number in range(3000)]
    slip = replace(SLIP, orders=(SlipOrder("R", (SlipLine("S", " ".join(words), 1, 1),)),))
    everything = "".join(pages_of(packing_slip_pdf(slip)))
    assert [word for word in words if word not in everything] == []


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_the_brands_logo_takes_the_place_of_its_name(form: str) -> None:
    pdf = packing_slip_pdf(replace(SLIP, brand=replace(SLIP.brand, logo=_picture(form))))
    document = pypdfium2.PdfDocument(pdf)
    picture = document[0].render(scale=1).to_pil().convert("RGB")
    document.close()
    red, green, blue = picture.getpixel((60, 60))
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_paper_comes_in_two_sizes(paper: str) -> None:
    document = pypdfium2.PdfDocument(packing_slip_pdf(replace(SLIP, paper=paper)))  # type: ignore[arg-type]
    size = tuple(round(side) for side in document[0].get_size())
    document.close()
    assert size == {"A4": (595, 842), "Letter": (612, 792)}[paper]


@pytest.mark.parametrize(
    ("brand", "sentence"),
    [
        (Brand("B", colour="red"), "#RRGGBB"),
        (Brand("B", logo=b"<svg/>"), "neither a readable PNG"),
        (Brand("B", logo=_picture("PNG")[:60]), "neither a readable PNG"),
        (Brand("B", logo=_picture("GIF")), "neither a readable PNG"),
        (Brand("B", logo=_picture("PNG", (4001, 4000))), "16,004,000 pixels"),
        (Brand("B" * 5000), "too long"),
    ],
)
def test_a_brand_that_cannot_be_printed_is_refused(brand: Brand, sentence: str) -> None:
    with pytest.raises(LabelError, match=sentence):
        packing_slip_pdf(replace(SLIP, brand=brand))


def test_a_sheet_about_nothing_is_refused() -> None:
    with pytest.raises(LabelError, match="at least one order"):
        packing_slip_pdf(replace(SLIP, orders=()))
    with pytest.raises(LabelError, match="at least one task"):
        pick_list_pdf(replace(PICKS, tasks=()))
    with pytest.raises(LabelError, match="at least one package"):
        manifest_pdf(replace(MANIFEST, packages=()))


def test_a_pick_list_keeps_the_walking_order_and_scans(scan: Scan, pages_of: Pages) -> None:
    pdf = pick_list_pdf(PICKS)
    [page] = pages_of(pdf)
    assert "1A-02-0112T3B-1Bottle2A-01-091T1C-9Cup" in page
    assert "2stops,13units" in page
    assert "CART-07" in page
    assert scan(pdf) == [("]C0", b"PL-000123")]


def test_a_manifest_lists_counts_and_scans(scan: Scan, pages_of: Pages) -> None:
    pdf = manifest_pdf(MANIFEST)
    [page] = pages_of(pdf)
    assert "1SBX1SH-10.417kg2SBX2SH-21.583kg" in page
    assert "2packages,2kg" in page
    assert "ReceivedbySandboxExpress" in page
    assert "2026-11-21" in page
    assert scan(pdf) == [("]C0", b"MF-20261121-01")]


def test_papers_are_the_same_bytes_for_the_same_data() -> None:
    logo = replace(SLIP, brand=replace(SLIP.brand, logo=_picture("PNG")))
    assert packing_slip_pdf(logo) == packing_slip_pdf(replace(logo))
    assert pick_list_pdf(PICKS) == pick_list_pdf(replace(PICKS))
    assert manifest_pdf(MANIFEST) == manifest_pdf(replace(MANIFEST))
