# SPDX-License-Identifier: Apache-2.0
"""Brands, their keys, and the people on the floor."""

import json
from pathlib import Path
from typing import Any

import click

from wms.cli.context import connected, fail


def _table(*headings: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _show(table: Any) -> None:
    from rich.console import Console

    Console().print(table)


@click.group()
def brand() -> None:
    """Tenants: list them, add one, read or set its policy."""


@brand.command("list")
def list_brands() -> None:
    """List the brands.

    \b
    Example:
      wms brand list
    """
    from sqlmodel import col, select

    from wms.brands.models import Brand, Warehouse
    from wms.platform.db import WAREHOUSE, transaction

    table = _table("code", "name", "warehouse", "edit window")
    with connected(), transaction(WAREHOUSE) as session:
        wanted = select(Brand, Warehouse.code).join(Warehouse, col(Warehouse.id) == col(Brand.warehouse_id))
        for found, warehouse in session.exec(wanted.order_by(col(Brand.code))):
            table.add_row(found.code, found.name, warehouse, f"{found.policy.edit_window_seconds} s")
    _show(table)


@brand.command("add")
@click.argument("code")
@click.argument("name")
@click.option("--warehouse", "warehouse_code", default="LON1", show_default=True, help="The building's code.")
@click.option("--colour", default="#1f2937", show_default=True, help="Shown beside its goods, written #rrggbb.")
@click.option("--logo", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PNG for packing slips.")
def add_brand(code: str, name: str, warehouse_code: str, colour: str, logo: Path | None) -> None:
    """Add a brand with the default policy.

    \b
    Example:
      wms brand add larch "Larch & Co" --colour "#7c3aed" --logo larch.png
    """
    from wms.brands.service import create_brand, warehouse_by_code
    from wms.platform.db import WAREHOUSE, transaction

    with connected(), transaction(WAREHOUSE) as session:
        warehouse = warehouse_by_code(session, warehouse_code)
        create_brand(session, warehouse, code, name, None, colour, logo.read_bytes() if logo else None)
    click.echo(f"{name} is a brand of {warehouse_code} now. Give it a key: wms key issue {code} NAME")


@brand.command("policy")
@click.argument("code")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change one rule; may be repeated.")
def policy(code: str, changes: tuple[str, ...]) -> None:
    """Print a brand's policy, or change rules of it.

    \b
    Example:
      wms brand policy fennel --set edit_window_seconds=1800 --set on_shortage=partial
    """
    from pydantic import ValidationError

    from wms.brands.models import Policy
    from wms.brands.service import brand_by_code, set_policy
    from wms.platform.db import WAREHOUSE, transaction

    with connected(), transaction(WAREHOUSE) as session:
        found = brand_by_code(session, code)
        values = found.policy.model_dump(mode="json")
        for change in changes:
            name, _, value = change.partition("=")
            values[name] = None if value in ("", "none") else value
        if changes:
            try:
                set_policy(session, found, Policy.model_validate(values))
            except ValidationError as error:
                first = error.errors()[0]
                raise fail(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
        shown = found.policy.model_dump(mode="json")
    click.echo(json.dumps(shown, indent=2))


@click.group()
def key() -> None:
    """API keys: shown once, stored as a hash, scoped and revocable."""


@key.command("issue")
@click.argument("brand_code", metavar="BRAND")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="May be repeated; all scopes where none is given.")
def issue(brand_code: str, name: str, scopes: tuple[str, ...]) -> None:
    """Make a key and print it, this once.

    \b
    Example:
      wms key issue fennel "web shop" --scope orders:write --scope orders:read
    """
    from wms.brands.service import ALL_GRANTS, brand_by_code, issue_key
    from wms.platform.db import WAREHOUSE, transaction

    with connected(), transaction(WAREHOUSE) as session:
        clear = issue_key(session, brand_by_code(session, brand_code), name, scopes or ALL_GRANTS)
    click.echo(clear)


@key.command("list")
@click.argument("brand_code", metavar="BRAND")
def list_keys(brand_code: str) -> None:
    """List a brand's keys by the part that may be seen.

    \b
    Example:
      wms key list fennel
    """
    from sqlmodel import col, select

    from wms.brands.models import ApiKey
    from wms.brands.service import brand_by_code
    from wms.platform.db import WAREHOUSE, transaction

    table = _table("id", "name", "scopes", "last used", "state")
    with connected(), transaction(WAREHOUSE) as session:
        found = brand_by_code(session, brand_code)
        for one in session.exec(select(ApiKey).where(ApiKey.brand_id == found.id).order_by(col(ApiKey.created_at))):
            used = one.last_used_at.isoformat(timespec="minutes") if one.last_used_at else "never"
            table.add_row(one.public_id, one.name, " ".join(one.scopes), used, "revoked" if one.revoked_at else "live")
    _show(table)


@key.command("revoke")
@click.argument("brand_code", metavar="BRAND")
@click.argument("public_id", metavar="ID")
def revoke(brand_code: str, public_id: str) -> None:
    """End a key. Every process refuses it within 5 seconds.

    \b
    Example:
      wms key revoke fennel x8k2m0qa
    """
    from wms.brands.service import brand_by_code, revoke_key
    from wms.platform.db import WAREHOUSE, transaction

    with connected(), transaction(WAREHOUSE) as session:
        revoke_key(session, brand_by_code(session, brand_code), public_id)
    click.echo(f"The key {public_id} is revoked.")


@click.group()
def staff() -> None:
    """People on the floor: a badge to scan, a PIN to type, roles."""


@staff.command("list")
def list_staff() -> None:
    """List the people.

    \b
    Example:
      wms staff list
    """
    from sqlmodel import col, select

    from wms.brands.models import Staff
    from wms.platform.db import WAREHOUSE, transaction

    table = _table("badge", "name", "roles", "state")
    with connected(), transaction(WAREHOUSE) as session:
        for person in session.exec(select(Staff).order_by(col(Staff.badge))):
            table.add_row(person.badge, person.name, " ".join(person.roles), "active" if person.active else "left")
    _show(table)


@staff.command("add")
@click.argument("badge")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="picker, packer, dock, stock or supervisor.")
@click.option("--warehouse", "warehouse_code", default="LON1", show_default=True, help="The building's code.")
@click.option("--pin", prompt=True, hide_input=True, confirmation_prompt=True, help="4 to 12 digits.")
def add_staff(badge: str, name: str, roles: tuple[str, ...], warehouse_code: str, pin: str) -> None:
    """Add a person; the PIN is asked for.

    \b
    Example:
      wms staff add W-2001 "Ana Souza" --role picker --role packer
    """
    from wms.brands.service import hire, warehouse_by_code
    from wms.platform.db import WAREHOUSE, transaction

    with connected(), transaction(WAREHOUSE) as session:
        hire(session, warehouse_by_code(session, warehouse_code), badge, name, pin, roles)
    click.echo(f"{name} can log in with the badge {badge}.")


COMMANDS = (brand, key, staff)
