# SPDX-License-Identifier: Apache-2.0
"""The warehouse that a file of sales needs: its articles, their stock, the shoppers' doors, the people on the floor.

All but the secrets is derived from the file and nothing is drawn by lot, so that two replays of one file are the same.
Weights, sizes and addresses are not in the file: they come out of a checksum of the SKU's or the customer's number.
"""

import json
import secrets
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID, uuid5

from sqlmodel import Session

from labels.codes import check_digit
from wms.brands.models import OnShortage, Policy, Role, Warehouse
from wms.brands.service import create_brand, create_warehouse, hire, issue_key
from wms.catalog.schemas import SkuIn
from wms.catalog.service import add_carton, upsert_skus
from wms.dispatch.models import CarrierAccount
from wms.floor.models import Tote
from wms.platform.secrets import encrypt
from wms.replay.sales import Sale, needed
from wms.stock.ledger import Cause
from wms.stock.models import Location
from wms.stock.service import Goods, receive

CREWS: Final = 3
CART_SLOTS: Final = 6
# What the sandbox carrier is started with.
CARRIER_KEY: Final = "replay"
EDIT_WINDOW_SECONDS: Final = 900
# SKUs that lie in one place.
_SKUS_A_BIN: Final = 12

# Code, name, inner millimetres, own grams, grams it carries.
CARTONS: Final = (
    ("S", "Small box", (250, 180, 100), 90, 5_000),
    ("M", "Medium box", (350, 260, 180), 220, 12_000),
    ("L", "Large box", (550, 400, 320), 480, 25_000),
)
_ADDRESS: Final = {
    "company": "Replay Fulfilment",
    "street": "1 Dock Road",
    "city": "London",
    "postcode": "E16 1AA",
    "country": "GB",
}
_FIRST_NAMES: Final = ("Ada", "Ben", "Cleo", "Dev", "Elif", "Finn", "Grace", "Hana", "Ivo", "June", "Kofi", "Lena")
_LAST_NAMES: Final = ("Ash", "Birch", "Cedar", "Elder", "Hazel", "Holly", "Linden", "Maple", "Rowan", "Willow")
_STREETS: Final = ("Church Lane", "High Street", "Mill Road", "Orchard Way", "Station Road", "The Green")
_GB_TOWNS: Final = (
    ("London", "SW9 8LB"),
    ("Manchester", "M1 4BT"),
    ("Leeds", "LS1 4DY"),
    ("Bristol", "BS1 4ST"),
    ("Cardiff", "CF10 1EP"),
    ("Edinburgh", "EH1 1BB"),
    ("Norwich", "NR2 1TF"),
    ("York", "YO1 7HH"),
)
# The file's own words for a country: ISO 3166-1 code, and a town there with its region and postcode.
_ABROAD: Final = {
    "Australia": ("AU", "Melbourne", "VIC", "3000"),
    "Austria": ("AT", "Wien", "", "1010"),
    "Belgium": ("BE", "Antwerpen", "", "2000"),
    "Canada": ("CA", "Toronto", "ON", "M5H 2N2"),
    "Channel Islands": ("JE", "St Helier", "", "JE2 3AB"),
    "Cyprus": ("CY", "Nicosia", "", "1010"),
    "Denmark": ("DK", "Aarhus", "", "8000"),
    "EIRE": ("IE", "Dublin", "", "D02 AF30"),
    "Finland": ("FI", "Helsinki", "", "00100"),
    "France": ("FR", "Lyon", "", "69002"),
    "Germany": ("DE", "Bremen", "", "28195"),
    "Greece": ("GR", "Athina", "", "105 57"),
    "Hong Kong": ("HK", "Central", "Hong Kong Island", ""),
    "Iceland": ("IS", "Reykjavik", "", "101"),
    "Israel": ("IL", "Haifa", "", "3303001"),
    "Italy": ("IT", "Bologna", "BO", "40121"),
    "Japan": ("JP", "Chiyoda-ku", "Tokyo", "100-0001"),
    "Lithuania": ("LT", "Vilnius", "", "01100"),
    "Malta": ("MT", "Valletta", "", "VLT 1117"),
    "Netherlands": ("NL", "Utrecht", "", "3511 AA"),
    "Norway": ("NO", "Bergen", "", "5003"),
    "Poland": ("PL", "Gdansk", "", "80-831"),
    "Portugal": ("PT", "Porto", "", "4000-322"),
    "RSA": ("ZA", "Cape Town", "", "8001"),
    "Singapore": ("SG", "Singapore", "", "018956"),
    "Spain": ("ES", "Valencia", "Valencia", "46001"),
    "Sweden": ("SE", "Uppsala", "", "753 10"),
    "Switzerland": ("CH", "Bern", "", "3011"),
    "USA": ("US", "Portland", "OR", "97205"),
}


@dataclass(frozen=True)
class Article:
    """One SKU as somebody on the floor meets it: grams, millimetres, the code on it and the place where it lies."""

    sku: str
    name: str
    barcode: str
    weight_g: int
    size_mm: tuple[int, int, int]
    location: str
    stock: int

    @property
    def volume_mm3(self) -> int:
        length, width, height = self.size_mm
        return length * width * height


@dataclass(frozen=True)
class Person:
    badge: str
    pin: str
    role: Role


@dataclass(frozen=True)
class World:
    """What the players know: the brand's key, the goods, the people, the totes of each crew."""

    api_key: str
    account_id: UUID
    callback_secret: str
    articles: dict[str, Article]
    pickers: tuple[Person, ...]
    packers: tuple[Person, ...]
    docker: Person
    totes: tuple[tuple[str, ...], ...]

    @cached_property
    def shelves(self) -> dict[tuple[str, str], Article]:
        """What somebody who stands at a place finds there under a name."""
        return {(article.location, article.name): article for article in self.articles.values()}


def _dice(word: str, salt: str, sides: int) -> int:
    return zlib.crc32(f"{salt}:{word}".encode()) % sides


def articles_of(sales: Sequence[Sale]) -> dict[str, Article]:
    """Returns every SKU of the sales with exactly the stock that they want. No two have the same name."""
    names: dict[str, str] = {}
    for sale in sales:
        for line in sale.lines:
            names[line.sku] = names.get(line.sku) or line.name
    articles: dict[str, Article] = {}
    for number, (sku, quantity) in enumerate(needed(sales).items()):
        digits = f"5099{number:08d}"
        shelf = number // _SKUS_A_BIN
        articles[sku] = Article(
            sku=sku,
            name=f"{names[sku].capitalize()} ({sku})".strip(),
            barcode=digits + check_digit(digits),
            weight_g=25 + _dice(sku, "weight", 100),
            size_mm=(60 + _dice(sku, "length", 80), 40 + _dice(sku, "width", 40), 8 + _dice(sku, "height", 32)),
            location=f"{chr(ord('A') + shelf // 100 % 26)}-{shelf // 4 % 25 + 1:02d}-{shelf % 4 + 1}",
            stock=quantity,
        )
    return articles


def recipient_of(sale: Sale) -> dict[str, Any]:
    """Returns the door of the sale's customer, always the same one; an unknown customer has one per invoice."""
    who = sale.customer or f"invoice {sale.ref}"
    name = f"{_FIRST_NAMES[_dice(who, 'first', len(_FIRST_NAMES))]} {_LAST_NAMES[_dice(who, 'last', len(_LAST_NAMES))]}"
    town, postcode = _GB_TOWNS[_dice(who, "town", len(_GB_TOWNS))]
    country, town, region, postcode = _ABROAD.get(sale.country, ("GB", town, "", postcode))
    return {
        "name": name,
        "street": f"{1 + _dice(who, 'house', 199)} {_STREETS[_dice(who, 'street', len(_STREETS))]}\n{who}",
        "city": town,
        "region": region,
        "postcode": postcode,
        "country": country,
    }


def order_of(sale: Sale) -> dict[str, Any]:
    """Returns the body of ``POST /v1/orders``."""
    return {
        "ref": sale.ref,
        "recipient": recipient_of(sale),
        "lines": [
            {"sku": line.sku, "quantity": line.quantity, "unit_price_minor": line.unit_price_minor}
            for line in sale.lines
        ],
    }


def seed(session: Session, sales: Sequence[Sale], carrier_url: str) -> World:
    """Fills an empty database, through the rooms' own verbs and in the warehouse's scope."""
    warehouse = create_warehouse(
        session, "REPLAY", "Replay warehouse", "Europe/London", _ADDRESS, gs1_company_prefix="5060987"
    )
    policy = Policy(edit_window_seconds=EDIT_WINDOW_SECONDS, on_shortage=OnShortage.REJECT)
    for carton in CARTONS:
        add_carton(session, warehouse, *carton)
    callback_secret = secrets.token_urlsafe(32)
    account = CarrierAccount(
        warehouse_id=warehouse.id,
        code="SANDBOX",
        carrier="sandbox",
        base_url=carrier_url,
        credentials=encrypt(json.dumps({"api_key": CARRIER_KEY}).encode()),
        callback_secret=encrypt(callback_secret.encode()),
        services={"standard": "SANDBOX-STD"},
    )
    session.add(account)
    totes = tuple(tuple(f"T-{crew}{slot:02d}" for slot in range(1, CART_SLOTS + 1)) for crew in range(1, CREWS + 1))
    session.add_all(Tote(warehouse_id=warehouse.id, code=code) for cart in totes for code in cart)
    brand = create_brand(session, warehouse, "gifts", "The Gift Shop", policy)
    articles = articles_of(sales)
    _stock(session, warehouse, brand.id, articles.values())
    return World(
        api_key=issue_key(session, brand, "Replay"),
        account_id=account.id,
        callback_secret=callback_secret,
        articles=articles,
        pickers=_hire(session, warehouse, Role.PICKER, CREWS),
        packers=_hire(session, warehouse, Role.PACKER, CREWS),
        docker=_hire(session, warehouse, Role.DOCK, 1)[0],
        totes=totes,
    )


def _hire(session: Session, warehouse: Warehouse, role: Role, count: int) -> tuple[Person, ...]:
    people = tuple(Person(f"{role.upper()}-{number}", f"{1000 + number}", role) for number in range(1, count + 1))
    for person in people:
        hire(session, warehouse, person.badge, person.badge.capitalize(), person.pin, [role])
    return people


def _stock(session: Session, warehouse: Warehouse, brand_id: UUID, articles: Iterable[Article]) -> None:
    drafts, bins = [], dict[str, list[Article]]()
    for article in articles:
        length, width, height = article.size_mm
        drafts.append(
            SkuIn(
                code=article.sku,
                name=article.name,
                barcodes=[article.barcode],
                weight_g=article.weight_g,
                length_mm=length,
                width_mm=width,
                height_mm=height,
            )
        )
        bins.setdefault(article.location, []).append(article)
    sku_ids = {result.code: result.sku_id for result in upsert_skus(session, brand_id, drafts)}
    places = [
        Location(warehouse_id=warehouse.id, code=code, route_order=order) for order, code in enumerate(bins, start=1)
    ]
    session.add_all(places)
    # Stock is booked by SQL, which must see the locations.
    session.flush()
    for place in places:
        goods = []
        for article in bins[place.code]:
            sku_id = sku_ids[article.sku]
            assert sku_id is not None, f"The catalogue refused {article.sku}."
            goods.append(Goods(sku_id, article.stock))
        cause = Cause(uuid5(place.id, "opening stock"), "opening stock", "system", reference="OPENING")
        receive(session, brand_id, place, goods, cause)
