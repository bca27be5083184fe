# SPDX-License-Identifier: Apache-2.0
"""One way to the database: ``with transaction(scope) as session``. Only the edge (a handler, a job, a command)
opens one; services take the session first and never commit."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel

from wms.platform.errors import Unavailable
from wms.platform.settings import settings

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True)
class Scope:
    """Whose rows a transaction may see: one brand's, or the warehouse's (all of them)."""

    brand_id: UUID | None

    def settings(self) -> dict[str, str]:
        if self.brand_id is None:
            return {"scope": "warehouse", "brand": ""}
        return {"scope": "brand", "brand": str(self.brand_id)}


WAREHOUSE: Final = Scope(None)


def brand_scope(brand_id: UUID) -> Scope:
    """Returns the scope of one brand: row-level security hides every other brand's rows."""
    return Scope(brand_id)


def psycopg_url(url: str) -> str:
    """Returns the URL with psycopg 3 named as its driver, whatever the environment wrote."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The application's connections. They work under the application role, which row-level security binds."""
    s = settings()
    if not s.database_url:
        raise Unavailable("No database is configured: set WMS_DATABASE_URL, or start everything with `wms up`.")
    options = (
        f"-c role={s.database_role} -c timezone=UTC -c statement_timeout={s.database_statement_timeout_ms}"
        f" -c lock_timeout={s.database_lock_timeout_ms} -c idle_in_transaction_session_timeout=60000"
    )
    return create_engine(
        psycopg_url(s.database_url),
        pool_size=s.database_pool_size,
        max_overflow=0,
        pool_timeout=15,
        pool_pre_ping=True,
        # An error carries its statement into the log; the values in it are people's names and addresses.
        hide_parameters=True,
        connect_args={"options": options, "connect_timeout": 5},
    )


def dispose_engine() -> None:
    """Closes every pooled connection and forgets the engine; the next use opens a new one."""
    if engine.cache_info().currsize:
        engine().dispose()
        engine.cache_clear()


_ENTER = text("SELECT set_config('wms.scope', :scope, true), set_config('wms.brand', :brand, true)")


@contextmanager
def transaction(scope: Scope, *, is_snapshot: bool = False) -> Iterator[Session]:
    """Begins a transaction in ``scope``, commits it on leaving and rolls it back on any exception.

    A snapshot only reads, and sees everything as it was at one instant.

    Raises :class:`Unavailable` when the database cannot be reached, so that the door answers 503 and not 500.
    """
    with Session(engine(), expire_on_commit=False) as session:
        try:
            if is_snapshot:
                session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            session.execute(_ENTER, scope.settings())
        except OperationalError as error:
            raise Unavailable("The database does not answer. Please try again in a moment.") from error
        yield session
        session.commit()
        after_commit: list[Callable[[], object]] = session.info.pop("after_commit", [])
    for callback in after_commit:
        callback()


def narrow(session: Session, brand_id: UUID) -> None:
    """Narrows the rest of the transaction to one brand; a job that concerns one brand runs like this."""
    session.execute(_ENTER, brand_scope(brand_id).settings())


def after_commit(session: Session, callback: Callable[[], object]) -> None:
    """Runs ``callback`` once the transaction has committed; a rollback forgets it."""
    session.info.setdefault("after_commit", []).append(callback)


class Again(Exception):
    """Raised by work that lost a race: run the whole transaction again."""


def attempt(session: Session) -> int:
    """Returns which try of :func:`in_transaction` this is; 1 anywhere else."""
    tries: int = session.info.get("attempt", 1)
    return tries


# A deadlock and a serialisation failure say "again"; a lock time-out says that somebody held on for too long.
_RETRYABLE: Final = frozenset({"40P01", "40001", "55P03"})
_ATTEMPTS: Final = 4


def in_transaction(scope: Scope, work: Callable[[Session], T]) -> T:
    """Runs ``work`` in a transaction, and again, whole, when the database asks for that (4 times at the most)."""
    for tries in range(1, _ATTEMPTS + 1):
        try:
            with transaction(scope) as session:
                session.info["attempt"] = tries
                return work(session)
        except (OperationalError, Again) as error:
            state = "again" if isinstance(error, Again) else getattr(error.orig, "sqlstate", None)
            if state != "again" and state not in _RETRYABLE:
                raise
            log.info("transaction_retried", reason=state, attempt=tries)
            if tries == _ATTEMPTS:
                raise Unavailable("The warehouse is busy with the same things. Please try again.") from error
    raise AssertionError("unreachable")


def insert_rows(session: Session, model: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    """Inserts many rows in one statement. Keys of the first row name the columns; every row has the same keys.

    The rows travel as one JSON document, because COPY into a table under row-level security is refused by
    PostgreSQL and an array per column costs more to encode than to insert.
    """
    if not rows:
        return
    table = model.__tablename__
    columns = ", ".join(rows[0])
    statement = text(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, :rows)"
    )
    session.execute(statement, {"rows": json_text(rows)})


def json_text(value: object) -> str:
    """Returns JSON that PostgreSQL casts to row types: UUIDs, dates and enums as text."""
    return msgspec.json.encode(value).decode()
