# SPDX-License-Identifier: Apache-2.0
"""The first schema."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects import postgresql

from wms.migrations import security

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = [
    "business_clock",
    "warehouse",
    "brand",
    "carrier_account",
    "carton",
    "location",
    "staff",
    "api_key",
    "floor_action",
    "idempotency_key",
    "inbox_event",
    "job",
    "manifest",
    "pick_list",
    "recipient",
    "sku",
    "staff_session",
    "barcode",
    "bin_stock",
    "orders",
    "shipment",
    "stock_counter",
    "stock_move",
    "adjustment",
    "change",
    "hold",
    "label_purchase",
    "order_event",
    "order_line",
    "package",
    "put_back",
    "tote",
    "amendment",
    "label",
    "promise",
    "shipment_line",
    "allocation",
    "label_print",
    "package_line",
    "tracking_event",
    "pick_task",
]
GUARDED = [
    "api_key",
    "idempotency_key",
    "job",
    "recipient",
    "sku",
    "barcode",
    "bin_stock",
    "orders",
    "shipment",
    "stock_counter",
    "stock_move",
    "adjustment",
    "change",
    "hold",
    "label_purchase",
    "order_event",
    "order_line",
    "package",
    "put_back",
    "tote",
    "amendment",
    "label",
    "promise",
    "shipment_line",
    "allocation",
    "label_print",
    "package_line",
    "tracking_event",
    "pick_task",
]
SEQUENCES = ["sscc_serial", "pick_list_number"]


def upgrade() -> None:
    op.create_table(
        "business_clock",
        sa.Column("now_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("now_at", name=op.f("pk_business_clock")),
    )
    op.create_table(
        "warehouse",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("time_zone", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("gs1_company_prefix", sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warehouse")),
        sa.UniqueConstraint("code", name=op.f("uq_warehouse_code")),
    )
    op.create_table(
        "brand",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("colour", sqlmodel.sql.sqltypes.AutoString(length=7), nullable=False),
        sa.Column("logo_png", sa.LargeBinary(), nullable=True),
        sa.Column("policy_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_brand_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand")),
        sa.UniqueConstraint("code", name=op.f("uq_brand_code")),
    )
    op.create_table(
        "carrier_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("carrier", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("base_url", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("callback_secret", sa.LargeBinary(), nullable=False),
        sa.Column("services", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_carrier_account_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_account")),
        sa.UniqueConstraint("warehouse_id", "code", name=op.f("uq_carrier_account_warehouse_id_code")),
    )
    op.create_table(
        "carton",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=False),
        sa.Column("width_mm", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Integer(), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("max_weight_g", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_carton_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carton")),
        sa.UniqueConstraint("warehouse_id", "code", name=op.f("uq_carton_warehouse_id_code")),
    )
    op.create_table(
        "location",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "pick",
                "reserve",
                "receiving",
                "quarantine",
                name="locationkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("route_order", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_location_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
        sa.UniqueConstraint("warehouse_id", "code", name=op.f("uq_location_warehouse_id_code")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("badge", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("pin_scrypt", sa.LargeBinary(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.String(length=32)), nullable=False),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_staff_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("badge", name=op.f("uq_staff_badge")),
    )
    op.create_table(
        "api_key",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sqlmodel.sql.sqltypes.AutoString(length=12), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("revoked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("last_used_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_api_key_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_api_key")),
    )
    op.create_index("ix_api_key_public_id", "api_key", ["public_id"], unique=False)
    op.create_table(
        "floor_action",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_floor_action_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floor_action")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_idempotency_key_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "inbox_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("tracking_numbers", postgresql.ARRAY(sa.String(length=64)), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "folded",
                "unmatched",
                "unreadable",
                name="inboxstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("received_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["carrier_account.id"], name=op.f("fk_inbox_event_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_event")),
        sa.UniqueConstraint("account_id", "event_id", name=op.f("uq_inbox_event_account_id_event_id")),
    )
    op.create_index(
        "ix_inbox_event_open",
        "inbox_event",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'unmatched')"),
    )
    op.create_index(
        "ix_inbox_event_waiting",
        "inbox_event",
        ["tracking_numbers"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("state IN ('pending', 'unmatched')"),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dedupe_key", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "ready",
                "running",
                "done",
                "dead",
                name="jobstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("run_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("retry_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("rung_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("done_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_job_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(
        "ix_job_due", "job", ["run_at"], unique=False, postgresql_where=sa.text("state IN ('ready', 'running')")
    )
    op.create_index(
        "uq_job_dedupe",
        "job",
        ["kind", "dedupe_key"],
        unique=True,
        postgresql_where=sa.text("dedupe_key IS NOT NULL AND state = 'ready'"),
    )
    op.create_table(
        "manifest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open", "closing", "closed", name="manifeststate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("carrier_reference", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("closed_by", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("closed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["carrier_account.id"], name=op.f("fk_manifest_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manifest")),
        sa.UniqueConstraint("account_id", "day", "number", name=op.f("uq_manifest_account_id_day_number")),
    )
    op.create_index(
        "uq_manifest_open", "manifest", ["account_id"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "pick_list",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open", "walking", "done", name="pickliststate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("done_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_pick_list_staff_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_pick_list_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_list")),
        sa.UniqueConstraint("warehouse_id", "number", name=op.f("uq_pick_list_warehouse_id_number")),
    )
    op.create_table(
        "recipient",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("company", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("street", sqlmodel.sql.sqltypes.AutoString(length=240), nullable=False),
        sa.Column("city", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("region", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("postcode", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("country", sqlmodel.sql.sqltypes.AutoString(length=2), nullable=False),
        sa.Column("phone", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(length=254), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_recipient_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_recipient")),
    )
    op.create_index("ix_recipient_key", "recipient", ["brand_id", "key"], unique=False)
    op.create_table(
        "sku",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=False),
        sa.Column("width_mm", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Integer(), nullable=False),
        sa.Column("hs_code", sqlmodel.sql.sqltypes.AutoString(length=14), nullable=True),
        sa.Column("origin_country", sqlmodel.sql.sqltypes.AutoString(length=2), nullable=True),
        sa.Column("declared_value_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=True),
        sa.Column("lot_tracked", sa.Boolean(), nullable=False),
        sa.Column("serial_tracked", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "weight_g >= 0 AND length_mm >= 0 AND width_mm >= 0 AND height_mm >= 0", name=op.f("ck_sku_size")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_sku_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_sku")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_sku_brand_id_code")),
    )
    op.create_table(
        "staff_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("seen_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_session_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_staff_session_token_sha256")),
    )
    op.create_index(op.f("ix_staff_session_staff_id"), "staff_session", ["staff_id"], unique=False)
    op.create_table(
        "barcode",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_barcode_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_barcode_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "code", name=op.f("pk_barcode")),
    )
    op.create_index("ix_barcode_code", "barcode", ["code"], unique=False)
    op.create_index(op.f("ix_barcode_sku_id"), "barcode", ["sku_id"], unique=False)
    op.create_table(
        "bin_stock",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("lot", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "0 <= allocated AND allocated <= on_hand", name=op.f("ck_bin_stock_allocated_within_on_hand")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_bin_stock_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_bin_stock_brand_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_bin_stock_location_id")),
        sa.PrimaryKeyConstraint("brand_id", "sku_id", "location_id", "lot", name=op.f("pk_bin_stock")),
    )
    op.create_index("ix_bin_stock_location", "bin_stock", ["location_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ref", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "accepted",
                "released",
                "picking",
                "packed",
                "shipped",
                "delivered",
                "cancelled",
                name="orderstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("service", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("ship_by", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("latest_release", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("late_since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("addon_asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("combine_code", sqlmodel.sql.sqltypes.AutoString(length=16), nullable=True),
        sa.Column(
            "payment_state",
            sa.Enum(
                "authorised",
                "captured",
                "voided",
                "cod",
                name="paymentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=False),
        sa.Column("shipping_charge_minor", sa.BigInteger(), nullable=False),
        sa.Column("cod_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("notes", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("shipping_charge_minor >= 0 AND cod_amount_minor >= 0", name=op.f("ck_orders_money")),
        sa.ForeignKeyConstraint(
            ["brand_id", "recipient_id"],
            ["recipient.brand_id", "recipient.id"],
            name=op.f("fk_orders_brand_id_recipient_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_orders_brand_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_orders_warehouse_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_orders")),
        sa.UniqueConstraint("brand_id", "ref", name=op.f("uq_orders_brand_id_ref")),
    )
    op.create_index(
        "uq_orders_combine_code",
        "orders",
        ["brand_id", "combine_code"],
        unique=True,
        postgresql_where=sa.text("combine_code IS NOT NULL"),
    )
    op.create_table(
        "shipment",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "released",
                "picking",
                "picked",
                "packed",
                "labelling",
                "labelled",
                "handed_over",
                "delivered",
                "cancelled",
                name="shipmentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("service", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("release_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("released_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("late_since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("pending_changes", sa.Integer(), nullable=False),
        sa.Column("master_tracking", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "recipient_id"],
            ["recipient.brand_id", "recipient.id"],
            name=op.f("fk_shipment_brand_id_recipient_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_shipment_brand_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_shipment_warehouse_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_shipment")),
    )
    op.create_index(
        "ix_shipment_due", "shipment", ["release_at"], unique=False, postgresql_where=sa.text("state = 'held'")
    )
    op.create_index(
        "ix_shipment_open",
        "shipment",
        ["warehouse_id", "state"],
        unique=False,
        postgresql_where=sa.text("state NOT IN ('held', 'delivered', 'cancelled')"),
    )
    op.create_table(
        "stock_counter",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("sellable", sa.Integer(), nullable=False),
        sa.Column("promised", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "0 <= promised AND promised <= sellable", name=op.f("ck_stock_counter_promised_within_sellable")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_stock_counter_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_stock_counter_brand_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_stock_counter_warehouse_id")),
        sa.PrimaryKeyConstraint("brand_id", "warehouse_id", "sku_id", name=op.f("pk_stock_counter")),
    )
    op.create_table(
        "stock_move",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column(
            "account",
            sa.Enum(
                "bin",
                "tote",
                "supplier",
                "shipped",
                "adjustment",
                name="account",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("lot", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_stock_move_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_stock_move_brand_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_stock_move_location_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_stock_move_warehouse_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_stock_move")),
        sa.UniqueConstraint(
            "brand_id",
            "group_id",
            "account",
            "sku_id",
            "location_id",
            "lot",
            name=op.f("uq_stock_move_brand_id_group_id_account_sku_id_location_id_lot"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_stock_move_sku", "stock_move", ["brand_id", "sku_id", "account"], unique=False)
    op.create_table(
        "adjustment",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "invoice_due",
                "refund_due",
                "shipping_refund_due",
                "cost",
                name="adjustmentkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(length=3), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "due",
                "settled",
                "waived",
                "lapsed",
                name="adjustmentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cause", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("due_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("settled_ref", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("closed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_adjustment_amount")),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"], ["orders.brand_id", "orders.id"], name=op.f("fk_adjustment_brand_id_order_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_adjustment_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_adjustment")),
        sa.UniqueConstraint(
            "brand_id", "order_id", "kind", "cause", name=op.f("uq_adjustment_brand_id_order_id_kind_cause")
        ),
    )
    op.create_index(
        "ix_adjustment_due",
        "adjustment",
        ["brand_id", "due_until"],
        unique=False,
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_table(
        "change",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "add_items",
                "reduce",
                "address",
                "contact",
                "service",
                "split_off",
                "merge",
                "cancel",
                name="changekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("stage", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column(
            "answer",
            sa.Enum(
                "applied",
                "applied_with_rework",
                "requested",
                "awaiting_payment",
                "refused",
                name="changeanswer",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason_code", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("detail", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("resolved_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"], ["orders.brand_id", "orders.id"], name=op.f("fk_change_brand_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "recipient_id"],
            ["recipient.brand_id", "recipient.id"],
            name=op.f("fk_change_brand_id_recipient_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_change_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_change")),
        sa.UniqueConstraint("brand_id", "order_id", "ref", name=op.f("uq_change_brand_id_order_id_ref")),
    )
    op.create_index(
        "ix_change_open",
        "change",
        ["asked_at"],
        unique=False,
        postgresql_where=sa.text("answer IN ('requested', 'awaiting_payment')"),
    )
    op.create_table(
        "hold",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "awaiting_payment",
                "address_review",
                "out_of_stock",
                "fraud_review",
                "awaiting_return",
                "brand_request",
                "warehouse_request",
                name="holdkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("owner", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("handle", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
        sa.Column("until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("release_stock", sa.Boolean(), nullable=False),
        sa.Column("placed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("lifted_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"], ["orders.brand_id", "orders.id"], name=op.f("fk_hold_brand_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_id"], ["shipment.brand_id", "shipment.id"], name=op.f("fk_hold_brand_id_shipment_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_hold_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_hold")),
    )
    op.create_index(
        "uq_hold_active_handle",
        "hold",
        ["brand_id", "order_id", "owner", "handle"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "label_purchase",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("extends_id", sa.Uuid(), nullable=True),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "calling",
                "bought",
                "refused",
                "unknown",
                name="purchasestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ship_to_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("carrier_shipment_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("master_tracking", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
        sa.Column("reason_code", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=True),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("needs_person", sa.Boolean(), nullable=False),
        sa.Column("requested_by", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("resolved_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["carrier_account.id"], name=op.f("fk_label_purchase_account_id")),
        sa.ForeignKeyConstraint(
            ["brand_id", "extends_id"],
            ["label_purchase.brand_id", "label_purchase.id"],
            name=op.f("fk_label_purchase_brand_id_extends_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_id"],
            ["shipment.brand_id", "shipment.id"],
            name=op.f("fk_label_purchase_brand_id_shipment_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_label_purchase_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_label_purchase")),
        sa.UniqueConstraint("brand_id", "key", name=op.f("uq_label_purchase_brand_id_key")),
        sa.UniqueConstraint(
            "brand_id", "shipment_id", "attempt", name=op.f("uq_label_purchase_brand_id_shipment_id_attempt")
        ),
    )
    op.create_index("ix_label_purchase_master_tracking", "label_purchase", ["master_tracking"], unique=False)
    op.create_index(
        "ix_label_purchase_needs_person",
        "label_purchase",
        ["asked_at"],
        unique=False,
        postgresql_where=sa.text("needs_person"),
    )
    op.create_index(
        "ix_label_purchase_open",
        "label_purchase",
        ["asked_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('calling', 'unknown')"),
    )
    op.create_table(
        "order_event",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "accepted",
                "held",
                "hold_lifted",
                "released",
                "picking_started",
                "line_cancelled",
                "line_backordered",
                "picked",
                "packed",
                "label_bought",
                "label_refused",
                "label_unknown",
                "label_voided",
                "handed_over",
                "in_transit",
                "out_for_delivery",
                "delivery_exception",
                "partly_delivered",
                "delivered",
                "cancelled",
                "late",
                "combined",
                "separated",
                "change_applied",
                "change_requested",
                "change_refused",
                "line_added",
                "addon_lapsed",
                "payment_reported",
                "returning",
                "returned",
                name="eventkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "accepted",
                "released",
                "picking",
                "packed",
                "shipped",
                "delivered",
                "cancelled",
                name="orderstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("feed_position", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"], ["orders.brand_id", "orders.id"], name=op.f("fk_order_event_brand_id_order_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_order_event_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "order_id", "seq", name=op.f("pk_order_event")),
        sa.UniqueConstraint("brand_id", "feed_position", name=op.f("uq_order_event_brand_id_feed_position")),
    )
    op.create_index(
        "ix_order_event_unsequenced",
        "order_event",
        ["at"],
        unique=False,
        postgresql_where=sa.text("feed_position IS NULL"),
    )
    op.create_table(
        "order_line",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("awaiting_payment", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "quantity > 0 AND cancelled >= 0 AND shipped >= 0 AND cancelled + shipped <= quantity",
            name=op.f("ck_order_line_quantity"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"], ["orders.brand_id", "orders.id"], name=op.f("fk_order_line_brand_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_order_line_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_order_line_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("brand_id", "order_id", "line_no", name=op.f("uq_order_line_brand_id_order_id_line_no")),
    )
    op.create_table(
        "package",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("carton_id", sa.Uuid(), nullable=True),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=False),
        sa.Column("width_mm", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Integer(), nullable=False),
        sa.Column("sscc", sqlmodel.sql.sqltypes.AutoString(length=18), nullable=False),
        sa.Column("tracking_number", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "packed",
                "handed_over",
                "delivered",
                "cancelled",
                name="packagestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("tracking_status", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
        sa.Column("tracking_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("label_verified_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("handed_over_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_id"],
            ["shipment.brand_id", "shipment.id"],
            name=op.f("fk_package_brand_id_shipment_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_package_brand_id")),
        sa.ForeignKeyConstraint(["carton_id"], ["carton.id"], name=op.f("fk_package_carton_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_package")),
        sa.UniqueConstraint("brand_id", "shipment_id", "number", name=op.f("uq_package_brand_id_shipment_id_number")),
    )
    op.create_index("ix_package_sscc", "package", ["sscc"], unique=False)
    op.create_index("ix_package_tracking", "package", ["tracking_number"], unique=False)
    op.create_table(
        "put_back",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("lot", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "done", name="putbackstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("quantity > 0 AND 0 <= done AND done <= quantity", name=op.f("ck_put_back_quantity")),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_id"],
            ["shipment.brand_id", "shipment.id"],
            name=op.f("fk_put_back_brand_id_shipment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_put_back_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_put_back_brand_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_put_back_warehouse_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_put_back")),
    )
    op.create_index(
        "ix_put_back_open", "put_back", ["warehouse_id"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "tote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=True),
        sa.Column("shipment_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_id"], ["shipment.brand_id", "shipment.id"], name=op.f("fk_tote_brand_id_shipment_id")
        ),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_tote_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tote")),
        sa.UniqueConstraint("warehouse_id", "code", name=op.f("uq_tote_warehouse_id_code")),
    )
    op.create_index(
        "uq_tote_shipment",
        "tote",
        ["brand_id", "shipment_id"],
        unique=True,
        postgresql_where=sa.text("shipment_id IS NOT NULL"),
    )
    op.create_table(
        "amendment",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "redirect",
                "edit_contact",
                "return_to_origin",
                name="amendmentkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "calling",
                "requested",
                "accepted",
                "refused",
                "unknown",
                name="amendmentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("reason_code", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=True),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("needs_person", sa.Boolean(), nullable=False),
        sa.Column("requested_by", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("resolved_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "purchase_id"],
            ["label_purchase.brand_id", "label_purchase.id"],
            name=op.f("fk_amendment_brand_id_purchase_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "recipient_id"],
            ["recipient.brand_id", "recipient.id"],
            name=op.f("fk_amendment_brand_id_recipient_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_id"],
            ["shipment.brand_id", "shipment.id"],
            name=op.f("fk_amendment_brand_id_shipment_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_amendment_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_amendment")),
        sa.UniqueConstraint("brand_id", "key", name=op.f("uq_amendment_brand_id_key")),
    )
    op.create_index(
        "ix_amendment_needs_person", "amendment", ["asked_at"], unique=False, postgresql_where=sa.text("needs_person")
    )
    op.create_index(
        "uq_amendment_open",
        "amendment",
        ["brand_id", "shipment_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state IN ('calling', 'requested', 'unknown')"),
    )
    op.create_table(
        "label",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "calling",
                "bought",
                "refused",
                "unknown",
                "void_requested",
                "voided",
                name="labelstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("tracking_number", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
        sa.Column("barcode", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("pdf", sa.LargeBinary(), nullable=True),
        sa.Column("zpl", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=True),
        sa.Column("verified_by", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("manifest_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "package_id"], ["package.brand_id", "package.id"], name=op.f("fk_label_brand_id_package_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "purchase_id"],
            ["label_purchase.brand_id", "label_purchase.id"],
            name=op.f("fk_label_brand_id_purchase_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_label_brand_id")),
        sa.ForeignKeyConstraint(["manifest_id"], ["manifest.id"], name=op.f("fk_label_manifest_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_label")),
    )
    op.create_index("ix_label_barcode", "label", ["barcode"], unique=False)
    op.create_index(op.f("ix_label_manifest_id"), "label", ["manifest_id"], unique=False)
    op.create_index("ix_label_purchase_id", "label", ["brand_id", "purchase_id"], unique=False)
    op.create_index("ix_label_tracking_number", "label", ["tracking_number"], unique=False)
    op.create_index(
        "uq_label_live",
        "label",
        ["brand_id", "package_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('calling', 'unknown', 'bought')"),
    )
    op.create_table(
        "promise",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "live", "shipped", "released", name="promisestate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_promise_quantity")),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_line_id"],
            ["order_line.brand_id", "order_line.id"],
            name=op.f("fk_promise_brand_id_order_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_promise_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_promise_brand_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_promise_warehouse_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_promise")),
    )
    op.create_index("ix_promise_line", "promise", ["brand_id", "order_line_id"], unique=False)
    op.create_index(
        "ix_promise_live", "promise", ["brand_id", "sku_id"], unique=False, postgresql_where=sa.text("state = 'live'")
    )
    op.create_table(
        "shipment_line",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("picked", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "quantity >= 0 AND 0 <= picked AND picked <= quantity", name=op.f("ck_shipment_line_quantity")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"], ["orders.brand_id", "orders.id"], name=op.f("fk_shipment_line_brand_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_line_id"],
            ["order_line.brand_id", "order_line.id"],
            name=op.f("fk_shipment_line_brand_id_order_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_id"],
            ["shipment.brand_id", "shipment.id"],
            name=op.f("fk_shipment_line_brand_id_shipment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_shipment_line_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_shipment_line_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_shipment_line")),
        sa.UniqueConstraint(
            "brand_id", "shipment_id", "order_line_id", name=op.f("uq_shipment_line_brand_id_shipment_id_order_line_id")
        ),
    )
    op.create_index("ix_shipment_line_order", "shipment_line", ["brand_id", "order_id"], unique=False)
    op.create_index("ix_shipment_line_order_line", "shipment_line", ["brand_id", "order_line_id"], unique=False)
    op.create_index("ix_shipment_line_shipment", "shipment_line", ["shipment_id"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_line_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("lot", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("picked", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "picked",
                "cancelled",
                name="allocationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("quantity > 0 AND 0 <= picked AND picked <= quantity", name=op.f("ck_allocation_quantity")),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_line_id"],
            ["shipment_line.brand_id", "shipment_line.id"],
            name=op.f("fk_allocation_brand_id_shipment_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "sku_id"], ["sku.brand_id", "sku.id"], name=op.f("fk_allocation_brand_id_sku_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_allocation_brand_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_allocation_location_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_allocation")),
    )
    op.create_index("ix_allocation_line", "allocation", ["brand_id", "shipment_line_id"], unique=False)
    op.create_index(
        "ix_allocation_open",
        "allocation",
        ["brand_id", "sku_id", "location_id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "label_print",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "label_id"], ["label.brand_id", "label.id"], name=op.f("fk_label_print_brand_id_label_id")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_label_print_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_label_print")),
    )
    op.create_index("ix_label_print_label", "label_print", ["brand_id", "label_id"], unique=False)
    op.create_table(
        "package_line",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("shipment_line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_package_line_quantity")),
        sa.ForeignKeyConstraint(
            ["brand_id", "package_id"],
            ["package.brand_id", "package.id"],
            name=op.f("fk_package_line_brand_id_package_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_line_id"],
            ["shipment_line.brand_id", "shipment_line.id"],
            name=op.f("fk_package_line_brand_id_shipment_line_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_package_line_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_package_line")),
        sa.UniqueConstraint(
            "brand_id",
            "package_id",
            "shipment_line_id",
            name=op.f("uq_package_line_brand_id_package_id_shipment_line_id"),
        ),
    )
    op.create_index("ix_package_line_shipment_line", "package_line", ["brand_id", "shipment_line_id"], unique=False)
    op.create_table(
        "tracking_event",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("label_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("status", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("raw_code", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("raw_text", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
        sa.Column("location", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("occurred_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["carrier_account.id"], name=op.f("fk_tracking_event_account_id")),
        sa.ForeignKeyConstraint(
            ["brand_id", "label_id"], ["label.brand_id", "label.id"], name=op.f("fk_tracking_event_brand_id_label_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "package_id"],
            ["package.brand_id", "package.id"],
            name=op.f("fk_tracking_event_brand_id_package_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_tracking_event_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_tracking_event")),
        sa.UniqueConstraint(
            "brand_id",
            "account_id",
            "event_id",
            "label_id",
            name=op.f("uq_tracking_event_brand_id_account_id_event_id_label_id"),
        ),
    )
    op.create_index("ix_tracking_event_label", "tracking_event", ["brand_id", "label_id"], unique=False)
    op.create_index("ix_tracking_event_package", "tracking_event", ["brand_id", "package_id"], unique=False)
    op.create_table(
        "pick_task",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pick_list_id", sa.Uuid(), nullable=False),
        sa.Column("allocation_id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "picked",
                "short",
                "cancelled",
                name="picktaskstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "allocation_id"],
            ["allocation.brand_id", "allocation.id"],
            name=op.f("fk_pick_task_brand_id_allocation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "shipment_id"],
            ["shipment.brand_id", "shipment.id"],
            name=op.f("fk_pick_task_brand_id_shipment_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_pick_task_brand_id")),
        sa.ForeignKeyConstraint(["pick_list_id"], ["pick_list.id"], name=op.f("fk_pick_task_pick_list_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_pick_task")),
        sa.UniqueConstraint("brand_id", "allocation_id", name=op.f("uq_pick_task_brand_id_allocation_id")),
    )
    op.create_index("ix_pick_task_list", "pick_task", ["pick_list_id", "sequence"], unique=False)
    op.create_index("ix_pick_task_shipment", "pick_task", ["brand_id", "shipment_id"], unique=False)
    for sequence in SEQUENCES:
        op.execute(f"CREATE SEQUENCE {sequence}")
    security.create_application_role()
    security.grant(TABLES, SEQUENCES)
    security.guard(GUARDED)
    security.guard(["brand"], column="id")
    security.keep_as_written()


def downgrade() -> None:
    op.drop_index("ix_pick_task_shipment", table_name="pick_task")
    op.drop_index("ix_pick_task_list", table_name="pick_task")
    op.drop_table("pick_task")
    op.drop_index("ix_tracking_event_package", table_name="tracking_event")
    op.drop_index("ix_tracking_event_label", table_name="tracking_event")
    op.drop_table("tracking_event")
    op.drop_index("ix_package_line_shipment_line", table_name="package_line")
    op.drop_table("package_line")
    op.drop_index("ix_label_print_label", table_name="label_print")
    op.drop_table("label_print")
    op.drop_index("ix_allocation_open", table_name="allocation", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_allocation_line", table_name="allocation")
    op.drop_table("allocation")
    op.drop_index("ix_shipment_line_shipment", table_name="shipment_line")
    op.drop_index("ix_shipment_line_order_line", table_name="shipment_line")
    op.drop_index("ix_shipment_line_order", table_name="shipment_line")
    op.drop_table("shipment_line")
    op.drop_index("ix_promise_live", table_name="promise", postgresql_where=sa.text("state = 'live'"))
    op.drop_index("ix_promise_line", table_name="promise")
    op.drop_table("promise")
    op.drop_index(
        "uq_label_live", table_name="label", postgresql_where=sa.text("state IN ('calling', 'unknown', 'bought')")
    )
    op.drop_index("ix_label_tracking_number", table_name="label")
    op.drop_index("ix_label_purchase_id", table_name="label")
    op.drop_index(op.f("ix_label_manifest_id"), table_name="label")
    op.drop_index("ix_label_barcode", table_name="label")
    op.drop_table("label")
    op.drop_index(
        "uq_amendment_open",
        table_name="amendment",
        postgresql_where=sa.text("state IN ('calling', 'requested', 'unknown')"),
    )
    op.drop_index("ix_amendment_needs_person", table_name="amendment", postgresql_where=sa.text("needs_person"))
    op.drop_table("amendment")
    op.drop_index("uq_tote_shipment", table_name="tote", postgresql_where=sa.text("shipment_id IS NOT NULL"))
    op.drop_table("tote")
    op.drop_index("ix_put_back_open", table_name="put_back", postgresql_where=sa.text("state = 'open'"))
    op.drop_table("put_back")
    op.drop_index("ix_package_tracking", table_name="package")
    op.drop_index("ix_package_sscc", table_name="package")
    op.drop_table("package")
    op.drop_table("order_line")
    op.drop_index(
        "ix_order_event_unsequenced", table_name="order_event", postgresql_where=sa.text("feed_position IS NULL")
    )
    op.drop_table("order_event")
    op.drop_index(
        "ix_label_purchase_open",
        table_name="label_purchase",
        postgresql_where=sa.text("state IN ('calling', 'unknown')"),
    )
    op.drop_index(
        "ix_label_purchase_needs_person", table_name="label_purchase", postgresql_where=sa.text("needs_person")
    )
    op.drop_index("ix_label_purchase_master_tracking", table_name="label_purchase")
    op.drop_table("label_purchase")
    op.drop_index("uq_hold_active_handle", table_name="hold", postgresql_where=sa.text("lifted_at IS NULL"))
    op.drop_table("hold")
    op.drop_index(
        "ix_change_open", table_name="change", postgresql_where=sa.text("answer IN ('requested', 'awaiting_payment')")
    )
    op.drop_table("change")
    op.drop_index("ix_adjustment_due", table_name="adjustment", postgresql_where=sa.text("state = 'due'"))
    op.drop_table("adjustment")
    op.drop_index("ix_stock_move_sku", table_name="stock_move")
    op.drop_table("stock_move")
    op.drop_table("stock_counter")
    op.drop_index(
        "ix_shipment_open",
        table_name="shipment",
        postgresql_where=sa.text("state NOT IN ('held', 'delivered', 'cancelled')"),
    )
    op.drop_index("ix_shipment_due", table_name="shipment", postgresql_where=sa.text("state = 'held'"))
    op.drop_table("shipment")
    op.drop_index("uq_orders_combine_code", table_name="orders", postgresql_where=sa.text("combine_code IS NOT NULL"))
    op.drop_table("orders")
    op.drop_index("ix_bin_stock_location", table_name="bin_stock")
    op.drop_table("bin_stock")
    op.drop_index(op.f("ix_barcode_sku_id"), table_name="barcode")
    op.drop_index("ix_barcode_code", table_name="barcode")
    op.drop_table("barcode")
    op.drop_index(op.f("ix_staff_session_staff_id"), table_name="staff_session")
    op.drop_table("staff_session")
    op.drop_table("sku")
    op.drop_index("ix_recipient_key", table_name="recipient")
    op.drop_table("recipient")
    op.drop_table("pick_list")
    op.drop_index("uq_manifest_open", table_name="manifest", postgresql_where=sa.text("state = 'open'"))
    op.drop_table("manifest")
    op.drop_index(
        "uq_job_dedupe", table_name="job", postgresql_where=sa.text("dedupe_key IS NOT NULL AND state = 'ready'")
    )
    op.drop_index("ix_job_due", table_name="job", postgresql_where=sa.text("state IN ('ready', 'running')"))
    op.drop_table("job")
    op.drop_index(
        "ix_inbox_event_waiting",
        table_name="inbox_event",
        postgresql_using="gin",
        postgresql_where=sa.text("state IN ('pending', 'unmatched')"),
    )
    op.drop_index(
        "ix_inbox_event_open", table_name="inbox_event", postgresql_where=sa.text("state IN ('pending', 'unmatched')")
    )
    op.drop_table("inbox_event")
    op.drop_index("ix_idempotency_key_created_at", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_table("floor_action")
    op.drop_index("ix_api_key_public_id", table_name="api_key")
    op.drop_table("api_key")
    op.drop_table("staff")
    op.drop_table("location")
    op.drop_table("carton")
    op.drop_table("carrier_account")
    op.drop_table("brand")
    op.drop_table("warehouse")
    op.drop_table("business_clock")
    for sequence in SEQUENCES:
        op.execute(f"DROP SEQUENCE {sequence}")
    op.execute("DROP FUNCTION refuse_change")
