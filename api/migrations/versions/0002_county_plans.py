"""Step 0002, after 0001: county plans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "chute_table",
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("region", "number", name=op.f("pk_chute_table")),
    )
    op.create_table(
        "habit_version",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("made_from", sa.String(length=16), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["habit_version.id"], name=op.f("fk_habit_version_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_habit_version")),
        sa.UniqueConstraint("region", "number", name=op.f("uq_habit_version_region_number")),
    )
    op.create_table(
        "sharing_policy",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_policy")),
        sa.UniqueConstraint("region", "version", name=op.f("uq_sharing_policy_region_version")),
    )
    op.create_table(
        "siting_study",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("forecasts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_siting_study")),
        sa.UniqueConstraint("region", "number", name=op.f("uq_siting_study_region_number")),
    )
    with op.batch_alter_table("siting_study", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_siting_study_region_made_at"), ["region", "made_at"], unique=False)

    op.create_table(
        "habit_acceptance",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["habit_version.id"], name=op.f("fk_habit_acceptance_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_habit_acceptance")),
        sa.UniqueConstraint("region", "number", name=op.f("uq_habit_acceptance_region_number")),
    )
    op.create_table(
        "habit_place",
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("arrival_s", sa.Integer(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["habit_version.id"], name=op.f("fk_habit_place_version_id")),
        sa.PrimaryKeyConstraint("version_id", "number", "place_id", name=op.f("pk_habit_place")),
    )
    op.create_table(
        "habit_section",
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.String(length=64), nullable=False),
        sa.Column("courier_id", sa.String(length=64), nullable=True),
        sa.Column("work_min", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["courier_id"], ["courier.id"], name=op.f("fk_habit_section_courier_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_habit_section_vehicle_id")),
        sa.ForeignKeyConstraint(["version_id"], ["habit_version.id"], name=op.f("fk_habit_section_version_id")),
        sa.PrimaryKeyConstraint("version_id", "number", name=op.f("pk_habit_section")),
    )


def downgrade() -> None:
    """Step back."""
    op.drop_table("habit_section")
    op.drop_table("habit_place")
    op.drop_table("habit_acceptance")
    with op.batch_alter_table("siting_study", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_siting_study_region_made_at"))

    op.drop_table("siting_study")
    op.drop_table("sharing_policy")
    op.drop_table("habit_version")
    op.drop_table("chute_table")
