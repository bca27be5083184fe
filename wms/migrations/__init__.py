# SPDX-License-Identifier: Apache-2.0
"""Migrations: run by the owner of the tables, never by the application's role."""

from alembic import command
from alembic.config import Config

from wms.platform.db import psycopg_url
from wms.platform.settings import settings


def config(url: str | None = None) -> Config:
    """The Alembic configuration; ``url`` defaults to the owner's URL of the settings."""
    made = Config()
    made.set_main_option("script_location", "wms:migrations")
    made.attributes["url"] = psycopg_url(url or settings().database_owner_url or settings().database_url)
    return made


def migrate(url: str | None = None) -> None:
    """Brings the schema to the newest version and makes the application role where it is missing."""
    command.upgrade(config(url), "head")


def check(url: str | None = None) -> None:
    """Raises when the models and the migrated schema differ."""
    command.check(config(url))
