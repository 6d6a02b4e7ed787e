"""What is written on Stripe's objects, so that rows of ours that were lost can be made again from them.

A PaymentIntent says which booking it is for and everything that the booking consists of, a Customer who it is, a
capture and a refund why. docs/ARCHITECTURE.md has the whole list. What is read back is checked like anything that
comes from outside: somebody can edit it in Stripe's dashboard.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from app.actions import endings
from app.actions.orders import environment
from app.gateways.stripe_objects import ABANDONED, LAPSED, REQUESTED, Intent, Setup
from app.kit.calendar import known_zones
from app.kit.errors import Unexplained
from app.kit.ids import is_id
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.payment import Payment
from app.models.states import BookingState, Party
from app.models.user import User

Written = Mapping[str, str]

CAPTURE = "capture_"  # what begins like this was written when the hold was captured
REPLACES = "replaces"  # on a PaymentIntent: the older one in whose place it is to be held
END = "end_"  # and like this when a card that was saved was given up again
MINUTES_OF_A_DAY = 24 * 60
LONGEST_ID = 40  # letters
MOST_MINOR = 99_999_999  # that Stripe charges at once
YEARS = range(2000, 2200)  # in which there are sessions: reckoning with any other may end in no date at all


@dataclass(frozen=True)
class BookingLabel:
    """``asked_at`` is when the payment was begun; price and currency are the PaymentIntent's own.

    ``authorize_at`` is when the price is to be held on a card that is saved first, ``setup`` the SetupIntent of it.
    """

    booking: str
    payment: str
    mentor: str
    mentee: str
    title: str
    starts_at: datetime
    minutes: int
    commission_bps: int
    terms: Terms
    needs_answer: bool
    free_until: datetime
    pay_by: datetime
    complete_by: datetime
    request_key: str
    created_at: datetime
    asked_at: datetime
    authorize_at: datetime | None = None
    setup: str | None = None


@dataclass(frozen=True)
class PersonLabel:
    """A password is never written anywhere else."""

    user: str
    email: str
    name: str
    time_zone: str
    created_at: datetime


@dataclass(frozen=True)
class Cause:
    """Why money moved: ``operation`` is the id that it has, or had, here, if we moved it."""

    operation: str | None
    by: Party
    because: str
    ends_as: BookingState | None
    at: datetime


def of_booking(booking: Booking, payment: Payment) -> dict[str, str]:
    """All of a booking but its description, which is the two people's own affair."""
    return {
        "booking": booking.id,
        "payment": payment.id,
        "mentor": booking.mentor_id,
        "mentee": booking.mentee_id,
        "title": booking.title,
        "starts_at": booking.starts_at.isoformat(),
        "minutes": str(booking.minutes),
        "commission_bps": str(booking.commission_bps),
        "terms": booking.terms,
        "needs_answer": "yes" if booking.needs_answer else "no",
        "free_until": (booking.free_until or booking.starts_at).isoformat(),
        "pay_by": booking.pay_by.isoformat(),
        "complete_by": booking.complete_by.isoformat(),
        "request_key": booking.request_key,
        "created_at": booking.created_at.isoformat(),
        "asked_at": payment.created_at.isoformat(),
        **({"authorize_at": payment.authorize_at.isoformat()} if payment.authorize_at else {}),
        **({"setup": payment.setup_id} if payment.setup_id else {}),
    }


def of_price(price: Money) -> dict[str, str]:
    """On a SetupIntent, which has no amount of its own."""
    return {"price": str(price.minor), "currency": price.currency}


def of_person(user: User) -> dict[str, str]:
    return {
        "user": user.id,
        "email": user.email,
        "name": user.name,
        "time_zone": user.time_zone,
        "created_at": user.created_at.isoformat(),
    }


def of_cause(
    operation_id: str, *, by: Party, because: str, ends_as: BookingState | None, at: datetime
) -> dict[str, str]:
    """On whatever an operation makes: what a look-up finds it by, whose it is, and why it was made."""
    words = {"because": because, "ends_as": ends_as or ""}
    return {
        "operation": operation_id,
        "environment": environment(),
        "by": by,
        "at": at.isoformat(),
        **{name: word for name, word in words.items() if word},
    }


def on_capture(written: Written) -> dict[str, str]:
    """A capture has no metadata of its own: why it was made stands beside what the PaymentIntent says already."""
    return {CAPTURE + name: word for name, word in written.items()}


def on_end(written: Written) -> dict[str, str]:
    """A saved card that is given up leaves nothing at Stripe but what is written on its SetupIntent."""
    return {END + name: word for name, word in written.items()}


def is_ours(written: Written) -> bool:
    """Whether it says that this installation has made it for a payment."""
    return written.get("environment") == environment() and is_id(written.get("payment", ""))


def booking_of(written: Written) -> BookingLabel:
    """What a PaymentIntent says of its booking. Raises: Unexplained if that cannot be read."""
    with _legible():
        return BookingLabel(
            booking=_id(written["booking"]),
            payment=_id(written["payment"]),
            mentor=_id(written["mentor"]),
            mentee=_id(written["mentee"]),
            title=_words(written["title"], 120),
            starts_at=_time(written["starts_at"]),
            minutes=_whole(written["minutes"], 1, MINUTES_OF_A_DAY),
            commission_bps=_whole(written["commission_bps"], 0, 10_000),
            terms=Terms(written.get("terms", Terms.FLEXIBLE)),  # what was booked before there were terms
            needs_answer=written.get("needs_answer") == "yes",
            free_until=_time(written.get("free_until", written["starts_at"])),
            pay_by=_time(written["pay_by"]),
            complete_by=_time(written["complete_by"]),
            request_key=_words(written["request_key"], 64),
            created_at=_time(written["created_at"]),
            asked_at=_time(written["asked_at"]),
            authorize_at=_time(written["authorize_at"]) if "authorize_at" in written else None,
            setup=_words(written["setup"], 255) if "setup" in written else None,
        )


def price_of(written: Written) -> Money:
    """What a SetupIntent says that its booking costs. Raises: Unexplained if that cannot be read."""
    with _legible():
        minor, currency = _whole(written["price"], 1, MOST_MINOR), written["currency"]
        if not (currency.isascii() and currency.isupper() and len(currency) == 3):
            raise ValueError(f"{currency[:20]!r} is no currency")
        return Money(minor, currency)


def person_of(written: Written) -> PersonLabel:
    """What a Customer says of a person. Raises: Unexplained if that cannot be read."""
    with _legible():
        return PersonLabel(
            user=_id(written["user"]),
            email=_words(written["email"], 254).lower(),
            name=_words(written["name"], 80),
            time_zone=_zone(written["time_zone"]),
            created_at=_time(written["created_at"]),
        )


def cause_of(written: Written, prefix: str = "") -> Cause | None:
    """Why something was made, if we made it; None for what was made in Stripe's dashboard."""
    if not is_ours(written) or f"{prefix}operation" not in written:
        return None
    try:
        with _legible():
            return Cause(
                operation=_id(written[f"{prefix}operation"]),
                by=Party(written[f"{prefix}by"]),
                because=_words(written.get(f"{prefix}because", "-"), 200).removeprefix("-"),
                ends_as=BookingState(written[f"{prefix}ends_as"]) if f"{prefix}ends_as" in written else None,
                at=_time(written[f"{prefix}at"]),
            )
    except Unexplained:
        return None


def cause_of_cancel(intent: Intent) -> Cause | None:
    """Why a PaymentIntent was canceled: Stripe keeps a word for it and no metadata. Who did it, it does not tell."""
    was_held = intent.charge is not None and intent.charge.accepted
    unpaid = endings.CARD_DECLINED if "authorize_at" in intent.metadata else endings.NOT_PAID
    state, because = {
        LAPSED: (BookingState.EXPIRED, endings.BANK_LET_GO),
        ABANDONED: (BookingState.EXPIRED, endings.NOT_COMPLETED if was_held else unpaid),
        REQUESTED: (BookingState.CANCELLED, endings.CALLED_OFF),
    }.get(intent.cancellation_reason or "", (None, ""))
    if state is None or intent.canceled_at is None:
        return None
    return Cause(None, Party.STRIPE, because, state, intent.canceled_at)


def cause_of_giving_up(setup: Setup) -> Cause | None:
    """Why a card was given up again, or was never saved. When a SetupIntent was canceled, it does not tell."""
    state, because = {
        ABANDONED: (BookingState.EXPIRED, endings.NOT_PAID),
        REQUESTED: (BookingState.CANCELLED, endings.CALLED_OFF),
    }.get(setup.cancellation_reason or "", (None, ""))
    if state is None:
        return cause_of(setup.metadata, END)
    return Cause(None, Party.STRIPE, because, state, setup.created)


@contextmanager
def _legible() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError) as error:
        raise Unexplained(f"What is written on it cannot be read ({error}).") from error


def _id(text: str) -> str:
    if not is_id(text) or len(text) > LONGEST_ID:
        raise ValueError(f"{text!r} is no id")
    return text


def _words(text: str, most: int) -> str:
    if not 0 < len(text) <= most or "\0" in text:
        raise ValueError(f"{text[:20]!r} is not 1 to {most} letters long")
    return text


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise ValueError(f"{text[:20]!r} is no whole number from {least} to {most}")
    return int(text)


def _zone(text: str) -> str:
    if text not in known_zones():
        raise ValueError(f"{text[:20]!r} is no time zone")
    return text


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} lacks a zone")
    if at.year not in YEARS:
        raise ValueError(f"{text!r} is not of this age")
    return at
