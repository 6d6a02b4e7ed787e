"""Proposals to hold a session at another time.

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    op.create_table(
        "reschedule",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("booking_id", sa.String(length=40), nullable=False),
        sa.Column("by", _words("by", "mentee", "mentor", "operator", "system", "stripe"), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("came_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state", _words("state", "move_proposed", "move_agreed", "move_declined", "move_withdrawn", "move_unanswered"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_reschedule_ends_after_start")),
        sa.CheckConstraint("starts_at <> came_from", name=op.f("ck_reschedule_is_another_time")),
        sa.CheckConstraint("by IN ('mentee', 'mentor')", name=op.f("ck_reschedule_is_by_one_of_both")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_reschedule_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reschedule")),
    )
    op.create_index(
        "uq_reschedule_one_proposed",
        "reschedule",
        ["booking_id"],
        unique=True,
        sqlite_where=sa.text("state = 'move_proposed'"),
        postgresql_where=sa.text("state = 'move_proposed'"),
    )
    op.create_index("ix_reschedule_booking_id_created_at", "reschedule", ["booking_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_table("reschedule")
