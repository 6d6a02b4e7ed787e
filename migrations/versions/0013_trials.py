"""Free trials: sessions without any money, one for each mentee and mentor.

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

PAID = "CONSTRAINT ck_booking_price_is_positive CHECK (price_minor > 0)"
OR_FREE = "CASE WHEN is_trial THEN price_minor = 0 ELSE price_minor > 0 END"
ONE_EACH = "is_trial AND state IN ('pending_payment', 'requested', 'confirmed', 'completed', 'no_show')"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE mentor ADD COLUMN trial_minutes INTEGER"
        " CONSTRAINT ck_mentor_trial_minutes CHECK (trial_minutes BETWEEN 5 AND 240)"
    )
    op.add_column("booking", sa.Column("is_trial", sa.Boolean(), nullable=False, server_default=sa.false()))
    _price(PAID, f"CONSTRAINT ck_booking_price CHECK ({OR_FREE})")
    op.create_index(
        "uq_booking_trial",
        "booking",
        ["mentee_id", "mentor_id"],
        unique=True,
        sqlite_where=sa.text(ONE_EACH),
        postgresql_where=sa.text(ONE_EACH),
    )


def downgrade() -> None:
    """There was no place for trials before: they go, and their mails with them."""
    trials = "(SELECT id FROM booking WHERE is_trial)"
    for table in ("mail", "check_in", "slot_claim", "reschedule"):
        op.execute(f"DELETE FROM {table} WHERE booking_id IN {trials}")
    for table in ("transition", "deadline"):
        op.execute(f"DELETE FROM {table} WHERE subject IN {trials}")
    op.execute("DELETE FROM booking WHERE is_trial")
    op.drop_index("uq_booking_trial", "booking")
    _price(f"CONSTRAINT ck_booking_price CHECK ({OR_FREE})", PAID)
    op.drop_column("booking", "is_trial")
    op.drop_column("mentor", "trial_minutes")


def _price(old: str, new: str) -> None:
    """Change what a booking may cost; see 0010 for how SQLite is told."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute(f"ALTER TABLE booking DROP {old.partition(' CHECK')[0]}")
        op.execute(f"ALTER TABLE booking ADD {new}")
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'booking'", (old, new)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
