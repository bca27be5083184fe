# SPDX-License-Identifier: Apache-2.0
"""Shipping labels as PDF: two bar codes and a page of text, against reportlab drawing one string on as many pages."""

import time
from io import BytesIO
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from bench.figures import Figure
from labels.codes import check_digit
from labels.model import Address
from labels.shipping import ShippingLabel, shipping_label_pdf

_FROM = Address("", ("Unit 4, Marsh Gate Lane",), "London", "E15 2NH", "GB", company="Holdfast Fulfilment")


def label(number: int) -> ShippingLabel:
    """Returns one of many different labels."""
    serial = f"050609876{number:08d}"
    to = Address(
        f"Asha Rao {number}", (f"{number} Market Row", "Flat 3"), "Leeds", "LS1 4DY", "GB", phone="0113 496 0102"
    )
    return ShippingLabel(
        ship_from=_FROM,
        ship_to=to,
        carrier="Sandbox",
        service="Standard",
        tracking_number=f"SBX{number:010d}",
        barcode=f"SBX{number:010d}",
        weight_g=740,
        reference=f"ORDER-{number:06d}",
        brand_name="Bench",
        sscc=serial + check_digit(serial),
    )


def measure(count: int = 500, rounds: int = 5) -> list[Figure]:
    """Prints ``count`` labels a round, one document each as the bench prints them."""
    ours, floor, size = [], [], 0
    made = [label(number) for number in range(1, count + 1)]
    shipping_label_pdf(made[0])
    for _ in range(rounds):
        started = time.perf_counter()
        for number in range(1, count + 1):
            _one_string(f"ORDER-{number:06d}")
        floor.append(count / (time.perf_counter() - started))
        started = time.perf_counter()
        for one in made:
            size = len(shipping_label_pdf(one))
        ours.append(count / (time.perf_counter() - started))
    notes = {"labels": count, "bytes_each": size}
    return [Figure("labels", "labels/s", ours, floor, "reportlab, one string on one page of the same size", notes)]


def _one_string(text: str) -> bytes:
    buffer = BytesIO()
    canvas: Any = Canvas(buffer, pagesize=(288, 432), invariant=1)
    canvas.drawString(20, 20, text)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()
