"""Log-ins and mentor profiles."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from app.actions.transactions import atomically, or_else, outside, unbroken
from app.extensions import db
from app.kit.errors import Invalid
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User

# 19 MiB, 2 passes: OWASP's minimum for argon2id, at about 20 ms a log-in.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_nobodys_hash = _hasher.hash("there is no such person, and it takes as long to find out")

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 128


@dataclass(frozen=True)
class Offer:
    """What a mentor says about themselves."""

    headline: str
    bio: str
    hourly_rate: Money
    time_zone: str
    published: bool
    terms: Terms


def sign_up(*, name: str, email: str, password: str, time_zone: str, now: datetime, is_operator: bool = False) -> User:
    """Make a log-in. Raises: Invalid if the address has one already, or for a poor password."""
    password_hash = _hashed(password)
    with atomically(), or_else(Invalid("This address has a log-in already. Please log in.", field="email")):
        user = User(
            name=name,
            email=email.lower(),
            password_hash=password_hash,
            time_zone=time_zone,
            is_operator=is_operator,
            created_at=now,
        )
        db.session.add(user)
    return user


def with_password(email: str, password: str) -> User | None:
    """The person who can log in like this, or None; it takes equally long whether the address is known or not."""
    user = User.with_email(email)
    password_hash = user.password_hash if user else _nobodys_hash
    outside()  # no lock is held while the hash is computed
    try:
        _hasher.verify(password_hash, password)
    except VerifyMismatchError:
        return None
    return user


def no_password() -> str:
    """What stands for a password that nobody knows: it has to be set anew."""
    return _hasher.hash(secrets.token_urlsafe())


@unbroken
def set_password(user: User, password: str) -> None:
    """Raises: Invalid for a poor password."""
    password_hash = _hashed(password)
    with atomically():
        User.locked(user.id).password_hash = password_hash


@unbroken
def change(user: User, *, name: str, time_zone: str) -> None:
    with atomically():
        row = User.locked(user.id)
        row.name, row.time_zone = name, time_zone


@unbroken
def set_approval(mentor: Mentor, *, approves: bool) -> None:
    """Whether new bookings of a mentor's are requests first; those that are made already stay what they are."""
    with atomically():
        Mentor.locked(mentor.id).approves = approves


@unbroken
def offer(user: User, offered: Offer, *, now: datetime) -> Mentor:
    """Become a mentor, or change what one offers; bookings that stand keep their price.

    Raises: Invalid if the currency changes after the first booking, because balances are kept per currency.
    """
    with atomically():
        row = User.locked(user.id)
        mentor = row.mentor
        if mentor is None:
            mentor = Mentor(user=row, created_at=now)
            db.session.add(mentor)
        elif mentor.currency != offered.hourly_rate.currency and _is_booked(mentor):
            raise Invalid(
                f"You have bookings in {mentor.currency}; the currency cannot change any more.", field="currency"
            )
        mentor.headline, mentor.bio = offered.headline, offered.bio
        mentor.hourly_rate_minor, mentor.currency = offered.hourly_rate.minor, offered.hourly_rate.currency
        mentor.time_zone, mentor.published = offered.time_zone, offered.published
        mentor.terms = offered.terms
    return mentor


def _hashed(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.", field="password")
    return _hasher.hash(password)


def _is_booked(mentor: Mentor) -> bool:
    return db.session.scalar(db.select(Booking.id).where(Booking.mentor_id == mentor.id).limit(1)) is not None
