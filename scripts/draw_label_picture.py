# SPDX-License-Identifier: Apache-2.0
"""Draws the label that the README shows, as a 203 dpi printer would print it."""

from pathlib import Path

import pypdfium2

from labels.model import Address
from labels.shipping import ShippingLabel, shipping_label_pdf

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "label.png"

label = ShippingLabel(
    ship_from=Address("Fennel & Finch", ("Unit 4, Marsh Gate Lane",), "London", "E15 2NH", "GB"),
    ship_to=Address("Asha Rao", ("12 Market Row", "Flat 3"), "London", "SW9 8LB", "GB", phone="+44 20 7946 0321"),
    carrier="SANDBOX",
    service="Standard",
    tracking_number="SB7356957734158",
    barcode="SB7356957734158",
    weight_g=1010,
    reference="F-1001, F-1004",
    brand_name="Fennel & Finch",
    piece=1,
    pieces=2,
    master_tracking="SB7356957734000",
    sscc="006141410000000074",
)
page = pypdfium2.PdfDocument(shipping_label_pdf(label))[0]
PICTURE.parent.mkdir(parents=True, exist_ok=True)
page.render(scale=203 / 72, grayscale=True).to_pil().save(PICTURE, optimize=True)
