# SPDX-License-Identifier: Apache-2.0
"""``python -m carriers.sandbox.server``: runs the carrier until it is told to stop."""

import argparse
import fcntl
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from litestar import Litestar
from litestar.datastructures import State
from litestar.logging import LoggingConfig

from carriers.sandbox.server import api, control
from carriers.sandbox.server.answers import RefusalError
from carriers.sandbox.server.office import Office
from carriers.sandbox.server.wire import AbortableProtocol, reply_refusal

# Only what went wrong reaches the terminal; at the framework's default every push would.
_LOGGING: Final = LoggingConfig(
    root={"level": "WARNING", "handlers": ["console"]},
    log_exceptions="always",
    # A refusal or a wrong address is an answer, not an accident.
    disable_stack_trace={RefusalError, 400, 404, 405},
)


class StartError(Exception):
    """One sentence for the person at the terminal."""


class _Server(uvicorn.Server):
    """Says so, once, when it answers."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"sandbox carrier ready on {self._address}\n")
            sys.stdout.flush()


def app_of(office: Office) -> Litestar:
    """The HTTP application of an office, which it opens and closes."""

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        office.open()
        try:
            yield
        finally:
            office.close()

    return Litestar(
        [*api.HANDLERS, *control.HANDLERS],
        lifespan=[life],
        state=State({"office": office}),
        exception_handlers={RefusalError: reply_refusal},
        openapi_config=None,
        logging_config=_LOGGING,
        request_max_body_size=1_000_000,
    )


def run(argv: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartError before anything was touched."""
    arguments = _parser().parse_args(argv)
    # The web server raises the signal once more when all is closed; being asked to end is not a failure.
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: sys.exit(0))
    data_dir: Path = arguments.data_dir
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"The folder {data_dir} cannot be made: {error.strerror}.") from error
    with _only_one(data_dir), _listening(arguments.host, arguments.port) as listener:
        office = Office(data_dir, tuple(arguments.api_key or ["sandbox"]), arguments.autopilot_seconds)
        config = uvicorn.Config(
            app_of(office),
            http=AbortableProtocol,
            log_level="warning",
            access_log=False,
            # Longer than any client of ours keeps an idle connection, so that the client ends it.
            timeout_keep_alive=30,
            # A time-out played on purpose must not hold up the end.
            timeout_graceful_shutdown=1,
        )
        host, port = listener.getsockname()[:2]
        _Server(config, f"http://{host}:{port}").run(sockets=[listener])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m carriers.sandbox.server", description="The sandbox carrier.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8400, help="port, 0 for a free one (default %(default)s)")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the carrier's own ledger")
    parser.add_argument("--api-key", action="append", help="accepted key, repeatable (default: sandbox)")
    parser.add_argument(
        "--autopilot-seconds", type=float, help="move manifested parcels by themselves, a step each N seconds"
    )
    return parser


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Two carriers on one ledger would push everything twice."""
    try:
        lock = (data_dir / "lock").open("w")
    except OSError as error:
        raise StartError(f"The folder {data_dir} cannot be written: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(f"Another sandbox carrier already runs on {data_dir}.") from error
        yield


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((host, port), backlog=512)
    except OSError as error:
        # A port in use carries the plain system error; a name that resolves to nothing has its own words.
        is_system = error.errno is not None and error.errno > 0
        reason = os.strerror(error.errno or 0) if is_system else error.strerror
        raise StartError(f"The sandbox carrier cannot listen on {host}:{port}: {reason}.") from error
    with listener:
        yield listener


if __name__ == "__main__":
    try:
        run()
    except StartError as problem:
        sys.exit(str(problem))
