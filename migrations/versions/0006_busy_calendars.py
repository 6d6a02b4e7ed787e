"""Mentors' calendars elsewhere, and the busy times that were read there.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "busy_calendar",
        sa.Column("mentor_id", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("notice", sa.String(length=300), nullable=False),
        sa.Column("problem", sa.String(length=300), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["mentor_id"], ["mentor.id"], name=op.f("fk_busy_calendar_mentor_id")),
        sa.PrimaryKeyConstraint("mentor_id", name=op.f("pk_busy_calendar")),
    )
    op.create_index("ix_busy_calendar_due_at", "busy_calendar", ["due_at"], unique=False)
    op.create_table(
        "busy_time",
        sa.Column("mentor_id", sa.String(length=40), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_busy_time_ends_after_start")),
        sa.ForeignKeyConstraint(["mentor_id"], ["mentor.id"], name=op.f("fk_busy_time_mentor_id")),
        sa.PrimaryKeyConstraint("mentor_id", "starts_at", name=op.f("pk_busy_time")),
    )


def downgrade() -> None:
    op.drop_table("busy_time")
    op.drop_table("busy_calendar")
