"""Where people meet: a mentor's own place, and that of every session.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mentor", sa.Column("meeting_url", sa.String(length=500), nullable=True))
    op.add_column("booking", sa.Column("meeting_url", sa.String(length=500), nullable=True))


def downgrade() -> None:
    op.drop_column("booking", "meeting_url")
    op.drop_column("mentor", "meeting_url")
