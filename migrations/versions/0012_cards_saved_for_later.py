"""Cards that are saved when a session is booked, to hold its price shortly before it.

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment", sa.Column("setup_id", sa.String(length=255), nullable=True))
    there_is_one = sa.text("setup_id IS NOT NULL")
    op.create_index(
        "uq_payment_setup_id",
        "payment",
        ["setup_id"],
        unique=True,
        sqlite_where=there_is_one,
        postgresql_where=there_is_one,
    )
    # In plain SQL: SQLite takes a check with its column, without copying the table.
    op.execute("""
        ALTER TABLE payment ADD COLUMN method_id VARCHAR(255)
        CONSTRAINT ck_payment_a_saved_card_is_known CHECK (state <> 'card_saved' OR method_id IS NOT NULL)""")
    op.add_column("payment", sa.Column("authorize_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("payment", "authorize_at")
    op.drop_column("payment", "method_id")
    op.drop_index("uq_payment_setup_id", table_name="payment")
    op.drop_column("payment", "setup_id")
