"""Objections to what a session cost, and the proposals in them.

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = ("with_mentor", "with_mentee", "with_operator", "promised", "agreed", "ruled", "withdrawn")
PARTIES = ("mentee", "mentor", "operator", "system", "stripe")
REMEDIES = ("full_refund", "part_refund", "new_session", "nothing")


def upgrade() -> None:
    op.create_table(
        "objection",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("booking_id", sa.String(length=40), nullable=False),
        sa.Column("about", _one_of("about", "session", "fee", "absence"), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("state", _one_of("state", *STATES), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=300), nullable=False),
        sa.Column("operation_id", sa.String(length=40), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_objection_booking_id")),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"], name=op.f("fk_objection_operation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_objection_booking_id")),
    )
    op.create_index("ix_objection_operation_id", "objection", ["operation_id"], unique=False)
    op.create_index(
        "ix_objection_to_rule",
        "objection",
        ["raised_at"],
        unique=False,
        sqlite_where=sa.text("state = 'with_operator'"),
        postgresql_where=sa.text("state = 'with_operator'"),
    )
    op.create_table(
        "proposal",
        sa.Column("objection_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("by", _one_of("by", *PARTIES), nullable=False),
        sa.Column("remedy", _one_of("remedy", *REMEDIES), nullable=False),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_proposal_number")),
        sa.CheckConstraint("(remedy = 'part_refund') = (refund_minor > 0)", name=op.f("ck_proposal_refund")),
        sa.ForeignKeyConstraint(["objection_id"], ["objection.id"], name=op.f("fk_proposal_objection_id")),
        sa.PrimaryKeyConstraint("objection_id", "number", name=op.f("pk_proposal")),
    )


def _one_of(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=20)


def downgrade() -> None:
    op.execute("DELETE FROM deadline WHERE kind = 'objection'")
    op.drop_table("proposal")
    op.drop_table("objection")
