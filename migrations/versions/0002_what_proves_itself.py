"""What proves itself: how far Stripe's journals are read, whose account it is, alarms, reconciliations, a budget,
deadlines.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _states(*states: str) -> sa.Enum:
    return sa.Enum(*states, name="state", native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    op.create_table(
        "bookmark",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_bookmark")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("environment", sa.String(length=40), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_only")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "alarm",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("sentence", sa.String(length=500), nullable=False),
        sa.Column("state", _states("open", "settled"), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(
        "uq_alarm_one_open",
        "alarm",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_alarm_state_raised_at", "alarm", ["state", "raised_at"], unique=False)
    op.create_index("ix_alarm_subject", "alarm", ["subject"], unique=False)
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", _states("running", "clean", "alarmed", "broken_off"), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("mended", sa.Integer(), nullable=False),
        sa.Column("not_ours", sa.Integer(), nullable=False),
        sa.Column("alarms", sa.Integer(), nullable=False),
        sa.Column("told", sa.String(length=500), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )
    op.create_index("ix_reconciliation_started_at_id", "reconciliation", ["started_at", "id"], unique=False)
    op.create_table(
        "request_budget",
        sa.Column("endpoint", sa.String(length=80), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("pk_request_budget")),
    )
    op.create_table(
        "deadline",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_deadline")),
    )
    op.create_index("ix_deadline_kind_due_at", "deadline", ["kind", "due_at"], unique=False)
    op.execute("""
        INSERT INTO deadline (kind, subject, due_at)
        SELECT 'release', id, release_at FROM payment WHERE state = 'authorized'""")
    op.add_column("ledger_entry", sa.Column("balance_transaction", sa.String(length=255), nullable=True))
    op.create_index(
        "uq_ledger_entry_balance_transaction_leg", "ledger_entry", ["balance_transaction", "leg"], unique=True
    )
    _book_through_clearing_accounts()
    op.create_index("ix_payment_created_at", "payment", ["created_at", "id"], unique=False)
    op.create_index("ix_booking_mentor_id_starts_at", "booking", ["mentor_id", "starts_at", "id"], unique=False)
    op.drop_index("uq_operation_refund", "operation")
    op.create_index("uq_operation_one_per_effect", "operation", ["kind", "stripe_id"], unique=True)
    op.drop_index("ix_stripe_event_waiting", "stripe_event")
    op.add_column("stripe_event", sa.Column("not_before", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("stripe_event") as batch:
        batch.alter_column("not_before", server_default=None)
    op.create_index(
        "ix_stripe_event_waiting",
        "stripe_event",
        ["not_before"],
        unique=False,
        sqlite_where=sa.text("state = 'received'"),
        postgresql_where=sa.text("state = 'received'"),
    )
    op.create_index(
        "ix_stripe_event_set_aside",
        "stripe_event",
        ["state", "received_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('quarantined', 'stuck')"),
        postgresql_where=sa.text("state IN ('quarantined', 'stuck')"),
    )


def _book_through_clearing_accounts() -> None:
    """What was taken from or given to Stripe directly waits for Stripe's own entry about it now, as all new entries do.

    The one time that entries are changed, so the guard is sent away meanwhile.
    """
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    if on_postgresql:
        op.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_frozen")
    else:
        op.execute("DROP TRIGGER ledger_entry_refuses_update")
    op.execute("UPDATE ledger_entry SET debit = 'clearing:charges' WHERE debit = 'stripe'")
    op.execute("UPDATE ledger_entry SET credit = 'clearing:refunds' WHERE credit = 'stripe'")
    if on_postgresql:
        op.execute("ALTER TABLE ledger_entry ENABLE TRIGGER ledger_entry_is_frozen")
    else:
        op.execute("""
            CREATE TRIGGER ledger_entry_refuses_update BEFORE UPDATE ON ledger_entry
            BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed'); END""")
    op.execute("DELETE FROM balance")
    op.execute("""
        INSERT INTO balance (account, currency, minor)
        SELECT account, currency, sum(minor) FROM (
            SELECT credit AS account, currency, amount AS minor FROM ledger_entry
            UNION ALL SELECT debit, currency, -amount FROM ledger_entry
        ) AS sides GROUP BY account, currency""")


def downgrade() -> None:
    op.drop_index("ix_stripe_event_set_aside", "stripe_event")
    op.drop_index("ix_stripe_event_waiting", "stripe_event")
    with op.batch_alter_table("stripe_event") as batch:
        batch.drop_column("not_before")
    op.create_index(
        "ix_stripe_event_waiting",
        "stripe_event",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("state = 'received'"),
        postgresql_where=sa.text("state = 'received'"),
    )
    op.drop_index("uq_operation_one_per_effect", "operation")
    op.create_index(
        "uq_operation_refund",
        "operation",
        ["stripe_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'refund'"),
        postgresql_where=sa.text("kind = 'refund'"),
    )
    op.drop_index("ix_payment_created_at", "payment")
    op.drop_index("ix_booking_mentor_id_starts_at", "booking")
    op.drop_index("uq_ledger_entry_balance_transaction_leg", "ledger_entry")
    op.drop_column("ledger_entry", "balance_transaction")
    for table in ("deadline", "request_budget", "reconciliation", "alarm", "installation", "bookmark"):
        op.drop_table(table)
