# SPDX-License-Identifier: Apache-2.0
"""``wms``: everything that is done from a terminal. Heavy parts are imported by the command that needs them."""

from typing import Any

import click

from wms.cli import audit, building, changes, imports, jobs, planning, replay, run, tenants, up

_EPILOG = """
\b
The first five minutes:
  wms up                        start everything on this machine and print where to look
  wms brand list                who stores goods here
  wms import orders FILE --brand fennel
"""


class _Wms(click.Group):
    """Turns what people can act on into one sentence and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            sentence = _sentence(error)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from error


def _sentence(error: Exception) -> str | None:
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from wms.platform.embedded import EngineError
    from wms.platform.errors import WmsError

    if isinstance(error, EngineError):
        return str(error)
    if isinstance(error, WmsError):
        return error.detail
    if isinstance(error, OperationalError):
        return f"The database cannot be reached: {str(error.orig).strip().splitlines()[0]}"
    if isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", "") in ("42P01", "42704", "22023"):
        return "The database has no schema yet. Run `wms migrate` first."
    return None


@click.group(cls=_Wms, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(package_name="wms")
def cli() -> None:
    """A warehouse for many brands in which a shopper's late change still wins.

    With no settings at all every command works on an embedded PostgreSQL and Redis in the data folder (./.data, as
    root /var/lib/wms). WMS_DATABASE_URL and WMS_REDIS_URL make it use yours.
    """


for _room in (up, run, tenants, building, imports, jobs, audit, changes, replay, planning):
    for _command in _room.COMMANDS:
        cli.add_command(_command)


def main() -> None:
    """The entry of the ``wms`` program."""
    cli(prog_name="wms")
