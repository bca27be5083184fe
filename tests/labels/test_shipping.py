# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.codes import sscc
from labels.model import Address, Money, weight_text
from labels.shipping import (
    HEIGHT,
    WIDTH,
    Bars,
    ShippingLabel,
    Text,
    shipping_label_pdf,
    shipping_label_zpl,
    shipping_labels_pdf,
    shipping_marks,
)
from labels.text import LabelError, text_width

Scan = Callable[..., list[tuple[str, bytes]]]
Pages = Callable[[bytes], list[str]]

WAREHOUSE = Address("Northgate Fulfilment", ("Unit 4, Harbour Road",), "Bristol", "BS1 4XE", "United Kingdom")
SHOPPER = Address(
    "Amelia O'Connor",
    ("Flat 12", "148 Kingsland High Street"),
    "London",
    "E8 2NS",
    "United Kingdom",
    phone="+44 20 7946 0812",
)
PLAIN = ShippingLabel(
    ship_from=WAREHOUSE,
    ship_to=SHOPPER,
    carrier="SANDBOX EXPRESS",
    service="Standard",
    tracking_number="1Z999AA10123456784",
    barcode="1Z999AA10123456784",
    weight_g=840,
    reference="PB-10021",
    brand_name="Pinebrook Candles",
)
FULL = replace(
    PLAIN,
    piece=2,
    pieces=3,
    master_tracking="1Z999AA10000000001",
    sscc=sscc("0614141", 7),
    cod=Money(129900, "INR"),
    routing="LHR-04-E8",
)
LONG = replace(
    FULL,
    ship_to=Address(
        "Dr. Wilhelmina Alexandra von Hohenstein-Weissenfels zu Sachsen-Altenburg und Lichtenstein",
        (
            "c/o The Extraordinarily Long Named Cooperative Society of Warehouse Keepers Ltd, Third Floor",
            "Taumatawhakatangihangakoauauotamateaturipukakapikimaungahoronukupokaiwhenuakitanatahu Road 1",
            "Behind the old post office, next to the blue water tank, opposite of the temple, ring twice",
        ),
        "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
        "LL61 5UJ",
        "United Kingdom of Great Britain and Northern Ireland",
        region="Isle of Anglesey",
        company="Wrocławska Spółdzielnia Producentów Świeżych Owoców i Warzyw Sp. z o.o.",
        phone="+44 1248 000 000 extension 12345",
    ),
    carrier="DEUTSCHE POST INTERNATIONAL PARCEL",
    service="Express Worldwide before 10:30 with signature",
    reference="ORDER-REF-0000000000000123456789, ANOTHER-REFERENCE-987654321",
)


def _texts(label: ShippingLabel) -> list[str]:
    to, sender = label.ship_to, label.ship_from
    return [
        to.name, *to.block(), label.brand_name, sender.name, *sender.block(phone=False), label.carrier,
        label.service, label.reference, label.tracking_number, weight_text(label.weight_g),
        f"{label.piece} of {label.pieces}",
    ]  # fmt: skip


def test_the_carrier_code_scans_to_exactly_what_the_carrier_gave(scan: Scan) -> None:
    assert scan(shipping_label_pdf(PLAIN)) == [("]C0", b"1Z999AA10123456784")]


def test_the_sscc_scans_as_gs1_below_the_carrier_code(scan: Scan) -> None:
    assert scan(shipping_label_pdf(FULL)) == [
        ("]C0", b"1Z999AA10123456784"),
        ("]C1", b"00006141410000000074"),
    ]


@pytest.mark.parametrize("label", [PLAIN, FULL, LONG])
def test_every_word_is_on_the_label(label: ShippingLabel, pages_of: Pages) -> None:
    [page] = pages_of(shipping_label_pdf(label))
    missing = [text for text in _texts(label) if "".join(text.split()) not in page]
    assert missing == []


@pytest.mark.parametrize("label", [PLAIN, FULL, LONG])
def test_nothing_reaches_over_the_edge_and_no_two_lines_overlap(label: ShippingLabel) -> None:
    texts = [mark for mark in shipping_marks(label) if isinstance(mark, Text)]
    for text in texts:
        width = text_width(text.text, text.size, text.bold)
        left = text.x - (width / 2 if text.align == "centre" else 0)
        assert 24 <= left <= left + width <= WIDTH - 24
        assert 24 <= text.y - 0.74 * text.size <= text.y <= HEIGHT - 24
    boxes = [(text.x if text.align == "left" else WIDTH / 2, text.y - 0.7 * text.size, text.y) for text in texts]
    clashes = [
        (one, other)
        for number, one in enumerate(boxes)
        for other in boxes[:number]
        if one[0] == other[0] and one[1] < other[2] and other[1] < one[2]
    ]
    assert clashes == []


@pytest.mark.parametrize("label", [PLAIN, FULL, replace(FULL, master_tracking=None), replace(FULL, cod=None)])
def test_the_carrier_code_is_the_tallest_thing_on_the_label(label: ShippingLabel) -> None:
    heights = [mark.height for mark in shipping_marks(label) if isinstance(mark, Bars)]
    assert heights[0] == max(heights)
    assert heights[1:] == ([254] if label.sscc else [])


def test_the_amount_to_collect_and_the_route_are_printed(pages_of: Pages) -> None:
    [page] = pages_of(shipping_label_pdf(FULL))
    assert "COLLECTINR1,299.00" in page
    assert "LHR-04-E8" in page
    assert "MASTER1Z999AA10000000001" in page
    [plain] = pages_of(shipping_label_pdf(PLAIN))
    assert "COLLECT" not in plain
    assert "MASTER" not in plain
    assert "SSCC" not in plain


@pytest.mark.parametrize("label", [PLAIN, FULL, LONG])
def test_the_same_data_give_the_same_bytes(label: ShippingLabel) -> None:
    shipping_label_pdf(LONG)
    assert shipping_label_pdf(label) == shipping_label_pdf(replace(label))
    assert shipping_label_zpl(label) == shipping_label_zpl(replace(label))


def test_labels_drawn_in_several_threads_are_the_same_as_drawn_alone() -> None:
    labels = [replace(LONG, reference=f"ŁÓDŹ-ΩЖ-{number}") for number in range(24)]
    alone = [shipping_label_pdf(label) for label in labels]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(shipping_label_pdf, labels)) == alone


def test_several_labels_come_one_per_page_in_their_order(scan: Scan, pages_of: Pages) -> None:
    labels = [replace(FULL, piece=piece, barcode=f"PIECE{piece}") for piece in (1, 2, 3)]
    pdf = shipping_labels_pdf(labels)
    assert len(pages_of(pdf)) == 3
    assert [scan(pdf, page)[0][1] for page in range(3)] == [b"PIECE1", b"PIECE2", b"PIECE3"]
    with pytest.raises(LabelError, match="no label to print"):
        shipping_labels_pdf([])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"barcode": "Ł"}, "printable ASCII"),
        ({"barcode": "X" * 60}, "quiet zones"),
        ({"sscc": "006141410000000075"}, "its check digit is 5"),
        ({"weight_g": -1}, "cannot be negative"),
        ({"reference": "REF " * 400}, "is too long for its place"),
        ({"ship_to": replace(SHOPPER, lines=("word " * 900,))}, "is too long for its place"),
    ],
)
def test_what_cannot_be_printed_right_is_not_printed(change: dict[str, object], sentence: str) -> None:
    label = replace(FULL, **change)  # type: ignore[arg-type]
    with pytest.raises(LabelError, match=sentence):
        shipping_label_pdf(label)
    with pytest.raises(LabelError, match=sentence):
        shipping_label_zpl(label)


def test_a_piece_outside_its_shipment_is_refused() -> None:
    with pytest.raises(LabelError, match="Piece 4 of 3 does not exist"):
        replace(FULL, piece=4)


def test_the_zpl_of_a_label_is_this() -> None:
    assert shipping_label_zpl(FULL).decode() == GOLDEN


def test_commands_in_a_name_stay_text() -> None:
    evil = replace(PLAIN, ship_to=replace(SHOPPER, name="Eve^XZ^XA~JR_5E^FS", company="a~b_c^d\r\n^XZ"))
    zpl = shipping_label_zpl(evil).decode()
    assert "Eve_5EXZ_5EXA_7EJR_5F5E_5EFS" in zpl
    assert "a_7Eb_5Fc_5Ed _5EXZ" in zpl
    assert zpl.count("^XA") == zpl.count("^XZ") == 1
    assert "~" not in zpl
    fields = [line for line in zpl.splitlines() if "^A0N" in line]
    assert all(line.count("^") == 5 for line in fields if "^FR" not in line)


@settings(max_examples=60, deadline=None)
@given(
    st.text(min_size=1, max_size=40),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12),
)
def test_no_text_can_leave_its_field(name: str, code: str) -> None:
    label = replace(PLAIN, ship_to=replace(SHOPPER, name=name), barcode=code)
    plain, evil = (shipping_label_zpl(each).decode().splitlines() for each in (PLAIN, label))
    commands = [line for line in evil if not line.startswith("^FO")]
    assert commands == [line for line in plain if not line.startswith("^FO")]
    for line in evil:
        if line.startswith("^FO"):
            assert line.endswith("^FS")
            assert line.count("^FD") <= 1
            assert not {"^", "~"} & set(line.partition("^FD")[2].removesuffix("^FS"))


GOLDEN = """\
^XA
^CI28
^PW812
^LL1218
^LH0,0
^FO24,24^GB764,3,3^FS
^FO24,1191^GB764,3,3^FS
^FO24,24^GB3,1170,3^FS
^FO785,24^GB3,1170,3^FS
^FO36,48^A0N,36,36^FH^FDSANDBOX EXPRESS^FS
^FO416,24^GB372,78,78^FS
^FO428,44^FR^A0N,46,46^FH^FDStandard^FS
^FO24,102^GB764,3,3^FS
^FO460,102^GB3,126,3^FS
^FO36,114^A0N,17,17^FH^FDFROM^FS
^FO100,113^A0N,18,18^FH^FDPinebrook Candles^FS
^FO100,134^A0N,18,18^FH^FDNorthgate Fulfilment^FS
^FO100,156^A0N,18,18^FH^FDUnit 4, Harbour Road^FS
^FO100,177^A0N,18,18^FH^FDBristol BS1 4XE^FS
^FO100,198^A0N,18,18^FH^FDUnited Kingdom^FS
^FO460,165^GB328,2,2^FS
^FO475,114^A0N,17,17^FH^FDPIECE^FS
^FO475,134^A0N,29,29^FH^FD2 of 3^FS
^FO625,114^A0N,17,17^FH^FDWEIGHT^FS
^FO625,134^A0N,29,29^FH^FD840 g^FS
^FO475,177^A0N,17,17^FH^FDREF^FS
^FO519,184^A0N,30,30^FH^FDPB-10021^FS
^FO24,228^GB764,3,3^FS
^FO36,240^A0N,17,17^FH^FDSHIP TO^FS
^FO132,243^A0N,27,27^FH^FDAmelia O'Connor^FS
^FO132,275^A0N,27,27^FH^FDFlat 12^FS
^FO132,307^A0N,27,27^FH^FD148 Kingsland High Street^FS
^FO132,338^A0N,27,27^FH^FDLondon E8 2NS^FS
^FO132,370^A0N,27,27^FH^FDUnited Kingdom^FS
^FO132,402^A0N,27,27^FH^FDTel. +44 20 7946 0812^FS
^FO24,440^GB764,3,3^FS
^FO416,440^GB372,72,72^FS
^FO428,463^FR^A0N,31,31^FH^FDCOLLECT INR 1,299.00^FS
^FO36,451^A0N,61,61^FH^FDLHR-04-E8^FS
^FO24,512^GB764,3,3^FS
^FO122,532^BY3^BCN,282,N,N,N,N^FD>:1Z999AA1>50123456784^FS
^FO143,826^A0N,33,33^FH^FDTRACKING 1Z999AA10123456784^FS
^FO242,860^A0N,22,22^FH^FDMASTER 1Z999AA10000000001^FS
^FO24,888^GB764,3,3^FS
^FO94,904^BY4^BCN,254,N,N,N,N^FD>;>800006141410000000074^FS
^FO217,1164^A0N,25,25^FH^FDSSCC (00) 006141410000000074^FS
^PQ1
^XZ
"""
