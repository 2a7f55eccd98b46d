"""Step 0001, after nothing: the tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "company",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
    )
    op.create_table(
        "courier",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courier")),
    )
    with op.batch_alter_table("courier", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_courier_region"), ["region"], unique=False)

    op.create_table(
        "custody_conflict",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("stored_event_id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=True),
        sa.Column("store", sa.String(length=36), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("copy", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custody_conflict")),
        sa.UniqueConstraint("event_id", "digest", name=op.f("uq_custody_conflict_event_id_digest")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=True),
        sa.Column("store", sa.String(length=32), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.String(length=36), nullable=True),
        sa.Column("topic", sa.String(length=160), nullable=False),
        sa.Column("reason", sa.String(length=48), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint("topic", "digest", name=op.f("uq_dead_letter_topic_digest")),
    )
    with op.batch_alter_table("dead_letter", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_dead_letter_device_id_store_seq"), ["device_id", "store", "seq"], unique=False
        )

    op.create_table(
        "device_alarm",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_alarm")),
    )
    with op.batch_alter_table("device_alarm", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_alarm_device_id_kind"), ["device_id", "kind"], unique=False)

    op.create_table(
        "device_release",
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.String(length=86), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_device_release")),
        sa.UniqueConstraint("sha256", name=op.f("uq_device_release_sha256")),
    )
    op.create_table(
        "event_log",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_event_log")),
    )
    with op.batch_alter_table("event_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_log_subject_position"), ["subject", "position"], unique=False)

    op.create_table(
        "kept_answer",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_kept_answer")),
    )
    with op.batch_alter_table("kept_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_answer_claimed_at"), ["claimed_at"], unique=False)

    op.create_table(
        "login_failure",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_failure")),
    )
    with op.batch_alter_table("login_failure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_failure_subject_failed_at"), ["subject", "failed_at"], unique=False)

    op.create_table(
        "manifest_import",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("file_format", sa.String(length=8), nullable=False),
        sa.Column("encoding", sa.String(length=16), nullable=True),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_added", sa.Integer(), nullable=False),
        sa.Column("rows_unchanged", sa.Integer(), nullable=False),
        sa.Column("rows_differing", sa.Integer(), nullable=False),
        sa.Column("rows_rejected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manifest_import")),
    )
    with op.batch_alter_table("manifest_import", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_manifest_import_region_file_digest"), ["region", "file_digest"], unique=False
        )

    op.create_table(
        "operation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("problem", sa.JSON(), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=255), nullable=False),
        sa.Column("best_cost_fen", sa.BigInteger(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_operation_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
    with op.batch_alter_table("operation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_operation_state_heartbeat_at"), ["state", "heartbeat_at"], unique=False)

    op.create_table(
        "plan",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("region", "day", name=op.f("uq_plan_region_day")),
    )
    op.create_table(
        "plan_geometry",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_geometry")),
    )
    op.create_table(
        "service_product",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("title_zh", sa.String(length=80), nullable=False),
        sa.Column("title_en", sa.String(length=80), nullable=False),
        sa.Column("default_for", sa.String(length=8), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("source_note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_service_product")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("scene", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("place_id", sa.String(length=64), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("compartments", sa.JSON(), nullable=False),
        sa.Column("opening", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("commissioned_on", sa.Date(), nullable=True),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.CheckConstraint("kind IN ('kiosk', 'station', 'cabinet')", name=op.f("ck_site_kind")),
        sa.CheckConstraint("status IN ('planned', 'active', 'maintenance', 'retired')", name=op.f("ck_site_status")),
        sa.CheckConstraint("length(id) BETWEEN 3 AND 32", name=op.f("ck_site_id_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_site_region_kind"), ["region", "kind"], unique=False)

    op.create_table(
        "station_guess",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("wrong_at", sa.JSON(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lock_outs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_station_guess")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=True),
        sa.Column("courier_id", sa.String(length=64), nullable=True),
        sa.Column("company_id", sa.String(length=64), nullable=True),
        sa.Column("site_id", sa.String(length=64), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("password_set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('courier', 'dispatcher', 'station', 'finance', 'company_viewer', 'admin')",
            name=op.f("ck_user_account_role"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("username", name=op.f("uq_user_account_username")),
    )
    op.create_table(
        "vehicle_type",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("profile", sa.String(length=16), nullable=False),
        sa.Column("capacity_weight_g", sa.Integer(), nullable=False),
        sa.Column("capacity_volume_cm3", sa.Integer(), nullable=False),
        sa.Column("capacity_count", sa.Integer(), nullable=False),
        sa.Column("fixed_fen", sa.Integer(), nullable=False),
        sa.Column("per_km_fen", sa.Integer(), nullable=False),
        sa.Column("per_hour_fen", sa.Integer(), nullable=False),
        sa.Column("shift_start_s", sa.Integer(), nullable=False),
        sa.Column("shift_end_s", sa.Integer(), nullable=False),
        sa.Column("max_stops", sa.Integer(), nullable=True),
        sa.Column("max_distance_m", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "capacity_weight_g > 0 AND capacity_volume_cm3 > 0 AND capacity_count > 0",
            name=op.f("ck_vehicle_type_capacity"),
        ),
        sa.CheckConstraint(
            "fixed_fen >= 0 AND per_km_fen >= 0 AND per_hour_fen >= 0", name=op.f("ck_vehicle_type_cost")
        ),
        sa.CheckConstraint("shift_start_s < shift_end_s", name=op.f("ck_vehicle_type_shift")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle_type")),
    )
    with op.batch_alter_table("vehicle_type", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vehicle_type_region"), ["region"], unique=False)

    op.create_table(
        "weekday_version",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["weekday_version.id"], name=op.f("fk_weekday_version_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekday_version")),
        sa.UniqueConstraint("region", "number", name=op.f("uq_weekday_version_region_number")),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("area", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=160), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("key_salt", sa.String(length=64), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_device_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("kid", name=op.f("uq_device_kid")),
    )
    op.create_table(
        "enrolment_code",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("area", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_enrolment_code_site_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_enrolment_code")),
    )
    with op.batch_alter_table("enrolment_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enrolment_code_device_id"), ["device_id"], unique=False)

    op.create_table(
        "entry_pass",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("parcels", sa.JSON(), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_entry_pass_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_pass")),
    )
    op.create_table(
        "kiosk_collection",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("courier_id", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_kiosk_collection_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kiosk_collection")),
    )
    with op.batch_alter_table("kiosk_collection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kiosk_collection_site_id_began_at"), ["site_id", "began_at"], unique=False)

    op.create_table(
        "kiosk_sending",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company_id", sa.String(length=32), nullable=True),
        sa.Column("waybill", sa.String(length=40), nullable=True),
        sa.Column("cell", sa.String(length=32), nullable=True),
        sa.Column("told_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_kiosk_sending_site_id")),
        sa.PrimaryKeyConstraint("id", "site_id", name=op.f("pk_kiosk_sending")),
    )
    with op.batch_alter_table("kiosk_sending", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kiosk_sending_site_id_state"), ["site_id", "state"], unique=False)

    op.create_table(
        "kiosk_waybill",
        sa.Column("company_id", sa.String(length=32), nullable=False),
        sa.Column("waybill", sa.String(length=40), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_kiosk_waybill_company_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_kiosk_waybill_site_id")),
        sa.PrimaryKeyConstraint("company_id", "waybill", name=op.f("pk_kiosk_waybill")),
    )
    with op.batch_alter_table("kiosk_waybill", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kiosk_waybill_site_id_state"), ["site_id", "state"], unique=False)

    op.create_table(
        "operation_event",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("operation_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_operation_event_operation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_operation_event")),
    )
    with op.batch_alter_table("operation_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_operation_event_operation_id_position"), ["operation_id", "position"], unique=False
        )

    op.create_table(
        "parcel",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("company_id", sa.String(length=32), nullable=False),
        sa.Column("waybill", sa.String(length=40), nullable=False),
        sa.Column("piece", sa.Integer(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("product", sa.String(length=40), nullable=False),
        sa.Column("recipient_name", sa.String(length=80), nullable=False),
        sa.Column("recipient_phone", sa.String(length=40), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("place_id", sa.String(length=64), nullable=False),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("datum", sa.String(length=8), nullable=False),
        sa.Column("position_source", sa.String(length=16), nullable=False),
        sa.Column("position_confidence", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("channel_site_id", sa.String(length=32), nullable=True),
        sa.Column("consent_reference", sa.String(length=80), nullable=True),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("volume_cm3", sa.Integer(), nullable=False),
        sa.Column("due_day", sa.Date(), nullable=False),
        sa.Column("window_start_s", sa.Integer(), nullable=True),
        sa.Column("window_end_s", sa.Integer(), nullable=True),
        sa.Column("declared_value_fen", sa.BigInteger(), nullable=False),
        sa.Column("cod_fen", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("import_id", sa.String(length=36), nullable=True),
        sa.CheckConstraint("piece >= 1 AND piece <= pieces", name=op.f("ck_parcel_piece_of_pieces")),
        sa.CheckConstraint("weight_g >= 0 AND volume_cm3 >= 0", name=op.f("ck_parcel_size_not_negative")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_parcel_company_id")),
        sa.ForeignKeyConstraint(["import_id"], ["manifest_import.id"], name=op.f("fk_parcel_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
        sa.UniqueConstraint("company_id", "waybill", "piece", name=op.f("uq_parcel_company_id_waybill_piece")),
    )
    with op.batch_alter_table("parcel", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_parcel_region_due_day"), ["region", "due_day"], unique=False)
        batch_op.create_index(batch_op.f("ix_parcel_waybill"), ["waybill"], unique=False)

    op.create_table(
        "plan_closure",
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_closure_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plan_closure")),
    )
    op.create_table(
        "plan_version",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.JSON(), nullable=False),
        sa.Column("statistics", sa.JSON(), nullable=False),
        sa.Column("assumptions", sa.JSON(), nullable=False),
        sa.Column("software", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("reasons_of", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["plan_version.id"], name=op.f("fk_plan_version_parent_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_version_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_version")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_plan_version_plan_id_number")),
    )
    op.create_table(
        "rejected_row",
        sa.Column("import_id", sa.String(length=36), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["manifest_import.id"], name=op.f("fk_rejected_row_import_id")),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_rejected_row")),
    )
    op.create_table(
        "rollout",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=True),
        sa.Column("release", sa.String(length=32), nullable=True),
        sa.Column("url", sa.String(length=200), nullable=False),
        sa.Column("stages", sa.JSON(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("least_executed", sa.Integer(), nullable=False),
        sa.Column("most_failed_percent", sa.Integer(), nullable=False),
        sa.Column("soak_s", sa.Integer(), nullable=False),
        sa.Column("timeout_s", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(length=160), nullable=False),
        sa.Column("started_by", sa.String(length=80), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["release"], ["device_release.version"], name=op.f("fk_rollout_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout")),
    )
    with op.batch_alter_table("rollout", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rollout_state"), ["state"], unique=False)

    op.create_table(
        "site_outage",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_site_outage_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_outage")),
    )
    with op.batch_alter_table("site_outage", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_site_outage_site_id_kind_began_at"), ["site_id", "kind", "began_at"], unique=False
        )

    op.create_table(
        "station_alarm",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_station_alarm_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_alarm")),
    )
    with op.batch_alter_table("station_alarm", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_station_alarm_site_id_kind_subject"), ["site_id", "kind", "subject"], unique=False
        )

    op.create_table(
        "station_count",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.String(length=80), nullable=False),
        sa.Column("book", sa.JSON(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=80), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_station_count_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_count")),
    )
    with op.batch_alter_table("station_count", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_count_site_id_began_at"), ["site_id", "began_at"], unique=False)

    op.create_table(
        "station_dock",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("vehicle", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("to_unload", sa.JSON(), nullable=False),
        sa.Column("to_load", sa.JSON(), nullable=False),
        sa.Column("unloaded", sa.JSON(), nullable=False),
        sa.Column("loaded", sa.JSON(), nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_station_dock_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_dock")),
    )
    with op.batch_alter_table("station_dock", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_dock_site_id_state"), ["site_id", "state"], unique=False)

    op.create_table(
        "station_fact",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("cell", sa.String(length=32), nullable=True),
        sa.Column("parcel_id", sa.String(length=36), nullable=True),
        sa.Column("visit_id", sa.String(length=36), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_station_fact_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_fact")),
    )
    with op.batch_alter_table("station_fact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_fact_parcel_id"), ["parcel_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_station_fact_site_id_fact_at"), ["site_id", "fact_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_station_fact_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "user_session",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_because", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
    )
    with op.batch_alter_table("user_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_session_user_id"), ["user_id"], unique=False)

    op.create_table(
        "vehicle",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("type_id", sa.String(length=64), nullable=False),
        sa.Column("plate", sa.String(length=32), nullable=False),
        sa.Column("courier_id", sa.String(length=64), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["courier_id"], ["courier.id"], name=op.f("fk_vehicle_courier_id")),
        sa.ForeignKeyConstraint(["type_id"], ["vehicle_type.id"], name=op.f("fk_vehicle_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle")),
    )
    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vehicle_region"), ["region"], unique=False)

    op.create_table(
        "weekday_acceptance",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["weekday_version.id"], name=op.f("fk_weekday_acceptance_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekday_acceptance")),
        sa.UniqueConstraint("region", "number", name=op.f("uq_weekday_acceptance_region_number")),
    )
    with op.batch_alter_table("weekday_acceptance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_weekday_acceptance_region_number"), ["region", "number"], unique=False)

    op.create_table(
        "weekday_pattern",
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("place_id", sa.String(length=64), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("longest_gap", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["weekday_version.id"], name=op.f("fk_weekday_pattern_version_id")),
        sa.PrimaryKeyConstraint("version_id", "place_id", name=op.f("pk_weekday_pattern")),
    )
    op.create_table(
        "custody_event",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=True),
        sa.Column("store", sa.String(length=36), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=24), nullable=False),
        sa.Column("parcel_id", sa.String(length=36), nullable=True),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=True),
        sa.Column("from_custodian", sa.String(length=80), nullable=True),
        sa.Column("to_custodian", sa.String(length=80), nullable=True),
        sa.Column("transfer_id", sa.String(length=64), nullable=True),
        sa.Column("section", sa.String(length=40), nullable=True),
        sa.Column("wave", sa.String(length=40), nullable=True),
        sa.Column("shift", sa.String(length=40), nullable=True),
        sa.Column("plan_version_id", sa.String(length=36), nullable=True),
        sa.Column("route_id", sa.String(length=64), nullable=True),
        sa.Column("stop_id", sa.String(length=64), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("next_action", sa.String(length=40), nullable=True),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("means", sa.String(length=24), nullable=True),
        sa.Column("consent_reference", sa.String(length=80), nullable=True),
        sa.Column("corrects", sa.String(length=36), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_custody_event_parcel_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_custody_event")),
        sa.UniqueConstraint("device_id", "store", "seq", name=op.f("uq_custody_event_device_id_store_seq")),
    )
    with op.batch_alter_table("custody_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_custody_event_parcel_id"), ["parcel_id"], unique=False)

    op.create_table(
        "custody_standing",
        sa.Column("parcel_id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("custodian", sa.String(length=80), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_step", sa.String(length=32), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("last_event_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_custody_standing_parcel_id")),
        sa.PrimaryKeyConstraint("parcel_id", name=op.f("pk_custody_standing")),
    )
    with op.batch_alter_table("custody_standing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_custody_standing_custodian"), ["custodian"], unique=False)
        batch_op.create_index(batch_op.f("ix_custody_standing_status"), ["status"], unique=False)

    op.create_table(
        "device_certificate",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_certificate_device_id")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_device_certificate")),
    )
    with op.batch_alter_table("device_certificate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_certificate_device_id"), ["device_id"], unique=False)

    op.create_table(
        "device_command",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("op", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("ctr", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("exp_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("resolution", sa.String(length=32), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("wire", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_command_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_command")),
        sa.UniqueConstraint("device_id", "ctr", name=op.f("uq_device_command_device_id_ctr")),
    )
    with op.batch_alter_table("device_command", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_command_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_device_command_state_exp_at"), ["state", "exp_at"], unique=False)

    op.create_table(
        "device_config",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_force", sa.BigInteger(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_config_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_config")),
    )
    op.create_table(
        "device_grant",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("grant_id", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since_version", sa.BigInteger(), nullable=False),
        sa.Column("gone_version", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_grant_device_id")),
        sa.PrimaryKeyConstraint("device_id", "grant_id", name=op.f("pk_device_grant")),
    )
    op.create_table(
        "device_list",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_list_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_list")),
    )
    op.create_table(
        "device_presence",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("connection", sa.BigInteger(), nullable=False),
        sa.Column("firmware", sa.String(length=40), nullable=False),
        sa.Column("description", sa.String(length=64), nullable=False),
        sa.Column("died_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connects", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_presence_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_presence")),
    )
    op.create_table(
        "device_progress",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("contiguous", sa.BigInteger(), nullable=False),
        sa.Column("ahead", sa.JSON(), nullable=False),
        sa.Column("gap_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_progress_device_id")),
        sa.PrimaryKeyConstraint("device_id", "store", name=op.f("pk_device_progress")),
    )
    op.create_table(
        "device_telemetry",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_telemetry_device_id")),
        sa.PrimaryKeyConstraint("device_id", "kind", name=op.f("pk_device_telemetry")),
    )
    op.create_table(
        "inbound_event",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("txn", sa.String(length=64), nullable=True),
        sa.Column("device_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_synced", sa.Boolean(), nullable=False),
        sa.Column("historical", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_inbound_event_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_event")),
        sa.UniqueConstraint("device_id", "store", "seq", name=op.f("uq_inbound_event_device_id_store_seq")),
    )
    with op.batch_alter_table("inbound_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbound_event_type_corrected_at"), ["type", "corrected_at"], unique=False)

    op.create_table(
        "plan_draft",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("base_version_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("copied_from", sa.String(length=36), nullable=True),
        sa.Column("version_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["base_version_id"], ["plan_version.id"], name=op.f("fk_plan_draft_base_version_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_draft_plan_id")),
        sa.ForeignKeyConstraint(["version_id"], ["plan_version.id"], name=op.f("fk_plan_draft_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_draft")),
    )
    with op.batch_alter_table("plan_draft", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_draft_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "plan_progress",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("vehicle_id", sa.String(length=64), nullable=False),
        sa.Column("stop_key", sa.String(length=80), nullable=False),
        sa.Column("parcel_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("fact_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_plan_progress_parcel_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_progress_plan_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_plan_progress_vehicle_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_plan_progress")),
    )
    with op.batch_alter_table("plan_progress", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_plan_progress_plan_id_vehicle_id"), ["plan_id", "vehicle_id"], unique=False
        )

    op.create_table(
        "plan_publication",
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_publication_plan_id")),
        sa.ForeignKeyConstraint(["version_id"], ["plan_version.id"], name=op.f("fk_plan_publication_version_id")),
        sa.PrimaryKeyConstraint("plan_id", "sequence", name=op.f("pk_plan_publication")),
    )
    op.create_table(
        "plan_refusal",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("parcel_id", sa.String(length=36), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_plan_refusal_parcel_id")),
        sa.ForeignKeyConstraint(["version_id"], ["plan_version.id"], name=op.f("fk_plan_refusal_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_refusal")),
        sa.UniqueConstraint("version_id", "parcel_id", name=op.f("uq_plan_refusal_version_id_parcel_id")),
    )
    op.create_table(
        "plan_route",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.String(length=64), nullable=False),
        sa.Column("vehicle_type_id", sa.String(length=64), nullable=False),
        sa.Column("courier_id", sa.String(length=64), nullable=True),
        sa.Column("profile", sa.String(length=16), nullable=False),
        sa.Column("start_s", sa.Integer(), nullable=False),
        sa.Column("end_s", sa.Integer(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("driving_s", sa.Integer(), nullable=False),
        sa.Column("waiting_s", sa.Integer(), nullable=False),
        sa.Column("working_s", sa.Integer(), nullable=False),
        sa.Column("start_load", sa.JSON(), nullable=False),
        sa.Column("peak_load", sa.JSON(), nullable=False),
        sa.Column("back_distance_m", sa.Integer(), nullable=False),
        sa.Column("back_time_s", sa.Integer(), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.JSON(), nullable=False),
        sa.Column("geometry_id", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["courier_id"], ["courier.id"], name=op.f("fk_plan_route_courier_id")),
        sa.ForeignKeyConstraint(["geometry_id"], ["plan_geometry.id"], name=op.f("fk_plan_route_geometry_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["plan_route.id"], name=op.f("fk_plan_route_parent_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_plan_route_vehicle_id")),
        sa.ForeignKeyConstraint(["vehicle_type_id"], ["vehicle_type.id"], name=op.f("fk_plan_route_vehicle_type_id")),
        sa.ForeignKeyConstraint(["version_id"], ["plan_version.id"], name=op.f("fk_plan_route_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_route")),
    )
    with op.batch_alter_table("plan_route", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_route_version_id"), ["version_id"], unique=False)

    op.create_table(
        "plan_unassigned",
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("parcel_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_plan_unassigned_parcel_id")),
        sa.ForeignKeyConstraint(["version_id"], ["plan_version.id"], name=op.f("fk_plan_unassigned_version_id")),
        sa.PrimaryKeyConstraint("version_id", "parcel_id", name=op.f("pk_plan_unassigned")),
    )
    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["user_session.id"], name=op.f("fk_refresh_token_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_token")),
    )
    with op.batch_alter_table("refresh_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refresh_token_session_id"), ["session_id"], unique=False)

    op.create_table(
        "rollout_device",
        sa.Column("rollout_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.String(length=160), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_rollout_device_device_id")),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollout.id"], name=op.f("fk_rollout_device_rollout_id")),
        sa.PrimaryKeyConstraint("rollout_id", "device_id", name=op.f("pk_rollout_device")),
    )
    with op.batch_alter_table("rollout_device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rollout_device_device_id"), ["device_id"], unique=False)

    op.create_table(
        "station_cell",
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("cell", sa.String(length=32), nullable=False),
        sa.Column("size", sa.String(length=4), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("book", sa.String(length=16), nullable=False),
        sa.Column("door", sa.String(length=8), nullable=False),
        sa.Column("occupancy", sa.String(length=8), nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.Column("doubts", sa.JSON(), nullable=False),
        sa.Column("parcel_id", sa.String(length=36), nullable=True),
        sa.Column("reserved_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.String(length=8), nullable=False),
        sa.Column("open_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tier", sa.String(length=8), nullable=False),
        sa.Column("opened_for", sa.String(length=80), nullable=True),
        sa.Column("told_store", sa.String(length=32), nullable=True),
        sa.Column("told_seq", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_station_cell_parcel_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_station_cell_site_id")),
        sa.PrimaryKeyConstraint("site_id", "cell", name=op.f("pk_station_cell")),
        sa.UniqueConstraint("site_id", "parcel_id", name=op.f("uq_station_cell_site_id_parcel_id")),
    )
    with op.batch_alter_table("station_cell", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_cell_parcel_id"), ["parcel_id"], unique=False)

    op.create_table(
        "station_code",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("cell", sa.String(length=32), nullable=False),
        sa.Column("parcel_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("issued_by", sa.String(length=80), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_station_code_parcel_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_station_code_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_code")),
    )
    with op.batch_alter_table("station_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_code_parcel_id"), ["parcel_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_station_code_site_id_state"), ["site_id", "state"], unique=False)

    op.create_table(
        "station_visit",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("pass_id", sa.String(length=36), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("taken", sa.JSON(), nullable=False),
        sa.Column("colour", sa.String(length=6), nullable=True),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["pass_id"], ["entry_pass.id"], name=op.f("fk_station_visit_pass_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_station_visit_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_visit")),
    )
    with op.batch_alter_table("station_visit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_visit_site_id_left_at"), ["site_id", "left_at"], unique=False)

    op.create_table(
        "device_command_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("command_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["command_id"], ["device_command.id"], name=op.f("fk_device_command_step_command_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_command_step")),
    )
    with op.batch_alter_table("device_command_step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_command_step_command_id"), ["command_id"], unique=False)

    op.create_table(
        "plan_answer",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("route_id", sa.String(length=36), nullable=False),
        sa.Column("courier_id", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["courier_id"], ["courier.id"], name=op.f("fk_plan_answer_courier_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_answer_plan_id")),
        sa.ForeignKeyConstraint(["route_id"], ["plan_route.id"], name=op.f("fk_plan_answer_route_id")),
        sa.ForeignKeyConstraint(["version_id"], ["plan_version.id"], name=op.f("fk_plan_answer_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_answer")),
        sa.UniqueConstraint("route_id", "courier_id", name=op.f("uq_plan_answer_route_id_courier_id")),
    )
    with op.batch_alter_table("plan_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_answer_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "plan_draft_step",
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=8), nullable=False),
        sa.Column("command", sa.JSON(), nullable=False),
        sa.Column("override", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["plan_draft.id"], name=op.f("fk_plan_draft_step_draft_id")),
        sa.PrimaryKeyConstraint("draft_id", "sequence", name=op.f("pk_plan_draft_step")),
    )
    op.create_table(
        "plan_proposal",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["plan_draft.id"], name=op.f("fk_plan_proposal_draft_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_proposal")),
    )
    with op.batch_alter_table("plan_proposal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_proposal_draft_id"), ["draft_id"], unique=False)

    op.create_table(
        "plan_stop",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("route_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("place_id", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=True),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("position_source", sa.String(length=16), nullable=False),
        sa.Column("leg_distance_m", sa.Integer(), nullable=False),
        sa.Column("leg_time_s", sa.Integer(), nullable=False),
        sa.Column("arrival_s", sa.Integer(), nullable=False),
        sa.Column("start_s", sa.Integer(), nullable=False),
        sa.Column("departure_s", sa.Integer(), nullable=False),
        sa.Column("setup_s", sa.Integer(), nullable=False),
        sa.Column("service_s", sa.Integer(), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.Column("changed_load", sa.JSON(), nullable=False),
        sa.Column("load_after", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["route_id"], ["plan_route.id"], name=op.f("fk_plan_stop_route_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_stop")),
        sa.UniqueConstraint("route_id", "position", name=op.f("uq_plan_stop_route_id_position")),
    )
    op.create_table(
        "plan_version_route",
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("route_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["route_id"], ["plan_route.id"], name=op.f("fk_plan_version_route_route_id")),
        sa.ForeignKeyConstraint(["version_id"], ["plan_version.id"], name=op.f("fk_plan_version_route_version_id")),
        sa.PrimaryKeyConstraint("version_id", "route_id", name=op.f("pk_plan_version_route")),
    )
    op.create_table(
        "station_notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("parcel_id", sa.String(length=36), nullable=False),
        sa.Column("code_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["code_id"], ["station_code.id"], name=op.f("fk_station_notice_code_id")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_station_notice_parcel_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_station_notice_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_notice")),
        sa.UniqueConstraint("parcel_id", "kind", "code_id", name=op.f("uq_station_notice_parcel_id_kind_code_id")),
    )
    with op.batch_alter_table("station_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_notice_sent_at"), ["sent_at"], unique=False)

    op.create_table(
        "plan_stop_parcel",
        sa.Column("stop_id", sa.String(length=64), nullable=False),
        sa.Column("parcel_id", sa.String(length=36), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_plan_stop_parcel_parcel_id")),
        sa.ForeignKeyConstraint(["stop_id"], ["plan_stop.id"], name=op.f("fk_plan_stop_parcel_stop_id")),
        sa.PrimaryKeyConstraint("stop_id", "parcel_id", name=op.f("pk_plan_stop_parcel")),
    )
    with op.batch_alter_table("plan_stop_parcel", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_stop_parcel_parcel_id"), ["parcel_id"], unique=False)


def downgrade() -> None:
    """Step back."""
    with op.batch_alter_table("plan_stop_parcel", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_stop_parcel_parcel_id"))

    op.drop_table("plan_stop_parcel")
    with op.batch_alter_table("station_notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_notice_sent_at"))

    op.drop_table("station_notice")
    op.drop_table("plan_version_route")
    op.drop_table("plan_stop")
    with op.batch_alter_table("plan_proposal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_proposal_draft_id"))

    op.drop_table("plan_proposal")
    op.drop_table("plan_draft_step")
    with op.batch_alter_table("plan_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_answer_plan_id"))

    op.drop_table("plan_answer")
    with op.batch_alter_table("device_command_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_command_step_command_id"))

    op.drop_table("device_command_step")
    with op.batch_alter_table("station_visit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_visit_site_id_left_at"))

    op.drop_table("station_visit")
    with op.batch_alter_table("station_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_code_site_id_state"))
        batch_op.drop_index(batch_op.f("ix_station_code_parcel_id"))

    op.drop_table("station_code")
    with op.batch_alter_table("station_cell", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_cell_parcel_id"))

    op.drop_table("station_cell")
    with op.batch_alter_table("rollout_device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rollout_device_device_id"))

    op.drop_table("rollout_device")
    with op.batch_alter_table("refresh_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refresh_token_session_id"))

    op.drop_table("refresh_token")
    op.drop_table("plan_unassigned")
    with op.batch_alter_table("plan_route", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_route_version_id"))

    op.drop_table("plan_route")
    op.drop_table("plan_refusal")
    op.drop_table("plan_publication")
    with op.batch_alter_table("plan_progress", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_progress_plan_id_vehicle_id"))

    op.drop_table("plan_progress")
    with op.batch_alter_table("plan_draft", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_draft_plan_id"))

    op.drop_table("plan_draft")
    with op.batch_alter_table("inbound_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbound_event_type_corrected_at"))

    op.drop_table("inbound_event")
    op.drop_table("device_telemetry")
    op.drop_table("device_progress")
    op.drop_table("device_presence")
    op.drop_table("device_list")
    op.drop_table("device_grant")
    op.drop_table("device_config")
    with op.batch_alter_table("device_command", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_command_state_exp_at"))
        batch_op.drop_index(batch_op.f("ix_device_command_digest"))

    op.drop_table("device_command")
    with op.batch_alter_table("device_certificate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_certificate_device_id"))

    op.drop_table("device_certificate")
    with op.batch_alter_table("custody_standing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_custody_standing_status"))
        batch_op.drop_index(batch_op.f("ix_custody_standing_custodian"))

    op.drop_table("custody_standing")
    with op.batch_alter_table("custody_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_custody_event_parcel_id"))

    op.drop_table("custody_event")
    op.drop_table("weekday_pattern")
    with op.batch_alter_table("weekday_acceptance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_weekday_acceptance_region_number"))

    op.drop_table("weekday_acceptance")
    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_vehicle_region"))

    op.drop_table("vehicle")
    with op.batch_alter_table("user_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_session_user_id"))

    op.drop_table("user_session")
    with op.batch_alter_table("station_fact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_fact_visit_id"))
        batch_op.drop_index(batch_op.f("ix_station_fact_site_id_fact_at"))
        batch_op.drop_index(batch_op.f("ix_station_fact_parcel_id"))

    op.drop_table("station_fact")
    with op.batch_alter_table("station_dock", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_dock_site_id_state"))

    op.drop_table("station_dock")
    with op.batch_alter_table("station_count", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_count_site_id_began_at"))

    op.drop_table("station_count")
    with op.batch_alter_table("station_alarm", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_alarm_site_id_kind_subject"))

    op.drop_table("station_alarm")
    with op.batch_alter_table("site_outage", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_site_outage_site_id_kind_began_at"))

    op.drop_table("site_outage")
    with op.batch_alter_table("rollout", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rollout_state"))

    op.drop_table("rollout")
    op.drop_table("rejected_row")
    op.drop_table("plan_version")
    op.drop_table("plan_closure")
    with op.batch_alter_table("parcel", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_parcel_waybill"))
        batch_op.drop_index(batch_op.f("ix_parcel_region_due_day"))

    op.drop_table("parcel")
    with op.batch_alter_table("operation_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_operation_event_operation_id_position"))

    op.drop_table("operation_event")
    with op.batch_alter_table("kiosk_waybill", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kiosk_waybill_site_id_state"))

    op.drop_table("kiosk_waybill")
    with op.batch_alter_table("kiosk_sending", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kiosk_sending_site_id_state"))

    op.drop_table("kiosk_sending")
    with op.batch_alter_table("kiosk_collection", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kiosk_collection_site_id_began_at"))

    op.drop_table("kiosk_collection")
    op.drop_table("entry_pass")
    with op.batch_alter_table("enrolment_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_enrolment_code_device_id"))

    op.drop_table("enrolment_code")
    op.drop_table("device")
    op.drop_table("weekday_version")
    with op.batch_alter_table("vehicle_type", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_vehicle_type_region"))

    op.drop_table("vehicle_type")
    op.drop_table("user_account")
    op.drop_table("station_guess")
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_site_region_kind"))

    op.drop_table("site")
    op.drop_table("service_product")
    op.drop_table("plan_geometry")
    op.drop_table("plan")
    with op.batch_alter_table("operation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_operation_state_heartbeat_at"))

    op.drop_table("operation")
    with op.batch_alter_table("manifest_import", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_manifest_import_region_file_digest"))

    op.drop_table("manifest_import")
    with op.batch_alter_table("login_failure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_failure_subject_failed_at"))

    op.drop_table("login_failure")
    with op.batch_alter_table("kept_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kept_answer_claimed_at"))

    op.drop_table("kept_answer")
    with op.batch_alter_table("event_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_log_subject_position"))

    op.drop_table("event_log")
    op.drop_table("device_release")
    with op.batch_alter_table("device_alarm", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_alarm_device_id_kind"))

    op.drop_table("device_alarm")
    with op.batch_alter_table("dead_letter", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dead_letter_device_id_store_seq"))

    op.drop_table("dead_letter")
    op.drop_table("custody_conflict")
    with op.batch_alter_table("courier", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_courier_region"))

    op.drop_table("courier")
    op.drop_table("company")
