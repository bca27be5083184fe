# SPDX-License-Identifier: Apache-2.0
"""Puts the demonstration warehouse into an empty database, through the rooms' own verbs."""

import json
import secrets
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final
from uuid import UUID, uuid5

from sqlmodel import Session, col, select

from wms.brands.models import Brand, Staff, Warehouse
from wms.brands.service import create_brand, create_warehouse, hire, issue_key
from wms.catalog.models import Barcode, Sku
from wms.catalog.schemas import SkuIn
from wms.catalog.service import add_carton, upsert_skus
from wms.dispatch.models import CarrierAccount
from wms.floor.models import Tote
from wms.platform.secrets import encrypt
from wms.platform.settings import settings
from wms.seed.goods import ADDRESS, CARTONS, PEOPLE, SHOPS, Shop
from wms.stock.ledger import Cause
from wms.stock.models import Location, LocationKind
from wms.stock.service import Goods, receive

WAREHOUSE_CODE: Final = "LON1"
# The key that the sandbox carrier accepts when it is started without any.
SANDBOX_API_KEY: Final = "sandbox"
_TOTES: Final = 24


@dataclass(frozen=True)
class DemoPerson:
    """``pin`` is the clear PIN that the seed chose."""

    badge: str
    name: str
    pin: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class DemoBrand:
    """``api_key`` is clear text on the first seeding and empty afterwards: only its hash is stored."""

    id: UUID
    code: str
    name: str
    api_key: str
    skus: dict[str, UUID] = field(default_factory=dict)
    barcodes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DemoWorld:
    """Where everything is. ``brands`` by code, ``locations`` by code, ``staff`` by badge."""

    warehouse_id: UUID
    account_id: UUID
    brands: dict[str, DemoBrand]
    staff: dict[str, DemoPerson]
    locations: dict[str, UUID]
    totes: tuple[str, ...]
    is_new: bool


def seed_demo(session: Session) -> DemoWorld:
    """Seeds the demonstration warehouse, or finds it where it was seeded before and changes nothing.

    Needs the warehouse's scope and ``WMS_SECRET_KEY``.
    """
    warehouse = session.exec(select(Warehouse).where(Warehouse.code == WAREHOUSE_CODE)).one_or_none()
    if warehouse is not None:
        return _describe(session, warehouse, {})
    warehouse = create_warehouse(
        session, WAREHOUSE_CODE, "London, Marsh Gate", "Europe/London", ADDRESS, gs1_company_prefix="5060987"
    )
    for person in PEOPLE:
        hire(session, warehouse, person.badge, person.name, person.pin, person.roles)
    for carton in CARTONS:
        add_carton(session, warehouse, *carton)
    _furnish(session, warehouse)
    session.add(_sandbox_account(warehouse))
    keys = {shop.code: _open_shop(session, warehouse, shop) for shop in SHOPS}
    return _describe(session, warehouse, keys)


def _furnish(session: Session, warehouse: Warehouse) -> None:
    """Two aisles of four bays with three levels, walked up one aisle and down the other; and the totes."""
    places = [f"A-0{bay}-{level}" for bay in (1, 2, 3, 4) for level in (1, 2, 3)]
    places += [f"B-0{bay}-{level}" for bay in (4, 3, 2, 1) for level in (1, 2, 3)]
    kinds = dict.fromkeys(places, LocationKind.PICK) | {
        "RESERVE-01": LocationKind.RESERVE,
        "RECV-01": LocationKind.RECEIVING,
        "QUAR-01": LocationKind.QUARANTINE,
    }
    for order, (code, kind) in enumerate(kinds.items(), start=1):
        session.add(Location(warehouse_id=warehouse.id, code=code, kind=kind, route_order=order))
    for number in range(1, _TOTES + 1):
        session.add(Tote(warehouse_id=warehouse.id, code=f"T-{number:03d}"))


def _sandbox_account(warehouse: Warehouse) -> CarrierAccount:
    return CarrierAccount(
        warehouse_id=warehouse.id,
        code="SANDBOX",
        carrier="sandbox",
        base_url=f"http://127.0.0.1:{settings().sandbox_port}",
        credentials=encrypt(json.dumps({"api_key": SANDBOX_API_KEY}).encode()),
        callback_secret=encrypt(secrets.token_urlsafe(32).encode()),
        services={"standard": "SANDBOX-STD", "express": "SANDBOX-EXP"},
    )


def _open_shop(session: Session, warehouse: Warehouse, shop: Shop) -> str:
    """Adds a brand with its articles and its stock; returns the clear API key."""
    logo = files("wms.seed").joinpath(f"{shop.code}.png").read_bytes()
    brand = create_brand(session, warehouse, shop.code, shop.name, shop.policy, shop.colour, logo)
    # Stock is booked by SQL, which must see the warehouse's locations.
    session.flush()
    drafts = [SkuIn.model_validate(article.as_draft()) for article in shop.articles]
    sku_ids = {result.code: result.sku_id for result in upsert_skus(session, brand.id, drafts)}
    locations = {location.code: location for location in session.exec(select(Location))}
    for article in shop.articles:
        sku_id = sku_ids[article.code]
        assert sku_id is not None
        for place, quantity in article.stock:
            # The cause's id is made from what it is, so that opening stock is booked once.
            cause = Cause(uuid5(sku_id, place), "opening stock", "system", reference="OPENING")
            receive(session, brand.id, locations[place], [Goods(sku_id, quantity, article.lot)], cause)
    return issue_key(session, brand, "Demonstration key")


def _describe(session: Session, warehouse: Warehouse, keys: dict[str, str]) -> DemoWorld:
    brands = {}
    for brand in session.exec(select(Brand).where(Brand.warehouse_id == warehouse.id)):
        skus = {sku.id: sku.code for sku in session.exec(select(Sku).where(Sku.brand_id == brand.id))}
        codes = session.exec(select(Barcode).where(Barcode.brand_id == brand.id).order_by(col(Barcode.code)))
        brands[brand.code] = DemoBrand(
            id=brand.id,
            code=brand.code,
            name=brand.name,
            api_key=keys.get(brand.code, ""),
            skus={code: sku_id for sku_id, code in skus.items()},
            barcodes={skus[barcode.sku_id]: barcode.code for barcode in codes},
        )
    hired = set(session.exec(select(Staff.badge).where(Staff.warehouse_id == warehouse.id)))
    locations = session.exec(select(Location).where(Location.warehouse_id == warehouse.id))
    totes = session.exec(select(Tote.code).where(Tote.warehouse_id == warehouse.id).order_by(col(Tote.code)))
    account = select(CarrierAccount.id).where(
        CarrierAccount.warehouse_id == warehouse.id, CarrierAccount.carrier == "sandbox"
    )
    return DemoWorld(
        warehouse_id=warehouse.id,
        account_id=session.exec(account).one(),
        brands=brands,
        staff={
            person.badge: DemoPerson(person.badge, person.name, person.pin, person.roles)
            for person in PEOPLE
            if person.badge in hired
        },
        locations={location.code: location.id for location in locations},
        totes=tuple(totes),
        is_new=bool(keys),
    )
