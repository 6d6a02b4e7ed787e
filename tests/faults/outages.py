"""What people live through when Stripe's webhooks are lost for three days, and Stripe itself is down in the last hour.

Each story is an hour of mentoring: who does what when (counted from the moment at which Stripe goes down), what they
have to be told, and how it has to end once Stripe is back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask

from app import jobs
from app.extensions import db
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import BookingState, PaymentState
from tests import people
from tests.stripe_double import Stripe
from tests.web.conftest import Browser

B, P = BookingState, PaymentState
PRICE = 8_000  # cents

LATER = "Stripe is not answering yet"
CONFIRMING = "We are confirming with our payment provider"
STILL = "Another action on this payment is still being confirmed"
NOTHING_RESERVED = "so nothing is reserved"
RESERVED = "is reserved"


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


class Pair:
    """A mentee, a mentor, and the hour between them. ``down`` is when Stripe goes down."""

    def __init__(self, app: Flask, stripe: Stripe, down: datetime, name: str) -> None:
        self._app, self.stripe, self.down = app, stripe, down
        self._names = {"mentee": f"Mentee{name}", "mentor": f"Mentor{name}"}
        people.person(self._names["mentee"]), people.mentor(self._names["mentor"])

    @property
    def hour(self) -> Booking | None:
        """The latest, as the database has it now."""
        db.session.rollback()
        db.session.expire_all()
        latest = db.select(Booking).where(Booking.mentee.has(name=self._names["mentee"]))
        return db.session.scalars(latest.order_by(Booking.created_at.desc())).first()

    @property
    def hour_id(self) -> str:
        assert self.hour is not None
        return self.hour.id

    @property
    def mentor_id(self) -> str:
        db.session.rollback()
        return Mentor.one(Mentor.user.has(name=self._names["mentor"])).id

    def browser(self, who: str) -> Browser:
        return Browser(self._app.test_client()).log_in(f"{self._names[who].lower()}@example.com")


Act = Callable[[Pair], str]  # returns what the person who acts can read then


def book(starts: timedelta) -> Act:
    """Book by the form, an hour that ``starts`` so long after Stripe goes down."""

    def act(pair: Pair) -> str:
        typed = {
            "title": "Review of my parser",
            "mentor": pair.mentor_id,
            "minutes": "60",
            "starts_at": f"{pair.down + starts:%Y-%m-%dT%H:%M:%SZ}",
            "request_key": f"the-form-of-{pair.stripe.now():%d-%H-%M}",
        }
        return posted(pair.browser("mentee"), "/mentee/bookings", typed)

    return act


def press(who: str, path: str, **typed: str) -> Act:
    """Press a button on the page of the hour."""
    return lambda pair: posted(pair.browser(who), path.format(pair.hour_id), typed)


def posted(browser: Browser, path: str, typed: dict[str, str]) -> str:
    browser.follow(browser.post(path, typed))
    return browser.words


def pay_and_leave(pair: Pair) -> str:
    """The bank says yes; the browser is closed before it comes back to us."""
    assert pair.hour is not None
    pair.stripe.pay(pair.hour)
    return ""


def pay(pair: Pair) -> str:
    pay_and_leave(pair)
    return press("mentee", "/mentee/bookings/{}/payment/check")(pair)


def look_at_payment(pair: Pair) -> str:
    browser = pair.browser("mentee")
    browser.follow(browser.get(f"/mentee/bookings/{pair.hour_id}/payment"))
    return browser.words


def browse(pair: Pair) -> str:
    """What has nothing to do with money goes on as ever."""
    mentees, mentors = pair.browser("mentee"), pair.browser("mentor")
    for path in ("/", f"/mentors/{pair.mentor_id}", "/mentee/", f"/mentee/bookings/{pair.hour_id}"):
        assert mentees.get(path).status_code == 200, path
    assert mentors.get("/mentor/").status_code == 200
    return ""


def capture_in_dashboard(pair: Pair) -> str:
    """Somebody of ours captures at Stripe, and only its events tell."""
    assert pair.hour is not None
    pair.stripe.client.v1.payment_intents.capture(pair.stripe.intent_of(pair.hour).id)
    return ""


def refund_in_dashboard(pair: Pair) -> str:
    assert pair.hour is not None
    pair.stripe.client.v1.refunds.create({"payment_intent": pair.stripe.intent_of(pair.hour).id})
    return ""


complete = press("mentor", "/mentor/bookings/{}/completion")
report_no_show = press("mentor", "/mentor/bookings/{}/no-show")
refund = press("mentor", "/mentor/bookings/{}/cancellation", quoted=f"0-{PRICE}-0")
call_off = press("mentee", "/mentee/bookings/{}/cancellation", quoted=f"{PRICE}-0-0")
call_off_unpaid = press("mentee", "/mentee/bookings/{}/cancellation", quoted="0-0-0")


@dataclass(frozen=True)
class Scene:
    """``when`` counts from the moment Stripe goes down; ``reads`` is a part of what the person can read then."""

    when: timedelta
    act: Act
    reads: str = ""


@dataclass(frozen=True)
class Story:
    """``end``: of the booking, of the payment, and the cents charged in all; None if no booking was made."""

    name: str
    end: tuple[BookingState, PaymentState, int] | None
    scenes: tuple[Scene, ...]


def story(name: str, end: tuple[BookingState, PaymentState, int] | None, *scenes: Scene) -> Story:
    return Story(name, end, scenes)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


BOOKED_AND_PAID = (Scene(hours(-30), book(hours(-3))), Scene(hours(-29.9), pay, RESERVED))
COMPLETED, VOIDED = (B.COMPLETED, P.CAPTURED, PRICE), P.VOIDED
# Whoever pays without coming back to us is noticed by the poller of events; without it, the checkout time ends first.
NOTICED = (B.CONFIRMED, P.AUTHORIZED, 0) if "poll_events" in jobs.JOBS else (B.EXPIRED, P.VOIDED, 0)
REFUNDED = (B.CANCELLED, P.CAPTURED, 0)

STORIES = (
    story(
        "completed meanwhile",
        COMPLETED,
        *BOOKED_AND_PAID,
        Scene(minutes(10), complete, CONFIRMING),
        Scene(minutes(12), complete, STILL),
    ),
    story(
        "a no-show meanwhile", (B.NO_SHOW, VOIDED, 0), *BOOKED_AND_PAID, Scene(minutes(11), report_no_show, CONFIRMING)
    ),
    story(
        "called off meanwhile",
        (B.CANCELLED, VOIDED, 0),
        Scene(hours(-5), book(hours(15))),
        Scene(hours(-4.9), pay, RESERVED),
        Scene(minutes(12), browse),
        Scene(minutes(13), call_off, CONFIRMING),
    ),
    story(
        "refunded meanwhile",
        REFUNDED,
        *BOOKED_AND_PAID,
        Scene(hours(-1), complete),
        Scene(minutes(14), refund, CONFIRMING),
    ),
    story(
        "called off unpaid meanwhile",
        (B.CANCELLED, VOIDED, 0),
        Scene(minutes(-5), book(hours(9))),
        Scene(minutes(5), call_off_unpaid),
    ),
    story(
        "never paid",
        (B.EXPIRED, VOIDED, 0),
        Scene(minutes(-5), book(hours(9))),
        Scene(minutes(2), look_at_payment, LATER),
    ),
    story(
        "forgotten until the time to complete it was over",
        (B.EXPIRED, VOIDED, 0),
        Scene(hours(-71), book(hours(-48.5))),
        Scene(hours(-70.9), pay, RESERVED),
    ),
    story(
        "paid two days before, and nobody came back to tell",
        NOTICED,
        Scene(hours(-48), book(hours(12))),
        Scene(hours(-47.9), pay_and_leave),
    ),
    story("captured in the dashboard", COMPLETED, *BOOKED_AND_PAID, Scene(hours(-2), capture_in_dashboard)),
    story(
        "refunded in the dashboard",
        REFUNDED,
        *BOOKED_AND_PAID,
        Scene(hours(-1.9), complete),
        Scene(hours(-1), refund_in_dashboard),
    ),
    story("booked meanwhile by somebody new", None, Scene(minutes(20), book(hours(9)), NOTHING_RESERVED)),
    story(
        "booked meanwhile by somebody known, and not waited for",
        (B.EXPIRED, VOIDED, 0),
        Scene(hours(-20), book(hours(8))),
        Scene(hours(-19.9), call_off_unpaid),
        Scene(minutes(22), book(hours(9)), LATER),
    ),
    story(
        "booked meanwhile by somebody known, and paid as soon as it could be",
        (B.CONFIRMED, P.AUTHORIZED, 0),
        Scene(hours(-20), book(hours(8))),
        Scene(hours(-19.9), call_off_unpaid),
        Scene(minutes(52), book(hours(9)), LATER),
        Scene(minutes(58), look_at_payment, LATER),
        Scene(minutes(65), pay, RESERVED),
    ),
)
