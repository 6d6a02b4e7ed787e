"""Earnings that are pending first and available later; who was there.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment", sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "check_in",
        sa.Column("booking_id", sa.String(length=40), nullable=False),
        sa.Column(
            "party",
            sa.Enum(
                "mentee", "mentor", "operator", "system", "stripe",
                name="party", native_enum=False, create_constraint=True, length=20,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_check_in_booking_id")),
        sa.PrimaryKeyConstraint("booking_id", "party", name=op.f("pk_check_in")),
    )  # fmt: skip
    op.execute(f"""
        INSERT INTO deadline (kind, subject, due_at)
        SELECT 'clear', payment.id, {_three_days_after("coalesce(booking.ended_at, payment.created_at)")}
        FROM payment JOIN booking ON booking.id = payment.booking_id WHERE payment.state = 'captured'""")


def _three_days_after(column: str) -> str:
    """A time 72 hours later, as each database stores it."""
    if op.get_bind().dialect.name == "postgresql":
        return f"{column} + interval '72 hours'"
    return f"strftime('%Y-%m-%d %H:%M:%f', {column}, '+72 hours') || '000'"


def downgrade() -> None:
    op.execute("DELETE FROM deadline WHERE kind = 'clear'")
    op.drop_table("check_in")
    op.drop_column("payment", "cleared_at")
