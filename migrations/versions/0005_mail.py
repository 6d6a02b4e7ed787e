"""Mail: the outbox, and the moments at which people are reminded of hours that are confirmed already. Calendar feeds.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# kind, the time it counts from, and hours from there; as the application has it at this revision
MOMENTS = (
    ("remind_day", "starts_at", -24),
    ("remind_hour", "starts_at", -1),
    ("ask_hour", "ends_at", 1),
    ("ask_day", "ends_at", 24),
    ("ask_last", "ends_at", 40),
)


def upgrade() -> None:
    op.create_table(
        "mail",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("booking_id", sa.String(length=40), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "sent", "given_up", name="state", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["user_account.id"], name=op.f("fk_mail_person_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_mail_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("person_id", "kind", "cause", name=op.f("uq_mail_person_id_kind_cause")),
    )
    op.create_index(
        "ix_mail_due",
        "mail",
        ["not_before"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_mail_created_at_id", "mail", ["created_at", "id"], unique=False)
    op.create_index("ix_mail_booking_id", "mail", ["booking_id"], unique=False)
    op.add_column("user_account", sa.Column("calendar_key", sa.String(length=40), nullable=True))
    for kind, begin, hours in MOMENTS:
        op.execute(f"""
            INSERT INTO deadline (kind, subject, due_at)
            SELECT '{kind}', id, {_shifted(begin, hours)} FROM booking WHERE state = 'confirmed'""")


def _shifted(column: str, hours: int) -> str:
    """A time some hours later or earlier, as each database stores it."""
    if op.get_bind().dialect.name == "postgresql":
        return f"{column} + interval '{hours} hours'"
    return f"strftime('%Y-%m-%d %H:%M:%f', {column}, '{hours:+} hours') || '000'"


def downgrade() -> None:
    kinds = ", ".join(f"'{kind}'" for kind, _, _ in MOMENTS)
    op.execute(f"DELETE FROM deadline WHERE kind IN ({kinds})")
    op.drop_column("user_account", "calendar_key")
    op.drop_table("mail")
