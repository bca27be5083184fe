# SPDX-License-Identifier: Apache-2.0
"""Furnishing a building: its places, totes, cartons and carriers, and the labels to stick on them."""

import json
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wms.cli.context import connected, fail

if TYPE_CHECKING:
    from labels.stickers import SkuLabel

_WAREHOUSE = click.option(
    "--warehouse", "warehouse_code", default="LON1", show_default=True, help="The building's code."
)


@click.group()
def warehouse() -> None:
    """Buildings: add one, and furnish it with places, totes, cartons and carriers."""


@warehouse.command("add")
@click.argument("code")
@click.argument("name")
@click.option("--time-zone", required=True, help="IANA name, such as Europe/London: cut-offs and screens follow it.")
@click.option("--gs1-prefix", required=True, help="GS1 company prefix; the licence plates of boxes start with it.")
@click.option("--address", "parts", multiple=True, required=True, metavar="PART=VALUE", help="The ship-from of labels.")
def add_warehouse(code: str, name: str, time_zone: str, gs1_prefix: str, parts: tuple[str, ...]) -> None:
    """Add a building. Address parts: company, street, city, region, postcode, country, phone, email.

    \b
    Example:
      wms warehouse add LDS2 "Leeds, Canal Yard" --time-zone Europe/London --gs1-prefix 5012345 \\
        --address company="Canal Yard" --address street="3 Canal Yard" --address city=Leeds \\
        --address postcode="LS1 4AP" --address country=GB --address phone="+44 113 496 0000"
    """
    from wms.brands.service import create_warehouse
    from wms.platform.db import WAREHOUSE, transaction

    address = _pairs(parts)
    with connected(), transaction(WAREHOUSE) as session:
        create_warehouse(session, code, name, time_zone, address, gs1_prefix)
    click.echo(f"{name} stands. Furnish it: wms warehouse places {code} FILE, totes, carton, carrier.")


@warehouse.command("places")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_WAREHOUSE
def add_places(file: Path, warehouse_code: str) -> None:
    """Add places from a CSV with the columns code, kind and route_order. Known codes are brought up to date.

    Kinds: pick, reserve, receiving, quarantine. route_order is the place's position on the walk.

    \b
    Example:
      wms warehouse places bins.csv --warehouse LDS2
    """
    from wms.brands.service import warehouse_by_code
    from wms.platform.db import WAREHOUSE, transaction
    from wms.platform.tabular import BadLine, read_models
    from wms.stock.places import PlaceIn, add_locations

    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(read_models(lines, PlaceIn))
    bad = [row for row in rows if isinstance(row, BadLine)]
    if bad:
        told = "\n".join(f"  line {row.line}: {error.field} {error.message}" for row in bad for error in row.errors)
        raise fail(f"Nothing was added, because some lines cannot be used:\n{told}")
    with connected(), transaction(WAREHOUSE) as session:
        building = warehouse_by_code(session, warehouse_code)
        count = add_locations(session, building.id, [row.value for row in rows if not isinstance(row, BadLine)])
    click.echo(f"{count} places stand in {warehouse_code}.")


@warehouse.command("totes")
@click.argument("first")
@click.argument("count", type=click.IntRange(1, 1000))
@_WAREHOUSE
def add_totes(first: str, count: int, warehouse_code: str) -> None:
    """Add COUNT totes, numbered on from the code FIRST.

    \b
    Example:
      wms warehouse totes T-101 40
    """
    from wms.brands.service import warehouse_by_code
    from wms.floor.totes import add_totes as add
    from wms.platform.db import WAREHOUSE, transaction

    parts = re.fullmatch(r"(.*?)(\d+)", first)
    if parts is None:
        raise fail(f"{first} does not end in a number to count on from.")
    prefix, digits = parts.groups()
    codes = [f"{prefix}{int(digits) + step:0{len(digits)}d}" for step in range(count)]
    with connected(), transaction(WAREHOUSE) as session:
        added = add(session, warehouse_by_code(session, warehouse_code).id, codes)
    click.echo(f"{added} totes were added, {len(codes) - added} were there before.")


@warehouse.command("carton")
@click.argument("code")
@click.argument("name")
@click.option("--inner-mm", nargs=3, type=click.IntRange(1), required=True, help="Inner length, width and height.")
@click.option("--weight-g", type=click.IntRange(0), required=True, help="The empty carton.")
@click.option("--max-weight-g", type=click.IntRange(1), required=True, help="What it may carry.")
@_WAREHOUSE
def add_carton(
    code: str, name: str, inner_mm: tuple[int, int, int], weight_g: int, max_weight_g: int, warehouse_code: str
) -> None:
    """Add a carton to the packing benches.

    \b
    Example:
      wms warehouse carton S "Small box" --inner-mm 250 180 100 --weight-g 120 --max-weight-g 5000
    """
    from wms.brands.service import warehouse_by_code
    from wms.catalog.service import add_carton as add
    from wms.platform.db import WAREHOUSE, transaction

    with connected(), transaction(WAREHOUSE) as session:
        add(session, warehouse_by_code(session, warehouse_code), code, name, inner_mm, weight_g, max_weight_g)
    click.echo(f"{name} stands on the benches of {warehouse_code}.")


@warehouse.command("carrier")
@click.argument("code")
@click.option("--carrier", "carrier_name", required=True, help="The adapter, such as sandbox.")
@click.option("--base-url", required=True, help="Where the carrier's API answers.")
@click.option("--credential", "credentials", multiple=True, metavar="NAME=VALUE", help="What it wants to know.")
@click.option("--service", "services", multiple=True, required=True, metavar="OURS=THEIRS", help="A service class.")
@_WAREHOUSE
def add_carrier(
    code: str,
    carrier_name: str,
    base_url: str,
    credentials: tuple[str, ...],
    services: tuple[str, ...],
    warehouse_code: str,
) -> None:
    """Add an account with a carrier. Its credentials are encrypted; the callback secret is printed once.

    \b
    Example:
      wms warehouse carrier SANDBOX --carrier sandbox --base-url http://127.0.0.1:8090 \\
        --credential api_key=sandbox --service standard=SANDBOX-STD
    """
    from carriers.registry import connect
    from wms.brands.service import warehouse_by_code
    from wms.dispatch.models import CarrierAccount
    from wms.platform.db import WAREHOUSE, transaction
    from wms.platform.secrets import encrypt

    known, offered = _pairs(credentials), _pairs(services)
    try:
        connect(carrier_name, base_url, known)
    except Exception as error:
        raise fail(f"That is no account the adapter can use: {error}") from error
    secret = secrets.token_urlsafe(32)
    with connected(), transaction(WAREHOUSE) as session:
        account = CarrierAccount(
            warehouse_id=warehouse_by_code(session, warehouse_code).id,
            code=code,
            carrier=carrier_name,
            base_url=base_url,
            credentials=encrypt(json.dumps(known).encode()),
            callback_secret=encrypt(secret.encode()),
            services=offered,
        )
        session.add(account)
        session.flush()  # The address below is that of the row.
        address = f"/carriers/{carrier_name}/{account.id}"
    click.echo(f"Callbacks come to {address}, signed with the secret {secret}")


def _pairs(values: tuple[str, ...]) -> dict[str, str]:
    broken = [value for value in values if "=" not in value]
    if broken:
        raise fail(f"{broken[0]} is not written NAME=VALUE.")
    return dict(value.split("=", 1) for value in values)


@warehouse.command("labels")
@click.argument("what", type=click.Choice(["places", "totes", "badges", "articles"]))
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@_WAREHOUSE
def print_labels(what: str, file: Path, warehouse_code: str) -> None:
    """Write a PDF with a label for each place, tote, badge or article of the building.

    \b
    Example:
      wms warehouse labels totes totes.pdf
    """
    from wms.brands.service import warehouse_by_code
    from wms.platform.db import WAREHOUSE, transaction

    with connected(), transaction(WAREHOUSE) as session:
        building = warehouse_by_code(session, warehouse_code)
        pdf, count = _draw(session, building, what)
    file.write_bytes(pdf)
    click.echo(f"{count} labels are in {file}.")


def _draw(session: Any, building: Any, what: str) -> tuple[bytes, int]:
    from sqlmodel import col, select

    from labels.stickers import (
        Badge,
        BinLabel,
        ToteLabel,
        badge_labels_pdf,
        bin_labels_pdf,
        sku_labels_pdf,
        tote_labels_pdf,
    )
    from wms.brands.models import Staff
    from wms.floor.models import Tote
    from wms.stock.models import Location

    if what == "places":
        places = session.exec(
            select(Location).where(Location.warehouse_id == building.id).order_by(col(Location.route_order))
        ).all()
        return bin_labels_pdf([BinLabel(place.code, place.kind) for place in places]), len(places)
    if what == "totes":
        totes = session.exec(select(Tote).where(Tote.warehouse_id == building.id).order_by(col(Tote.code))).all()
        return tote_labels_pdf([ToteLabel(tote.code) for tote in totes]), len(totes)
    if what == "articles":
        articles = _articles(session, building)
        return sku_labels_pdf(articles), len(articles)
    people = session.exec(select(Staff).where(Staff.warehouse_id == building.id, col(Staff.active))).all()
    badges = [Badge(person.name, ", ".join(person.roles), person.badge, building.name) for person in people]
    return badge_labels_pdf(badges), len(badges)


def _articles(session: Any, building: Any) -> "list[SkuLabel]":
    """One label an article: its first barcode, or its own code where it has none."""
    from sqlalchemy import text

    from labels.stickers import SkuLabel

    rows = session.execute(
        text(
            "SELECT s.code, s.name, (SELECT min(b.code) FROM barcode b WHERE b.brand_id = s.brand_id"
            "  AND b.sku_id = s.id) AS barcode FROM sku s JOIN brand ON brand.id = s.brand_id"
            " WHERE brand.warehouse_id = :id AND s.active ORDER BY brand.code, s.code"
        ),
        {"id": building.id},
    )
    # A code of our own that happens to have the length of a GTIN is not one, so it is drawn as Code 128.
    return [SkuLabel(row.barcode or row.code, row.code, row.name, None if row.barcode else "code128") for row in rows]


COMMANDS = (warehouse,)
