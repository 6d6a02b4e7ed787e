"""The first tables.

Revision: 0001, the first
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "balance",
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "currency", name=op.f("pk_balance")),
    )
    op.create_table(
        "operation",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("api_version", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "done",
                "refused",
                "parked",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "by",
            sa.Enum(
                "mentee",
                "mentor",
                "operator",
                "system",
                "stripe",
                name="by",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "ends_as",
            sa.Enum(
                "pending_payment",
                "confirmed",
                "completed",
                "cancelled",
                "no_show",
                "expired",
                name="ends_as",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("because", sa.String(length=200), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("key_spent", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("stripe_id", sa.String(length=255), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_operation_amount_is_positive")),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_operation_attempt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
    op.create_index(
        "ix_operation_due",
        "operation",
        ["not_before"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_operation_state_created_at", "operation", ["state", "created_at"], unique=False)
    op.create_index("ix_operation_subject_created_at", "operation", ["subject", "created_at"], unique=False)
    op.create_index(
        "uq_operation_one_unsettled",
        "operation",
        ["subject"],
        unique=True,
        sqlite_where=sa.text("state IN ('pending', 'parked')"),
        postgresql_where=sa.text("state IN ('pending', 'parked')"),
    )
    op.create_index(
        "uq_operation_refund",
        "operation",
        ["stripe_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'refund'"),
        postgresql_where=sa.text("kind = 'refund'"),
    )
    op.create_table(
        "stripe_event",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=True),
        sa.Column("account", sa.String(length=255), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "handled",
                "quarantined",
                "stuck",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_event")),
    )
    op.create_index(
        "ix_stripe_event_waiting",
        "stripe_event",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("state = 'received'"),
        postgresql_where=sa.text("state = 'received'"),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("is_operator", sa.Boolean(), nullable=False),
        sa.Column("stripe_customer_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_user_account_email_is_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
        sa.UniqueConstraint("stripe_customer_id", name=op.f("uq_user_account_stripe_customer_id")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("operation_id", sa.String(length=40), nullable=False),
        sa.Column("leg", sa.String(length=30), nullable=False),
        sa.Column("debit", sa.String(length=80), nullable=False),
        sa.Column("credit", sa.String(length=80), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ledger_entry_amount_is_positive")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_ledger_entry_two_accounts")),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"], name=op.f("fk_ledger_entry_operation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("operation_id", "leg", name=op.f("uq_ledger_entry_operation_id_leg")),
    )
    op.create_index("ix_ledger_entry_credit", "ledger_entry", ["credit", "currency", "id"], unique=False)
    op.create_index("ix_ledger_entry_debit", "ledger_entry", ["debit", "currency", "id"], unique=False)
    op.create_table(
        "mentor",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("headline", sa.String(length=120), nullable=False),
        sa.Column("bio", sa.Text(), nullable=False),
        sa.Column("hourly_rate_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("hourly_rate_minor > 0", name=op.f("ck_mentor_rate_is_positive")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_mentor_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mentor")),
        sa.UniqueConstraint("user_id", name=op.f("uq_mentor_user_id")),
    )
    op.create_index("ix_mentor_listed", "mentor", ["published", "created_at", "id"], unique=False)
    op.create_table(
        "transition",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("came_from", sa.String(length=20), nullable=False),
        sa.Column("went_to", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "by",
            sa.Enum(
                "mentee",
                "mentor",
                "operator",
                "system",
                "stripe",
                name="by",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("because", sa.String(length=200), nullable=False),
        sa.Column("operation_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"], name=op.f("fk_transition_operation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transition")),
    )
    op.create_index(op.f("ix_transition_operation_id"), "transition", ["operation_id"], unique=False)
    op.create_index("ix_transition_subject_id", "transition", ["subject", "id"], unique=False)
    op.create_table(
        "booking",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("mentor_id", sa.String(length=40), nullable=False),
        sa.Column("mentee_id", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("commission_bps", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending_payment",
                "confirmed",
                "completed",
                "cancelled",
                "no_show",
                "expired",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("pay_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("complete_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_by",
            sa.Enum(
                "mentee",
                "mentor",
                "operator",
                "system",
                "stripe",
                name="ended_by",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("ended_because", sa.String(length=200), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("0 <= commission_bps AND commission_bps <= 10000", name=op.f("ck_booking_commission")),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_booking_price_is_positive")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_booking_ends_after_start")),
        sa.ForeignKeyConstraint(["mentee_id"], ["user_account.id"], name=op.f("fk_booking_mentee_id")),
        sa.ForeignKeyConstraint(["mentor_id"], ["mentor.id"], name=op.f("fk_booking_mentor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking")),
        sa.UniqueConstraint("mentee_id", "request_key", name=op.f("uq_booking_mentee_id_request_key")),
    )
    op.create_index("ix_booking_mentee_id_starts_at", "booking", ["mentee_id", "starts_at", "id"], unique=False)
    op.create_index(
        "ix_booking_mentor_id_state_starts_at", "booking", ["mentor_id", "state", "starts_at", "id"], unique=False
    )
    op.create_index("ix_booking_starts_at_id", "booking", ["starts_at", "id"], unique=False)
    op.create_index(
        "ix_booking_unpaid",
        "booking",
        ["pay_by"],
        unique=False,
        sqlite_where=sa.text("state = 'pending_payment'"),
        postgresql_where=sa.text("state = 'pending_payment'"),
    )
    op.create_table(
        "weekly_hours",
        sa.Column("mentor_id", sa.String(length=40), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name=op.f("ck_weekly_hours_range")
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_weekly_hours_weekday")),
        sa.ForeignKeyConstraint(["mentor_id"], ["mentor.id"], name=op.f("fk_weekly_hours_mentor_id")),
        sa.PrimaryKeyConstraint("mentor_id", "weekday", "start_minute", name=op.f("pk_weekly_hours")),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("booking_id", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "needs_card",
                "card_saved",
                "authorized",
                "captured",
                "voided",
                "lapsed",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("authorized_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("intent_id", sa.String(length=255), nullable=True),
        sa.Column("charge_id", sa.String(length=255), nullable=True),
        sa.Column("card_brand", sa.String(length=30), nullable=True),
        sa.Column("card_last4", sa.String(length=4), nullable=True),
        sa.Column("decline_message", sa.String(length=300), nullable=True),
        sa.Column("capture_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "0 <= captured_minor AND captured_minor <= authorized_minor", name=op.f("ck_payment_captured_within_hold")
        ),
        sa.CheckConstraint(
            "0 <= refunded_minor AND refunded_minor <= captured_minor", name=op.f("ck_payment_refunded_within_captured")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_amount_is_positive")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_payment_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("charge_id", name=op.f("uq_payment_charge_id")),
        sa.UniqueConstraint("intent_id", name=op.f("uq_payment_intent_id")),
    )
    op.create_index("ix_payment_booking_id_created_at", "payment", ["booking_id", "created_at"], unique=False)
    op.create_index(
        "ix_payment_release",
        "payment",
        ["release_at"],
        unique=False,
        sqlite_where=sa.text("state = 'authorized'"),
        postgresql_where=sa.text("state = 'authorized'"),
    )
    op.create_index(
        "uq_payment_one_live",
        "payment",
        ["booking_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('needs_card', 'card_saved', 'authorized')"),
        postgresql_where=sa.text("state IN ('needs_card', 'card_saved', 'authorized')"),
    )
    op.create_table(
        "slot_claim",
        sa.Column("who", sa.String(length=40), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("booking_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"],
            ["booking.id"],
            name=op.f("fk_slot_claim_booking_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["who"], ["user_account.id"], name=op.f("fk_slot_claim_who")),
        sa.PrimaryKeyConstraint("who", "cell", name=op.f("pk_slot_claim")),
    )
    op.create_index(op.f("ix_slot_claim_booking_id"), "slot_claim", ["booking_id"], unique=False)
    _forbid_overlaps()
    _freeze_ledger()


def _forbid_overlaps() -> None:
    """A second fence behind the slot claims. Equality of a text as overlap of one-point ranges: no extension needed."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TYPE text_range AS RANGE (subtype = text)")
        op.execute("""
            ALTER TABLE booking ADD CONSTRAINT ex_booking_one_at_a_time EXCLUDE USING gist (
                text_range(mentor_id, mentor_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&
            ) WHERE (state IN ('pending_payment', 'confirmed'))""")


def _freeze_ledger() -> None:
    """The books are only ever added to: the database itself refuses to change or delete an entry."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("""
            CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'ledger entries are never changed'; END $$""")
        op.execute("""
            CREATE TRIGGER ledger_entry_is_frozen BEFORE UPDATE OR DELETE ON ledger_entry
            FOR EACH ROW EXECUTE FUNCTION refuse_change()""")
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(f"""
            CREATE TRIGGER ledger_entry_refuses_{change.lower()} BEFORE {change} ON ledger_entry
            BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed'); END""")


def downgrade() -> None:
    for table in (
        "slot_claim",
        "payment",
        "weekly_hours",
        "booking",
        "transition",
        "mentor",
        "ledger_entry",
        "user_account",
        "stripe_event",
        "operation",
        "balance",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
        op.execute("DROP TYPE text_range")
