"""Requests: mentors who accept every session themselves, and bookings that wait for that.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OLD = "'pending_payment', 'confirmed', 'completed', 'cancelled', 'no_show', 'expired'"
NEW = "'pending_payment', 'requested', 'confirmed', 'completed', 'cancelled', 'no_show', 'expired'"
LIVE = "state IN ({}'pending_payment', 'confirmed')"
COUNTED = "state IN ('pending_payment', {}'confirmed', 'completed', 'no_show')"
REQUESTED = "'requested', "


def upgrade() -> None:
    _allow_states(NEW, instead_of=OLD)
    _guard_time(REQUESTED)
    op.add_column("booking", sa.Column("needs_answer", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("booking", sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mentor", sa.Column("approves", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """What waits for an answer stands: its money is held, and its mentor had no need to accept anything before."""
    op.drop_column("mentor", "approves")
    op.drop_column("booking", "answer_by")
    op.drop_column("booking", "needs_answer")
    op.execute("UPDATE booking SET state = 'confirmed' WHERE state = 'requested'")
    op.execute("DELETE FROM deadline WHERE kind = 'answer'")
    _guard_time("")
    _allow_states(OLD, instead_of=NEW)


def _allow_states(states: str, *, instead_of: str) -> None:
    """Change what a booking can be, and what an operation can end it as."""
    for table, column in (("booking", "state"), ("operation", "ends_as")):
        if op.get_bind().dialect.name == "postgresql":
            op.drop_constraint(op.f(f"ck_{table}_{column}"), table, type_="check")
            op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({states})")
        else:
            _reword(table, f"{column} IN ({instead_of})", f"{column} IN ({states})")


def _reword(table: str, old: str, new: str) -> None:
    """Edit a table's own words, as SQLite's manual advises for a check where other tables refer to this one:
    https://www.sqlite.org/lang_altertable.html#otheralter"""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?", (old, new, table)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def _guard_time(requested: str) -> None:
    """What waits for an answer has its time, and its place in the mentor's day."""
    op.drop_index("uq_booking_place", "booking")
    counted = sa.text(COUNTED.format(requested))
    op.create_index(
        "uq_booking_place",
        "booking",
        ["mentor_id", "mentor_day", "place"],
        unique=True,
        sqlite_where=counted,
        postgresql_where=counted,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE booking DROP CONSTRAINT ex_booking_one_at_a_time")
        op.execute(f"""
            ALTER TABLE booking ADD CONSTRAINT ex_booking_one_at_a_time EXCLUDE USING gist (
                text_range(mentor_id, mentor_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&
            ) WHERE ({LIVE.format(requested)})""")
