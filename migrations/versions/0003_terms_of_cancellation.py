"""What a late cancellation costs: the mentor's terms, and those that a booking was made on.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("mentor", "booking"):
        # Said in SQL, which both databases understand: to SQLite, Alembic would have to copy the table.
        op.execute(f"""
            ALTER TABLE {table} ADD COLUMN terms VARCHAR(20) DEFAULT 'flexible' NOT NULL
            CONSTRAINT ck_{table}_terms CHECK (terms IN ('flexible', 'standard', 'strict'))""")
    op.add_column("booking", sa.Column("free_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("booking", "free_until")
    for table in ("booking", "mentor"):
        op.drop_column(table, "terms")
