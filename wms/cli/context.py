# SPDX-License-Identifier: Apache-2.0
"""Which database a command works on, and the secret that goes with it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from wms.platform.settings import settings


def data_dir() -> Path:
    """The data folder of the settings, or the default one."""
    from wms.platform.embedded import default_data_dir

    return (settings().data_dir or default_data_dir()).expanduser().absolute()


def use(values: dict[str, str]) -> None:
    """Puts ``values`` into the environment, for this process and its children, and reads the settings again."""
    from wms.platform.db import dispose_engine

    os.environ.update(values)
    dispose_engine()
    settings.cache_clear()


def secret_key(folder: Path) -> str:
    """The key of the environment, or the one of the data folder, made on first use and readable by its owner only."""
    given = settings().secret_key.get_secret_value()
    if given:
        return given
    from cryptography.fernet import Fernet

    from wms.platform.embedded import write_private

    path = folder / "secret.key"
    if not path.exists():
        write_private(path, Fernet.generate_key().decode())
    return path.read_text().strip()


@contextmanager
def connected() -> Iterator[None]:
    """Names a database in the settings: the given one, the one that ``wms up`` runs, or one started for this command.

    Raises :class:`~wms.platform.embedded.EngineError` where there is none to be had.
    """
    if settings().database_url:
        yield
        return
    from wms.platform.db import dispose_engine
    from wms.platform.embedded import EmbeddedEngines, running_engines

    folder = data_dir()
    with ExitStack() as stack:
        urls = running_engines(folder)
        if urls is None:
            engines = stack.enter_context(EmbeddedEngines(folder))
            urls = {"database_url": engines.database_url, "redis_url": engines.redis_url}
            use_urls(urls, folder)
            from wms.migrations import migrate

            # Nobody else looks after a database of our own, so a newer program brings it up to date itself.
            migrate()
        else:
            use_urls(urls, folder)
        stack.callback(dispose_engine)
        yield


def use_urls(urls: dict[str, str], folder: Path) -> None:
    """Works with these engines and the secret of the folder from now on."""
    use(
        {
            "WMS_DATABASE_URL": urls["database_url"],
            "WMS_REDIS_URL": urls["redis_url"],
            "WMS_SECRET_KEY": secret_key(folder),
        }
    )


def fail(sentence: str) -> click.ClickException:
    """The error that ends a command with one sentence and status 1."""
    return click.ClickException(sentence)
