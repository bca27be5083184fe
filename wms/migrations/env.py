# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: one connection, one transaction a migration, and time-outs that keep it from blocking work."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from wms.tables import metadata


def run() -> None:
    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        # A migration that cannot get its lock in 5 s gives up instead of queueing the whole warehouse behind it.
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.execute(text("SET statement_timeout = '10min'"))
        # Two programs that start together migrate one after the other.
        connection.execute(text("SELECT pg_advisory_lock(7411)"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata(),
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


run()
