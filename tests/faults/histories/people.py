"""The rules for people: they book, pay, look, complete, cancel, and change their minds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from app.actions import bookings
from app.models.booking import Booking
from app.models.states import Party
from tests.faults.histories.dice import MAY_BE_ABSENT
from tests.faults.histories.model import LIVE, Answer, Hour, Wish
from tests.faults.histories.openings import DECLINED, FARTHER, Openings
from tests.faults.histories.play import FINE, moment
from tests.faults.histories.stage import MENTEES, MENTORS
from tests.faults.histories.troubles import Trouble, troubles

Some = TypeVar("Some")

ONE = st.integers(0, 11)  # which of several
TROUBLE = troubles()
RATES = {
    "EUR": (8_000, 7_999, 50, 101, 99_999_999, 33_333),
    "JPY": (5_000, 101, 51, 9_999_999, 1),
    "KWD": (12_340, 10, 30, 99_999_990, 70),
}
CARDS = """
    visa visa visa mastercard amex visa threeDSecure2Required threeDSecureRequired chargeDeclined
    chargeDeclinedInsufficientFunds pendingRefund refundFail refundFail chargeCustomerFail authenticationRequiredOnSetup
""".split()
PARTIES = (Party.MENTEE, Party.MENTOR, Party.OPERATOR)
SO_FAR = ("paid", "completed", "over", "reserved", "paid", "over")
MOST_HOURS, MOST_LIVE = 8, 4


def one_of(which: int, some: Sequence[Some]) -> Some:
    return some[which % len(some)]


class People(Openings):
    @initialize(
        rates=st.fixed_dictionaries({name: st.sampled_from(RATES[currency]) for name, currency in MENTORS.items()}),
        hours=st.lists(st.sampled_from(SO_FAR), min_size=1, max_size=4),
        which=ONE,
        absent=st.frozensets(st.sampled_from(MAY_BE_ABSENT), max_size=3),
        calm=st.booleans(),
        dull=st.integers(0, 99).map(lambda drawn: drawn == 0),
        moved=st.sampled_from((0,) * 11 + (1, 2, 3, DECLINED, FARTHER)),
        approving=st.sampled_from((("Bob", "Dia"), (), ("Gus", "Fay"), (), tuple(MENTORS))),
    )
    @moment
    def open_the_shop(
        self,
        rates: dict[str, int],
        hours: list[str],
        which: int,
        absent: frozenset[str],
        calm: bool,
        dull: bool,
        moved: int,
        approving: tuple[str, ...],
    ) -> None:
        """Mentors have prices, and some hours are booked already; some of those are paid, or even completed, or moved.

        The first that Hypothesis tries is always the simplest history of all: it is not worth its time.
        """
        assume(not dull)
        self.calm_at_last = calm
        self.absent = absent
        for mentor, rate in rates.items():
            self.rates[mentor] = rate
            self.stage.set_rate(mentor, rate)
        if moved:
            self.book_and_move(MENTEES[which % 3], one_of(which, list(MENTORS)), moved)
        booked = [
            self.booked(MENTEES[n % 3], one_of(which + n, list(MENTORS)), n, so_far) for n, so_far in enumerate(hours)
        ]
        over = [hour for hour, so_far in zip(booked, hours, strict=True) if so_far in ("over", "completed")]
        if over:
            self.stage.wait(max(hour.ends_at for hour in over) - self.now)
            self.tell("is the time now")
        for hour, so_far in zip(booked, hours, strict=True):
            if so_far == "completed" and hour in self.are("confirmed"):
                wish = Wish("complete", hour.mentor, self.now)
                self.ask(hour, wish, lambda it, wish=wish: bookings.complete(it, now=wish.at), FINE)
                self.look()
        for mentor in approving:
            self.want_to_be_asked(mentor)

    @rule(mentee=st.sampled_from(MENTEES), mentor=st.sampled_from(list(MENTORS)), which=ONE,
          minutes=st.sampled_from((60, 30, 90)), trouble=TROUBLE)  # fmt: skip
    @precondition(lambda self: len(self.hours) < MOST_HOURS and len(self.are(*LIVE)) < MOST_LIVE)
    @moment
    def book(self, mentee: str, mentor: str, which: int, minutes: int, trouble: Trouble) -> None:
        hour = self.new_hour(mentee, mentor, self.perhaps_free(which, mentee, mentor, minutes), minutes)
        free = self.is_free(hour, trouble)
        self.submit(hour, trouble)
        must = free and hour.can_be_charged
        self.expect(f"{hour.mentee} books {hour}", hour.booked, must=must, may=True)

    @rule(mentee=st.sampled_from(MENTEES), mentor=st.sampled_from(list(MENTORS)), which=ONE, trouble=TROUBLE)
    @precondition(lambda self: len(self.hours) < MOST_HOURS and len(self.are(*LIVE)) < MOST_LIVE)
    @moment
    def book_far_ahead(self, mentee: str, mentor: str, which: int, trouble: Trouble) -> None:
        hour = self.new_hour(mentee, mentor, one_of(which, self.far_slots()), 60)
        free = self.is_free(hour, trouble)
        self.submit(hour, trouble)
        self.expect(f"{hour.mentee} books {hour} far ahead", hour.booked, must=free, may=True)

    @rule(which=ONE, card=st.sampled_from(CARDS), trouble=TROUBLE)
    @precondition(lambda self: self.waiting_for_a_card_to_save())
    @moment
    def save_a_card(self, which: int, card: str, trouble: Trouble) -> None:
        """And come back, unless the bank wants to see its customer first."""
        hour = one_of(which, self.waiting_for_a_card_to_save())
        self.enter(hour, card)
        self.returns(hour, trouble)

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: self.unanswered())
    @moment
    def submit_again(self, which: int, trouble: Trouble) -> None:
        """The same form once more, of somebody who was not told that it is booked."""
        self.submit(one_of(which, self.unanswered()), trouble)

    @rule(which=ONE, card=st.sampled_from(CARDS))
    @precondition(lambda self: self.cardless())
    @moment
    def pay(self, which: int, card: str) -> None:
        self.enter(one_of(which, self.cardless()), card)

    @rule(which=ONE, passed=st.booleans())
    @precondition(lambda self: self.at_the_bank())
    @moment
    def answer_the_bank(self, which: int, passed: bool) -> None:
        hour = one_of(which, self.at_the_bank())
        self.stage.answer_bank(self.asked_of_stripe(hour), passed=passed)
        self.tell(f"{hour.mentee} {'passes' if passed else 'fails'} 3-D Secure for {hour}")

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: self.unseen())
    @moment
    def come_back_from_paying(self, which: int, trouble: Trouble) -> None:
        self.returns(one_of(which, self.unseen()), trouble)

    @rule(which=ONE)
    @precondition(lambda self: self.under_way())
    @moment
    def agree_that_it_is_done(self, which: int) -> None:
        hour = one_of(which, self.under_way())
        agree = self.act(
            f"{hour.mentee} agrees that {hour} is done",
            lambda: bookings.agree_done(Booking.one(Booking.id == hour.id), now=self.now),
        )
        if agree == Answer.DONE:
            hour.agreed_at = hour.agreed_at or self.now

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: self.any_begun())
    @moment
    def complete(self, which: int, trouble: Trouble) -> None:
        hour = self.perhaps_begun(which)
        can = hour.could_complete(self.now) and not self.is_only_saved(hour) and not self.is_contested(hour)
        calm = self.is_calm(hour, trouble)
        wish = Wish("complete", hour.mentor, self.now)
        answer = self.ask(hour, wish, lambda it: bookings.complete(it, now=wish.at), trouble)
        self.expect(f"{hour.mentor} completes {hour}", answer, must=can and calm, may=can)

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: self.any_begun())
    @moment
    def report_a_no_show(self, which: int, trouble: Trouble) -> None:
        hour = self.perhaps_begun(which)
        can, calm = hour.could_miss(self.now) and not self.is_contested(hour), self.is_calm(hour, trouble)
        wish = Wish("no_show", hour.mentor, self.now, fee=hour.late_fee)
        answer = self.ask(hour, wish, lambda it: bookings.report_no_show(it, now=wish.at), trouble)
        must = can and calm and not self.is_only_saved(hour)
        self.expect(f"{hour.mentor} reports that nobody came to {hour}", answer, must=must, may=can)

    @rule(which=ONE, by=st.sampled_from(PARTIES))
    @precondition(lambda self: self.are(*LIVE, "completed"))
    @moment
    def open_a_cancellation_page(self, which: int, by: Party) -> None:
        """And leave it open: it may be posted much later."""
        hour = one_of(which, self.are(*LIVE, "completed"))
        self.changed_now = self.open_page(hour, by)

    @rule(which=ONE, by=st.sampled_from(PARTIES), trouble=TROUBLE)
    @precondition(lambda self: self.are(*LIVE, "completed"))
    @moment
    def cancel(self, which: int, by: Party, trouble: Trouble) -> None:
        hour = one_of(which, self.are(*LIVE, "completed"))
        if self.open_page(hour, by):
            self.call_off(hour, by, trouble)

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: any(hour.pages for hour in self.hours))
    @moment
    def cancel_from_an_old_page(self, which: int, trouble: Trouble) -> None:
        pages = [(hour, by) for hour in self.hours for by in hour.pages]
        hour, by = one_of(which, pages)
        self.call_off(hour, Party(by), trouble)

    @rule(which=ONE, twelfths=st.integers(1, 13), old=st.booleans(), trouble=TROUBLE)
    @precondition(lambda self: self.charged())
    @moment
    def refund_a_part(self, which: int, twelfths: int, old: bool, trouble: Trouble) -> None:
        """From a page that shows what was refunded so far; an old one is still open from the last time."""
        hour = one_of(which, self.charged())
        row = self.row(hour)
        assert row is not None
        shown = hour.last_shown if old and hour.last_shown is not None else row.refunded
        hour.last_shown = row.refunded
        self.refund(hour, twelfths, shown, trouble)

    @rule(mentor=st.sampled_from(list(MENTORS)), which=ONE)
    @moment
    def change_the_price(self, mentor: str, which: int) -> None:
        """Hours that are booked keep theirs."""
        rate = one_of(which, RATES[MENTORS[mentor]])
        self.changed_now, self.rates[mentor] = rate != self.rates[mentor], rate
        self.stage.set_rate(mentor, rate)
        self.tell(f"{mentor} asks {rate} an hour from now on")

    def perhaps_free(self, which: int, mentee: str, mentor: str, minutes: int) -> datetime:
        """A time at which both have time, mostly."""
        slots, length = self.slots(), timedelta(minutes=minutes)
        engaged = self.engaged(mentee, mentor)
        free = [start for start in slots if self.is_free_at(start, start + length, engaged)]
        return one_of(which, free if which < 11 else slots)

    def is_free(self, hour: Hour, trouble: Trouble) -> bool:
        """Whether it must be possible to book this."""
        free = self.is_free_at(hour.starts_at, hour.ends_at, self.engaged(hour.mentee, hour.mentor))
        well = trouble.is_none and self.stage.is_well
        return well and free and not self.ours.is_busy("create_customer")

    def unanswered(self) -> list[Hour]:
        return [hour for hour in self.hours if hour.booked in (Answer.SILENCE, Answer.CONFIRMING)]

    def is_only_saved(self, hour: Hour) -> bool:
        row = self.row(hour)
        return row is not None and row.payment_state == "card_saved"

    def at_the_bank(self) -> list[Hour]:
        return [hour for hour in self.cardless() if (it := self.intent(hour) or self.setup(hour)) and it.at_the_bank]

    def unseen(self) -> list[Hour]:
        """Hours whose card was taken, and we do not know."""
        paid = [
            hour for hour in self.are(*LIVE, "cancelled", "expired")
            if (row := self.row(hour)) and row.intent and row.payment_state in ("needs_card", "card_saved")
            and (intent := self.intent(hour)) and (intent.held or intent.is_over)
        ]  # fmt: skip
        return paid + [
            hour for hour in self.are("pending_payment", "cancelled", "expired")
            if (row := self.row(hour)) and row.payment_state == "needs_card"
            and (setup := self.setup(hour)) and setup.is_saved
        ]  # fmt: skip

    def perhaps_begun(self, which: int) -> Hour:
        """A confirmed hour, mostly one that has begun."""
        confirmed = self.are("confirmed")
        begun = [hour for hour in confirmed if hour.could_complete(self.now) and not self.is_busy(hour)]
        return one_of(which, begun if which < 10 and begun else confirmed)

    def any_begun(self) -> bool:
        return any(hour.starts_at <= self.now <= hour.complete_by for hour in self.are("confirmed"))

    def charged(self) -> list[Hour]:
        """Hours of which something can be refunded; those where that is under way only if there are no others."""
        charged = [hour for hour in self.hours if (row := self.row(hour)) and row.captured > row.refunded]
        return [hour for hour in charged if not self.is_busy(hour)] or charged

    def under_way(self) -> list[Hour]:
        return [
            hour for hour in self.are("confirmed")
            if hour.starts_at <= self.now < hour.ends_at and hour.agreed_at is None
        ]  # fmt: skip
