"""Sample data: eight days of a small marketplace, played through the real actions on the simulator's clock."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import requests
from flask import current_app

from app.actions import accounts, availability, bookings, cancellations, opening_hours, payments, releases
from app.actions.opening_hours import Rules, Span
from app.actions.wishes import Wish
from app.gateways.stripe_gateway import stripe_gateway
from app.kit import clock
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.availability import ExceptionKind
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User

PASSWORD = "mentorhold-demo"
DAYS = timedelta(days=1)
A_WEEK_AGO = timedelta(days=8)
WORKING_HOURS = [(day, 9 * 60, 18 * 60) for day in range(7)]

# Bob has mornings and afternoons, a quarter of an hour between two sessions, and a vacation ahead; Fay has little time.
OWN_HOURS = {
    "Bob": [(day, *hours) for day in range(7) for hours in ((8 * 60, 12 * 60 + 30), (13 * 60 + 30, 19 * 60))],
    "Fay": [(day, 18 * 60, 21 * 60) for day in range(5)],
}
OWN_RULES = {
    "Bob": Rules(buffer_before=10, buffer_after=15),
    "Fay": Rules(notice_hours=24, daily_cap=2, durations=(30, 60)),
}
AWAY = {"Bob": A_WEEK_AGO + 12 * DAYS}

MENTORS = (
    ("Bob", Money(8_000, "EUR"), "Europe/Berlin", "Python services that stay up", Terms.STANDARD,
     "I have kept payment systems running for fifteen years. Bring your code, your traces or your worries; we look "
     "at the real thing together and you leave with the next three steps."),
    ("Dia", Money(12_000, "JPY"), "Asia/Tokyo", "From engineer to engineering manager", Terms.FLEXIBLE,
     "I led teams of five and of fifty. We practise the conversations that nobody teaches: feedback, hiring, saying "
     "no, and keeping your own hours."),
    ("Eli", Money(9_500, "USD"), "America/New_York", "Data work that people can trust", Terms.STRICT,
     "Pipelines, tests for data, and how to explain an uncertain number to somebody who wants a certain one."),
    ("Fay", Money(6_000, "GBP"), "Europe/London", "First job in product design", Terms.FLEXIBLE,
     "Portfolio reviews without mercy and with kindness. I read every case study before we meet."),
)  # fmt: skip


TOGETHER = (
    "The simulator's data and the database belong together: delete both (the data folder, var/ if DATA_DIR names no "
    "other, and the database if DATABASE_URL names one elsewhere) and start again."
)


class Incomplete(Exception):
    """An earlier attempt broke off in the middle, or half of its data was deleted."""


def load() -> bool:
    """Make the sample data, unless it is there; whether it was made. Raises: Incomplete, GatewayDown."""
    if User.with_email("olga@example.com") is not None:
        return False
    if User.with_email("ann@example.com") is not None:
        raise Incomplete(f"The sample data is incomplete. {TOGETHER}")
    if next(stripe_gateway().intent_pages(), None):
        raise Incomplete(f"The simulator remembers payments that an empty database knows nothing of. {TOGETHER}")
    source = clock.source()
    assert isinstance(source, clock.SimulatedClock)
    play = _Play(source, today=clock.system_time())
    play.perform()
    _person("Olga", "Europe/Berlin", operator=True)
    return True


@dataclass
class _Play:
    """What happened, in order of time. What happens may bring about something later."""

    clock: clock.SimulatedClock
    today: datetime
    now: datetime = datetime.min.replace(tzinfo=UTC)
    _scenes: list[tuple[datetime, int, Callable[[], object]]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def perform(self) -> None:
        self.now = self.today - A_WEEK_AGO
        self.clock.set(self.now)
        self._write()
        while self._scenes:
            when, _, scene = heapq.heappop(self._scenes)
            self._pass_time_until(when)
            scene()
        self._pass_time_until(self.today)
        self.clock.set(clock.system_time())

    def _at(self, when: datetime, scene: Callable[[], object]) -> None:
        heapq.heappush(self._scenes, (when, next(self._numbers), scene))

    def _pass_time_until(self, when: datetime) -> None:
        if when > self.now:
            self.clock.advance(when - self.now)
            self.now = when

    def _write(self) -> None:
        """The story: who books whom, when it is about, and how it ends."""
        ann, cho = _person("Ann", "America/New_York"), _person("Cho", "Asia/Tokyo")
        bob, dia = [_mentor(*offer) for offer in MENTORS][:2]
        begin, today = self.now, self.today
        self._book(begin, ann, bob, begin + 2 * DAYS, "Why is my queue slow on Mondays?", self._complete)
        self._book(begin, cho, dia, begin + 2 * DAYS, "My first one-to-ones", self._complete)
        self._book(begin, ann, dia, begin + 4 * DAYS, "Am I ready to lead?", self._call_off)
        self._book(begin, cho, bob, begin + 3 * DAYS, "Reading flame graphs", self._complete_and_refund)
        self._book(begin, ann, bob, begin + 4 * DAYS, "Idempotency, once and for all", None)
        self._book(begin + 2 * DAYS, cho, dia, begin + 4 * DAYS, "Hiring without fear", self._miss)
        self._book(begin + 2 * DAYS, cho, bob, begin + 4 * DAYS, "Postgres locks", self._let_expire)
        self._book(begin + 3 * DAYS, ann, bob, begin + 5 * DAYS, "Tracing without tears", self._call_off_late)
        self._book(today - 3 * DAYS, ann, bob, today - timedelta(hours=20), "Review of my retry logic", self._leave)
        self._book(today - DAYS, ann, dia, today + DAYS, "A difficult conversation", self._leave)
        self._book(today - DAYS, cho, bob, today + 2 * DAYS, "Graceful shutdown", self._leave)
        self._at(today, lambda: self._reserve(cho, bob, today + 3 * DAYS, "Backups that restore"))

    def _book(self, when: datetime, mentee: User, mentor: Mentor, around: datetime, title: str,
              then: Callable[[Booking], None] | None) -> None:  # fmt: skip
        def scene() -> None:
            booking = self._reserve(mentee, mentor, around, title)
            if then is None:
                self._at(booking.pay_by, lambda: bookings.expire(booking.id, now=self.now))
                return
            self._pay(booking)
            then(booking)

        self._at(when, scene)

    def _reserve(self, mentee: User, mentor: Mentor, around: datetime, title: str) -> Booking:
        free = availability.open_slots(mentor, 60, now=self.now, viewer=mentee)
        slot = min(free, key=lambda slot: abs(slot.starts_at - around))
        wish = Wish(slot.starts_at, 60, title, "", f"demo-{title}"[:64])
        return bookings.book(mentee, mentor, wish, now=self.now)

    def _pay(self, booking: Booking) -> None:
        """Do what the mentee's browser does, then look at Stripe."""
        settings, payment = current_app.extensions["settings"], booking.payment
        assert payment is not None
        assert payment.intent_id is not None
        intent = stripe_gateway().intent(payment.intent_id)
        requests.post(
            f"{settings.stripe_api}/v1/payment_intents/{intent.id}/confirm",
            auth=(settings.stripe_publishable_key, ""),
            data={"client_secret": intent.client_secret, "payment_method": "pm_card_visa",
                  "return_url": "http://localhost/"},
            timeout=30,
        ).raise_for_status()  # fmt: skip
        payments.check(payment, now=self.now)

    def _leave(self, booking: Booking) -> None:
        """It stands as it is."""

    def _complete(self, booking: Booking) -> None:
        self._at(booking.ends_at, lambda: bookings.complete(booking, now=self.now))

    def _complete_and_refund(self, booking: Booking) -> None:
        self._complete(booking)
        self._at(booking.ends_at + DAYS, lambda: self._cancel(booking, Party.MENTOR))

    def _call_off(self, booking: Booking) -> None:
        self._at(self.now + DAYS, lambda: self._cancel(booking, Party.MENTEE))

    def _call_off_late(self, booking: Booking) -> None:
        self._at(booking.starts_at - timedelta(hours=3), lambda: self._cancel(booking, Party.MENTEE))

    def _miss(self, booking: Booking) -> None:
        self._at(booking.starts_at + timedelta(minutes=20), lambda: bookings.report_no_show(booking, now=self.now))

    def _let_expire(self, booking: Booking) -> None:
        payment = booking.payment
        assert payment is not None
        self._at(booking.complete_by, lambda: releases.release(payment.id, now=self.now))

    def _cancel(self, booking: Booking, by: Party) -> None:
        standing = Booking.one(Booking.id == booking.id)
        quoted = cancellations.quote(standing, by=by, now=self.now)
        cancellations.cancel(standing, by=by, quoted=quoted.token, now=self.now)


def _person(name: str, time_zone: str, *, operator: bool = False) -> User:
    return accounts.sign_up(
        name=name,
        email=f"{name.lower()}@example.com",
        password=PASSWORD,
        time_zone=time_zone,
        now=clock.now(),
        is_operator=operator,
    )


def _mentor(name: str, rate: Money, time_zone: str, headline: str, terms: Terms, bio: str) -> Mentor:
    offered = accounts.Offer(headline, bio, rate, time_zone, published=True, terms=terms)
    mentor = accounts.offer(_person(name, time_zone), offered, now=clock.now())
    opening_hours.set_weekly(mentor, OWN_HOURS.get(name, WORKING_HOURS))
    if name in OWN_RULES:
        opening_hours.set_rules(mentor, OWN_RULES[name])
    if name in AWAY:
        first = clock.now().date() + AWAY[name]
        opening_hours.make_exception(mentor, Span(ExceptionKind.OFF, first, first + 6 * DAYS), now=clock.now())
    return mentor
