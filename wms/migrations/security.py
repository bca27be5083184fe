# SPDX-License-Identifier: Apache-2.0
"""What a migration does for every new table: grants for the application role, and forced row-level security."""

from collections.abc import Iterable

from alembic import op

from wms.platform.settings import settings


def create_application_role() -> None:
    """Makes the role that the application works under: it owns nothing, logs in nowhere and bypasses nothing."""
    role = settings().database_role
    # Roles belong to the whole server, so another database's migration may make the same one at the same moment.
    op.execute(
        f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    # The one who migrates may be the one whose login the application uses: it must be able to become the role.
    op.execute(f"DO $$ BEGIN EXECUTE format('GRANT {role} TO %I', current_user); END $$")


def grant(tables: Iterable[str], sequences: Iterable[str] = ()) -> None:
    """Lets the application read and write the tables and draw from the sequences."""
    role = settings().database_role
    for table in tables:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")
    for sequence in sequences:
        op.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO {role}")


def guard(tables: Iterable[str], column: str = "brand_id") -> None:
    """Shows a row to its own brand's transactions and to the warehouse's, and to nobody else, the owner included.

    A setting that was set locally reads as an empty text after the transaction, hence ``nullif``.
    """
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        seen = (
            f"{column} = nullif(current_setting('wms.brand', true), '')::uuid"
            " OR current_setting('wms.scope', true) = 'warehouse'"
        )
        op.execute(f"CREATE POLICY scope ON {table} USING ({seen}) WITH CHECK ({seen})")


def keep_as_written() -> None:
    """Makes the stock ledger and the order's story append-only; an event may be given its feed position, once."""
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'order_event' THEN
                IF OLD.feed_position IS NULL
                   AND to_jsonb(NEW) - 'feed_position' = to_jsonb(OLD) - 'feed_position' THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in ("stock_move", "order_event"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
