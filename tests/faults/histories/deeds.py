"""What can be done by people and at Stripe, whoever plays it when: a step of its own, or amid another's request."""

from datetime import datetime, timedelta
from typing import Any

import stripe as library

from app import jobs
from app.actions import bookings, cancellations, card_forms, refunds, wishes
from app.kit.money import Money
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests.faults.histories.model import Answer, Hour, Shown, Wish, price_of
from tests.faults.histories.play import FINE, Play
from tests.faults.histories.stage import MENTORS
from tests.faults.histories.troubles import Trouble

FIRST, LAST = timedelta(hours=8), timedelta(hours=10, minutes=30)  # when sessions begin, UTC
HALF_AN_HOUR = timedelta(minutes=30)
NOTICE = timedelta(hours=1)
DAYS = 5
FAR = (7, 8, 9)  # days ahead
SLOW = timedelta(seconds=61)  # longer than a lease


class Deeds(Play):
    def slots(self) -> list[datetime]:
        """When a session could begin, soonest first."""
        midnight = self.now.replace(hour=0, minute=0, second=0)
        count = (LAST - FIRST) // HALF_AN_HOUR + 1
        starts = [midnight + timedelta(days=d) + FIRST + n * HALF_AN_HOUR for d in range(DAYS) for n in range(count)]
        return [start for start in starts if start >= self.now + NOTICE]

    def far_slots(self) -> list[datetime]:
        """When a session could begin for which nothing can be held yet."""
        midnight = self.now.replace(hour=0, minute=0, second=0)
        return [
            midnight + timedelta(days=day) + FIRST + hour for day in FAR for hour in (HALF_AN_HOUR, 3 * HALF_AN_HOUR)
        ]

    def new_hour(self, mentee: str, mentor: str, starts_at: datetime, minutes: int) -> Hour:
        """A form that is about to be submitted."""
        form = f"form {len(self.hours) + 1}"
        self.hours.append(Hour(form, mentee, mentor, starts_at, minutes, MENTORS[mentor]))
        return self.hours[-1]

    def submit(self, hour: Hour, trouble: Trouble) -> None:
        """Submit a form, the first time or again: unless it is booked already, it costs what the mentor asks now."""
        if hour.id is None:
            hour.price = price_of(self.rates[hour.mentor], hour.minutes, hour.currency)
            hour.is_far, hour.needs_answer = hour.is_too_far(self.now), hour.mentor in self.approving
        wish = wishes.Wish(hour.starts_at, hour.minutes, "My parser", "It is slow.", hour.form, consent=True)

        def book() -> None:
            mentee = User.one(User.name == hour.mentee)
            bookings.book(mentee, Mentor.one(Mentor.user.has(User.name == hour.mentor)), wish, now=self.now)

        when = f"{hour.starts_at:%a %H:%M} for {hour.price} {hour.currency}"
        hour.booked = self.act(f"{hour.mentee} books {hour}, {when}", book, trouble, hour)

    def enter(self, hour: Hour, card: str) -> None:
        """The mentee's browser hands a card to Stripe."""
        intent = self.asked_of_stripe(hour)
        told, browser = "it is taken", self.stage.browser.v1
        try:
            (browser.payment_intents if intent.object == "payment_intent" else browser.setup_intents).confirm(
                intent.id,
                {
                    "client_secret": intent.client_secret,
                    "payment_method": f"pm_card_{card}",
                    "return_url": "http://localhost/return",
                },
            )
        except library.StripeError as refusal:
            told = str(refusal)
        self.tell(f"{hour.mentee} enters {card} for {hour}: {told}")

    def asked_of_stripe(self, hour: Hour) -> Any:
        """What the card form is about: the hold, or only the card."""
        intent, setup = self.intent(hour), self.setup(hour)
        if intent is not None:
            return self.stage.dashboard.v1.payment_intents.retrieve(intent.id)
        assert setup is not None
        return self.stage.dashboard.v1.setup_intents.retrieve(setup.id)

    def returns(self, hour: Hour, trouble: Trouble) -> None:
        """The mentee comes back from the card's page, and we look at Stripe."""

        def check() -> None:
            asked = Booking.one(Booking.id == hour.id).payment
            assert asked is not None
            card_forms.check(asked, now=self.now)

        self.act(f"{hour.mentee} comes back to {hour}", check, trouble, hour)

    def open_page(self, hour: Hour, by: Party) -> bool:
        """What cancelling would do, shown to ``by``; whether there is such a page."""
        shown: list[Shown] = []

        def look() -> None:
            quote = cancellations.quote(Booking.one(Booking.id == hour.id), by=by, now=self.now)
            shown.append(Shown(quote.token, quote.released.minor, quote.refunded.minor, quote.charged.minor))

        self.act(f"the {by} looks what cancelling {hour} would do", look, FINE, hour)
        hour.pages.update(zip([by.value], shown, strict=False))
        return bool(shown)

    def call_off(self, hour: Hour, by: Party, trouble: Trouble) -> None:
        """Post the cancellation page that ``by`` has open, with what it says."""
        page, row = hour.pages.pop(by.value), self.row(hour)
        can, calm = self.could_cancel(hour, by, page), self.is_calm(hour, trouble)
        wish = Wish("cancel", by, self.now, amount=page.refunded, fee=page.charged)
        answer = self.ask(
            hour, wish, lambda it: cancellations.cancel(it, by=by, quoted=page.token, now=self.now), trouble
        )
        self.expect(
            f"the {by} cancels {hour}, {row}, by {page}, at {self.now}", answer, must=can and calm, may=can or not calm
        )

    def refund(self, hour: Hour, twelfths: int, shown: int, trouble: Trouble) -> None:
        """The operator gives back some of what is left of a charge, having been shown how much was before."""
        row = self.row(hour)
        assert row is not None
        left = row.captured - row.refunded
        amount = max(1, left * twelfths // 12)
        can, calm = shown == row.refunded and amount <= left, self.is_calm(hour, trouble)

        def give_back(it: Booking) -> None:
            assert it.payment is not None
            refunds.give_back(
                it.payment,
                Money(amount, hour.currency),
                by=Party.OPERATOR,
                because="the room was loud",
                refunded=Money(shown, hour.currency),
                now=self.now,
            )

        answer = self.ask(hour, Wish("refund", "operator", self.now, amount), give_back, trouble)
        what = f"the operator refunds {amount} of {left} for {hour}, {shown} of it shown as refunded"
        self.expect(what, answer, must=can and calm, may=can or not calm)

    def could_cancel(self, hour: Hour, by: Party, page: Shown) -> bool:
        """Whether the promises let ``by`` cancel now, at what the page says."""
        row = self.row(hour)
        if row is None:
            return False
        amounts = (page.released, page.refunded, page.charged)
        match row.state:
            case "pending_payment":
                return amounts == (0, 0, 0)
            case "requested":
                return amounts == (0 if row.payment_state == "card_saved" else hour.price, 0, 0)
            case "confirmed":
                on_time = by != Party.MENTEE or self.now < hour.starts_at
                if row.payment_state == "card_saved":
                    return on_time and amounts == (0, 0, 0)
                fee = hour.fee_at(self.now, row.pay_by) if by == Party.MENTEE else 0
                return on_time and amounts == (hour.price - fee, 0, fee)
            case "completed":
                left = row.captured - row.refunded
                return by != Party.MENTEE and amounts == (0, left, 0)
        return False

    def is_calm(self, hour: Hour, trouble: Trouble) -> bool:
        """Whether nothing goes wrong, nothing is under way, and Stripe sees it as we do."""
        row, intent = self.row(hour), self.intent(hour)
        if row is None or row.busy or not trouble.is_none or not self.stage.is_well:
            return False
        if intent is None:
            setup = self.setup(hour)
            return setup is not None and setup.is_saved == (row.payment_state == "card_saved") and not setup.is_canceled
        if row.payment_state == "card_saved":
            return not intent.held and not intent.is_over
        states = {"pending_payment": not intent.is_over, "requested": intent.is_held, "confirmed": intent.is_held}
        return states.get(row.state, row.captured > 0) and (row.captured, row.refunded) == (
            intent.captured,
            intent.refunded,
        )

    def expect(self, what: str, answer: Answer, *, must: bool, may: bool) -> None:
        if must and answer != Answer.DONE:
            self.check([f"{what}: could and was told {answer}"])
        if not may and answer in (Answer.DONE, Answer.CONFIRMING):
            self.check([f"{what}: could not, and was told {answer}"])

    def at_stripe(self, hour: Hour, what: str, twelfths: int = 12) -> bool:
        """Somebody uses Stripe's dashboard, and charges no session twice there; whether it could be done."""
        self.hear()
        intent, given = self.intent(hour), self.stage.dashboard.v1
        if intent is None:
            return False
        left = intent.captured - intent.refunded
        try:
            match what:
                case "capture" | "part" if intent.is_held and not any(one.captured for one in self.theirs.of(hour.id)):
                    part = max(1, intent.amount * twelfths // 12)
                    given.payment_intents.capture(intent.id, {"amount_to_capture": part})
                case "cancel" if not intent.is_over:
                    given.payment_intents.cancel(intent.id)
                case "refund" if left > 0:
                    amount = max(1, left * twelfths // 12)
                    given.refunds.create({"payment_intent": intent.id, "amount": amount})
                case _:
                    return False
        except library.StripeError as refusal:
            self.tell(f"in the dashboard, {what} of {hour} is refused: {refusal}")
            return False
        hour.dashboard.append(what)
        self.tell(f"in Stripe's dashboard, somebody does a {what} ({twelfths}/12) for {hour}")
        return True

    def meanwhile(self, trouble: Trouble, hour: Hour | None) -> None:
        """Something else happens while a request is under way."""
        assert trouble.meanwhile is not None
        self.tell(f"meanwhile ({trouble.meanwhile.what}):")
        self.tally.troubles["meanwhile"] += 1
        self.hear()
        match trouble.meanwhile.what:
            case "post":
                for event in self.undelivered[:3]:
                    self.knock(event)
            case "worker":
                self.work(list(jobs.JOBS))
            case "slow":
                self.stage.wait(SLOW)
                self.work(list(jobs.JOBS))
            case "mentee" | "mentor" as who if hour is not None and hour.id is not None:
                if self.open_page(hour, Party(who)):
                    self.call_off_meanwhile(hour, Party(who))
            case "return" if hour is not None and hour.id is not None:
                self.returns(hour, FINE)
            case what if hour is not None:
                self.at_stripe(hour, what, 5 if what == "part" else 12)

    def call_off_meanwhile(self, hour: Hour, by: Party) -> None:
        """The same, where nobody can say what should come of it, but that it is true."""
        page = hour.pages.pop(by.value)
        wish = Wish("cancel", by, self.now, amount=page.refunded, fee=page.charged)
        self.ask(hour, wish, lambda it: cancellations.cancel(it, by=by, quoted=page.token, now=self.now), FINE)
