# SPDX-License-Identifier: Apache-2.0
"""What the two demonstration brands sell, who works in the demonstration warehouse, and what stands in it."""

from dataclasses import dataclass
from typing import Any, Final

from labels.codes import check_digit
from wms.brands.models import OnShortage, OnShortPick, Policy


@dataclass(frozen=True)
class Person:
    badge: str
    name: str
    pin: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Shop:
    """A brand before it is one. ``stock`` of an article is how many lie in which bin."""

    code: str
    name: str
    colour: str
    policy: Policy
    articles: tuple["Article", ...]


@dataclass(frozen=True)
class Article:
    """Grams, millimetres and pence; ``barcodes`` are EAN-13."""

    code: str
    name: str
    barcodes: tuple[str, ...]
    weight_g: int
    size_mm: tuple[int, int, int]
    hs_code: str
    origin: str
    value: int
    stock: tuple[tuple[str, int], ...]
    lot: str = ""

    def as_draft(self) -> dict[str, Any]:
        """The fields of the catalogue's own draft of an article."""
        length, width, height = self.size_mm
        return {
            "code": self.code,
            "name": self.name,
            "barcodes": list(self.barcodes),
            "weight_g": self.weight_g,
            "length_mm": length,
            "width_mm": width,
            "height_mm": height,
            "hs_code": self.hs_code,
            "origin_country": self.origin,
            "declared_value_minor": self.value,
            "currency": "GBP",
            "lot_tracked": bool(self.lot),
        }


def _ean(item: int) -> str:
    digits = f"50609876{item:04d}"
    return digits + check_digit(digits)


def _article(
    item: int,
    code: str,
    name: str,
    weight_g: int,
    size_mm: tuple[int, int, int],
    customs: tuple[str, str, int],
    *stock: tuple[str, int],
    **more: Any,
) -> Article:
    hs_code, origin, value = customs
    return Article(code, name, (_ean(item),), weight_g, size_mm, hs_code, origin, value, stock, **more)


FENNEL: Final = Shop(
    code="fennel",
    name="Fennel & Finch",
    colour="#2f6f4f",
    policy=Policy(
        edit_window_seconds=60,
        processing_seconds=3600,
        on_shortage=OnShortage.REJECT,
        on_short_pick=OnShortPick.CANCEL_LINE,
        packing_slip_message="Thank you for cooking with us. Something wrong? hello@fennelandfinch.example",
    ),
    articles=(
        _article(11, "FF-APRON-OLV", "Linen apron, olive", 310, (280, 220, 30), ("621142", "LT", 3400), ("A-01-1", 60)),
        _article(12, "FF-TOWEL-STR", "Tea towels, pair", 180, (240, 180, 25), ("630260", "IN", 1450),
                 ("A-01-2", 80), ("B-01-2", 40)),
        _article(13, "FF-BOWL-SML", "Stoneware bowl, small", 390, (140, 140, 70), ("691200", "PT", 1200),
                 ("A-02-1", 90)),
        _article(14, "FF-BOWL-LRG", "Stoneware serving bowl, large", 1280, (290, 290, 110), ("691200", "PT", 3900),
                 ("A-02-2", 40)),
        _article(15, "FF-MUG-SAND", "Mug, sand glaze, 350 ml", 340, (120, 95, 100), ("691200", "PT", 1500),
                 ("A-02-3", 120)),
        _article(16, "FF-BOARD-OAK", "Oak chopping board, 40 cm", 1450, (400, 260, 22), ("441911", "GB", 4200),
                 ("A-03-1", 30)),
        _article(17, "FF-TEA-ASSAM", "Loose-leaf Assam, 250 g", 275, (110, 80, 190), ("090230", "IN", 1150),
                 ("A-03-2", 75), lot="L2611"),
        _article(18, "FF-SPOON-SET", "Beech spoons, set of four", 160, (320, 70, 35), ("441919", "SE", 1600),
                 ("A-03-3", 65)),
        _article(19, "FF-CANDLE-FIG", "Candle, fig and cedar", 420, (90, 90, 110), ("340600", "GB", 2200),
                 ("A-04-1", 50)),
        _article(20, "FF-BOOK-SOUP", "The Soup Book, hardback", 980, (265, 205, 24), ("490199", "IT", 2500),
                 ("A-04-2", 3)),
    ),
)  # fmt: skip

JUNIPER: Final = Shop(
    code="juniper",
    name="Juniper Trail",
    colour="#8a3b12",
    policy=Policy(
        edit_window_seconds=300,
        max_hold_seconds=86_400,
        on_shortage=OnShortage.BACKORDER,
        on_short_pick=OnShortPick.BACKORDER,
        packing_slip_message="See you outside. Returns within 60 days: junipertrail.example/returns",
    ),
    articles=(
        _article(51, "JT-BOTTLE-07", "Steel bottle, 0.7 l", 330, (75, 75, 260), ("732393", "CN", 2400),
                 ("B-01-1", 100)),
        _article(52, "JT-SOCK-M", "Merino socks, M", 85, (200, 110, 40), ("611594", "IT", 1800), ("B-01-3", 150)),
        _article(53, "JT-SOCK-L", "Merino socks, L", 92, (200, 110, 40), ("611594", "IT", 1800), ("B-02-1", 150)),
        _article(54, "JT-TORCH-H", "Head torch, 400 lm", 96, (110, 80, 60), ("851310", "CN", 3500), ("B-02-2", 45)),
        _article(55, "JT-TARP-3X3", "Tarp, 3 x 3 m", 790, (330, 150, 120), ("630612", "VN", 8900), ("B-02-3", 25)),
        _article(56, "JT-STOVE-MINI", "Gas stove, folding", 115, (90, 90, 120), ("732111", "KR", 4500),
                 ("B-03-1", 35)),
        _article(57, "JT-MUG-ENML", "Enamel mug", 140, (110, 90, 85), ("732394", "PL", 1100),
                 ("B-03-2", 110), ("A-04-3", 40)),
        _article(58, "JT-MAP-LAKES", "Map, Lake District, 1:25,000", 120, (240, 135, 15), ("490520", "GB", 1300),
                 ("B-03-3", 70)),
        _article(59, "JT-PACK-28", "Day pack, 28 l", 940, (520, 300, 140), ("420292", "VN", 9500), ("B-04-1", 20)),
        _article(60, "JT-BAR-OAT", "Oat bar, box of 12", 780, (180, 140, 90), ("190420", "GB", 1560), ("B-04-2", 2)),
    ),
)  # fmt: skip

SHOPS: Final = (FENNEL, JUNIPER)

PEOPLE: Final = (
    Person("W-1001", "Amara Okafor", "1001", ("picker",)),
    Person("W-1002", "Tomasz Zielinski", "1002", ("packer",)),
    Person("W-1003", "Mei Tanaka", "1003", ("dock", "stock")),
    Person("W-1004", "Iris Campbell", "1004", ("supervisor",)),
)

# Code, name, inner millimetres, own grams, grams it carries.
CARTONS: Final = (
    ("S", "Small box", (250, 180, 100), 120, 5_000),
    ("M", "Medium box", (350, 260, 180), 240, 12_000),
    ("L", "Large box", (550, 400, 320), 520, 25_000),
)

ADDRESS: Final = {
    "company": "Holdfast Fulfilment",
    "street": "Unit 4, Marsh Gate Lane",
    "city": "London",
    "region": "",
    "postcode": "E15 2NH",
    "country": "GB",
    "phone": "+44 20 7946 0102",
    "email": "dock@holdfast.example",
}
