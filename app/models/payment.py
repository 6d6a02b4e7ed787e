"""One attempt to be paid for a booking."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.kit.columns import UtcDateTime
from app.kit.ids import new_id
from app.kit.money import Money
from app.models.base import Base, only
from app.models.operation import Operation
from app.models.states import UNSETTLED_OPERATION, OperationState, PaymentState, Stateful, stored

if TYPE_CHECKING:
    from app.models.booking import Booking

LIVE = "state IN ('needs_card', 'card_saved', 'authorized')"


class Payment(Stateful, Base):
    """Amounts in minor units of ``currency``: they are the truth about money, the state says what can happen next.

    ``capture_before`` is when the bank lets the hold go, ``release_at`` when we do if nobody completes the session.
    ``cleared_at`` is when what the mentor has of a charge became available to them.
    ``authorize_at`` is when the hold is to be made with a card that is saved first, and was agreed to be by the mentee.
    ``setup_id`` is the SetupIntent, ``method_id`` the saved card; both can be there beside a hold as well.
    """

    __tablename__ = "payment"
    __table_args__ = (
        Index("uq_payment_one_live", "booking_id", unique=True, **only(LIVE)),
        Index("uq_payment_setup_id", "setup_id", unique=True, **only("setup_id IS NOT NULL")),
        Index("ix_payment_created_at", "created_at", "id"),
        Index("ix_payment_booking_id_created_at", "booking_id", "created_at"),
        Index("ix_payment_release", "release_at", **only("state = 'authorized'")),
        CheckConstraint("amount_minor > 0", name="amount_is_positive"),
        CheckConstraint("state <> 'card_saved' OR method_id IS NOT NULL", name="a_saved_card_is_known"),
        CheckConstraint("0 <= captured_minor AND captured_minor <= authorized_minor", name="captured_within_hold"),
        CheckConstraint("0 <= refunded_minor AND refunded_minor <= captured_minor", name="refunded_within_captured"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("pay"))
    booking_id: Mapped[str] = mapped_column(ForeignKey("booking.id"))
    state: Mapped[PaymentState] = mapped_column(stored(PaymentState), default=PaymentState.NEEDS_CARD)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    authorized_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    captured_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[str] = mapped_column(String(3))
    intent_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    charge_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    setup_id: Mapped[str | None] = mapped_column(String(255))
    method_id: Mapped[str | None] = mapped_column(String(255))
    card_brand: Mapped[str | None] = mapped_column(String(30))
    card_last4: Mapped[str | None] = mapped_column(String(4))
    decline_message: Mapped[str | None] = mapped_column(String(300))
    authorize_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    capture_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    release_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    booking: Mapped["Booking"] = relationship(back_populates="payments")
    unsettled_operation: Mapped[Operation | None] = relationship(
        primaryjoin=lambda: (foreign(Operation.subject) == Payment.id) & Operation.state.in_(UNSETTLED_OPERATION),
        viewonly=True,
        uselist=False,
    )

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def authorized(self) -> Money:
        return Money(self.authorized_minor, self.currency)

    @property
    def captured(self) -> Money:
        return Money(self.captured_minor, self.currency)

    @property
    def refunded(self) -> Money:
        return Money(self.refunded_minor, self.currency)

    @property
    def left(self) -> Money:
        """What stays charged, and could still be refunded."""
        return self.captured - self.refunded

    @property
    def waits_for_its_day(self) -> bool:
        """Whether a saved card stands for money that is not held yet."""
        return self.state == PaymentState.CARD_SAVED

    @property
    def can_be_renewed(self) -> bool:
        """Whether the bank can be asked for another hold with nobody at the screen, before it lets go of this one."""
        return self.state == PaymentState.AUTHORIZED and self.method_id is not None

    @property
    def lacks_a_saved_card(self) -> bool:
        """Whether money is held with a card that cannot be asked for another hold while its owner is away."""
        return self.state == PaymentState.AUTHORIZED and self.method_id is None

    @property
    def is_saving_a_card(self) -> bool:
        """Whether Stripe waits for a card to be saved beside the one that money is held on."""
        return self.lacks_a_saved_card and self.setup_id is not None

    @property
    def is_ready_to_move(self) -> bool:
        """Whether a card was saved beside the one that money is held on, and has not been needed yet."""
        return self.can_be_renewed and self.authorize_at is None

    @property
    def is_declined(self) -> bool:
        """Whether the bank has declined the saved card, so that the mentee may want to see to it."""
        return self.waits_for_its_day and self.decline_message is not None

    @property
    def is_busy(self) -> bool:
        """Whether a money action is under way whose end is not known yet. It goes on by itself."""
        return self.unsettled_operation is not None and self.unsettled_operation.state == OperationState.PENDING

    @property
    def is_parked(self) -> bool:
        """Whether nothing goes on with a money action until an operator has decided about it."""
        return self.unsettled_operation is not None and self.unsettled_operation.state == OperationState.PARKED

    @property
    def is_free(self) -> bool:
        """Whether another money action can begin."""
        return self.unsettled_operation is None
