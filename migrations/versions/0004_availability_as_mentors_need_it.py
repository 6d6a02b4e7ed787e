"""Availability as mentors need it: exceptions to the week, rules for new bookings, buffers, places in a day.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BUFFER = "INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_mentor_{name} CHECK ({name} BETWEEN 0 AND 240 AND {name} % 5 = 0)"
WITHIN = "INTEGER CONSTRAINT ck_mentor_{name} CHECK ({name} BETWEEN 1 AND {most})"
RULES = {
    "buffer_before": BUFFER.format(name="buffer_before"),
    "buffer_after": BUFFER.format(name="buffer_after"),
    "notice_hours": WITHIN.format(name="notice_hours", most=720),
    "daily_cap": WITHIN.format(name="daily_cap", most=24),
    "horizon_days": WITHIN.format(name="horizon_days", most=365),
    "durations": "VARCHAR(100) CONSTRAINT ck_mentor_durations CHECK (durations <> '')",
}
COUNTED = "state IN ('pending_payment', 'confirmed', 'completed', 'no_show')"


def upgrade() -> None:
    for name, kind in RULES.items():  # in plain SQL: SQLite takes a check with its column, without copying the table
        op.execute(f"ALTER TABLE mentor ADD COLUMN {name} {kind}")
    op.create_table(
        "date_exception",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("mentor_id", sa.String(length=40), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("off", "instead", "extra", name="kind", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=True),
        sa.Column("end_minute", sa.Integer(), nullable=True),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_date_exception_days_in_order")),
        sa.CheckConstraint(
            "CASE WHEN kind = 'off' THEN start_minute IS NULL AND end_minute IS NULL"
            " ELSE first_day = last_day AND start_minute IS NOT NULL AND end_minute IS NOT NULL END",
            name=op.f("ck_date_exception_hours_on_one_day"),
        ),
        sa.CheckConstraint(
            "0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440",
            name=op.f("ck_date_exception_range"),
        ),
        sa.ForeignKeyConstraint(["mentor_id"], ["mentor.id"], name=op.f("fk_date_exception_mentor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_date_exception")),
    )
    op.create_index(
        "ix_date_exception_mentor_id_last_day", "date_exception", ["mentor_id", "last_day", "first_day"], unique=False
    )
    op.add_column("booking", sa.Column("mentor_day", sa.Date(), nullable=True))
    op.execute("ALTER TABLE booking ADD COLUMN place INTEGER CONSTRAINT ck_booking_place CHECK (place >= 1)")
    op.create_index(
        "uq_booking_place",
        "booking",
        ["mentor_id", "mentor_day", "place"],
        unique=True,
        sqlite_where=sa.text(COUNTED),
        postgresql_where=sa.text(COUNTED),
    )
    _claim_in_lanes()


def _claim_in_lanes() -> None:
    """Sessions that stand take their first and last five minutes in the lanes that keep buffers."""
    with op.batch_alter_table("slot_claim") as batch:
        batch.add_column(sa.Column("lane", sa.Integer(), nullable=False, server_default="0"))
        batch.drop_constraint("pk_slot_claim", type_="primary")
        batch.create_primary_key("pk_slot_claim", ["who", "cell", "lane"])
        batch.create_check_constraint(op.f("ck_slot_claim_lane"), "lane BETWEEN 0 AND 2")
    with op.batch_alter_table("slot_claim") as batch:
        batch.alter_column("lane", server_default=None)
    for lane, cell in ((1, "min(cell)"), (2, "max(cell)")):
        op.execute(f"""
            INSERT INTO slot_claim (who, cell, lane, booking_id)
            SELECT who, {cell}, {lane}, booking_id FROM slot_claim WHERE lane = 0 GROUP BY who, booking_id""")


def downgrade() -> None:
    op.execute("DELETE FROM slot_claim WHERE lane <> 0")
    with op.batch_alter_table("slot_claim") as batch:
        batch.drop_constraint(op.f("ck_slot_claim_lane"), type_="check")
        batch.drop_constraint("pk_slot_claim", type_="primary")
        batch.create_primary_key("pk_slot_claim", ["who", "cell"])
        batch.drop_column("lane")
    op.drop_index("uq_booking_place", "booking")
    op.drop_column("booking", "place")
    op.drop_column("booking", "mentor_day")
    op.drop_table("date_exception")
    for name in reversed(RULES):
        op.drop_column("mentor", name)
