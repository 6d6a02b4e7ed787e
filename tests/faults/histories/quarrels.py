"""The rules for those who do not agree: they object, answer, appeal, rule, take it back; and a mentor does not come."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from app.actions import absences, objections
from app.actions.objections import Wanted
from app.kit.money import Money
from app.models.booking import Booking
from app.models.objection import Remedy
from app.models.states import Party
from tests.faults.histories.deeds import Deeds
from tests.faults.histories.model import CLEARING, PATIENCE, Answer, Hour, Wish
from tests.faults.histories.people import ONE, TROUBLE, one_of
from tests.faults.histories.play import moment
from tests.faults.histories.troubles import Trouble

OF_MENTEE = (Remedy.PART_REFUND, Remedy.FULL_REFUND, Remedy.NEW_SESSION)
SIDES = {"with_mentor": Party.MENTOR, "with_mentee": Party.MENTEE}


class Quarrels(Deeds):
    @rule(which=ONE, remedy=st.sampled_from(OF_MENTEE), twelfths=st.integers(1, 13), trouble=TROUBLE)
    @precondition(lambda self: self.objectionable())
    @moment
    def object_to_a_charge(self, which: int, remedy: Remedy, twelfths: int, trouble: Trouble) -> None:
        hour = one_of(which, self.objectionable())
        row, wanted = self.row(hour), self.wanted(hour, remedy, twelfths)
        assert row is not None
        assert row.ended_at is not None
        fits = wanted.refund is None or 0 < wanted.refund.minor < row.captured - row.refunded
        in_time = self.now < row.ended_at + CLEARING and row.cleared_at is None
        can, calm = in_time and fits and hour.form not in self.ours.quarrels, self.is_calm(hour, trouble)
        answer = self.say(
            hour, "object", lambda it: objections.object_to(it, "It was short.", wanted, now=self.now), trouble
        )
        self.expect(f"{hour.mentee} objects to {hour}", answer, must=can and calm, may=can or not calm)

    @rule(which=ONE, remedy=st.sampled_from((*OF_MENTEE, Remedy.NOTHING)), twelfths=st.integers(1, 12),
          by=st.sampled_from((Party.MENTOR, Party.MENTEE)), trouble=TROUBLE)  # fmt: skip
    @precondition(lambda self: self.quarrelling("with_mentor", "with_mentee"))
    @moment
    def propose_something(self, which: int, remedy: Remedy, twelfths: int, by: Party, trouble: Trouble) -> None:
        hour = one_of(which, self.quarrelling("with_mentor", "with_mentee"))
        wanted, seen = self.wanted(hour, remedy, twelfths), self.ours.quarrels[hour.form].number
        self.say(hour, "propose", lambda it: objections.propose(it, by, wanted, seen=seen, now=self.now), trouble)

    @rule(which=ONE, what=st.sampled_from(("accept", "accept", "appeal")), old=st.booleans(), trouble=TROUBLE)
    @precondition(lambda self: self.quarrelling("with_mentor", "with_mentee"))
    @moment
    def answer_a_proposal(self, which: int, what: str, old: bool, trouble: Trouble) -> None:
        """From a page that shows the latest proposal, or one before it."""
        hour = one_of(which, self.quarrelling("with_mentor", "with_mentee"))
        quarrel, row = self.ours.quarrels[hour.form], self.row(hour)
        assert row is not None
        by, seen = SIDES[quarrel.state], quarrel.number - old
        act = objections.accept if what == "accept" else objections.appeal
        can, calm = not old and row.captured > 0, self.is_calm(hour, trouble)
        answer = self.say(hour, what, lambda it: act(it, by, seen=seen, now=self.now), trouble)
        self.expect(f"{by} answers with {what} to {hour}", answer, must=can and calm, may=can or not calm)

    @rule(which=ONE, twelfths=st.integers(0, 13), trouble=TROUBLE)
    @precondition(lambda self: self.quarrelling("with_operator"))
    @moment
    def rule_on_it(self, which: int, twelfths: int, trouble: Trouble) -> None:
        hour = one_of(which, self.quarrelling("with_operator"))
        row = self.row(hour)
        assert row is not None
        left = row.captured - row.refunded
        refund, shown = Money(left * twelfths // 12, hour.currency), Money(row.refunded, hour.currency)
        can, calm = refund.minor <= left and row.captured > 0, self.is_calm(hour, trouble)
        answer = self.say(
            hour, "rule", lambda it: objections.rule(it, refund, "So be it.", refunded=shown, now=self.now), trouble
        )
        self.expect(f"the operator rules on {hour}", answer, must=can and calm, may=can or not calm)

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: self.quarrelling("with_mentor", "with_mentee", "with_operator", "promised"))
    @moment
    def take_it_back(self, which: int, trouble: Trouble) -> None:
        hour = one_of(which, self.quarrelling("with_mentor", "with_mentee", "with_operator", "promised"))
        self.say(hour, "withdraw", lambda it: objections.withdraw(it, now=self.now), trouble)

    @rule(which=ONE, kept=st.booleans(), trouble=TROUBLE)
    @precondition(lambda self: self.quarrelling("promised"))
    @moment
    def tell_of_the_new_session(self, which: int, kept: bool, trouble: Trouble) -> None:
        hour = one_of(which, self.quarrelling("promised"))
        self.say(hour, "kept", lambda it: objections.say_kept(it, kept=kept, now=self.now), trouble)

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: self.any_begun_alone())
    @moment
    def miss_the_mentor(self, which: int, trouble: Trouble) -> None:
        hour = one_of(which, self.any_begun_alone())
        row, calm = self.row(hour), self.is_calm(hour, trouble)
        assert row is not None
        held = row.payment_state == "authorized" and self.now < hour.lets_go_at(row.capture_before)
        can = held and hour.form not in self.ours.quarrels
        answer = self.say(hour, "miss", lambda it: absences.report(it, "I waited.", now=self.now), trouble)
        self.expect(f"{hour.mentee} says that nobody came to {hour}", answer, must=can and calm, may=can or not calm)

    @rule(which=ONE, what=st.sampled_from(("took place", "mentee absent", "admit")), trouble=TROUBLE)
    @precondition(lambda self: self.accused())
    @moment
    def answer_that_nobody_came(self, which: int, what: str, trouble: Trouble) -> None:
        hour = one_of(which, self.accused())
        if what == "took place":
            wish = Wish("complete", hour.mentor, self.now)
        else:
            wish = Wish("no_show", hour.mentor, self.now, fee=0 if what == "admit" else hour.late_fee)

        def answer(it: Booking) -> None:
            if what == "admit":
                absences.admit(it, now=wish.at)
            else:
                absences.contest(it, "I was there.", took_place=what == "took place", now=wish.at)

        self.ask(hour, wish, answer, trouble)

    def say(self, hour: Hour, what: str, call: Callable[[Booking], object], trouble: Trouble) -> Answer:
        """Have somebody say something about an hour; it is written down whatever they are told."""
        hour.said.append(what)
        return self.act(f"{what}: {hour}", lambda: call(Booking.one(Booking.id == hour.id)), trouble, hour)

    def wanted(self, hour: Hour, remedy: Remedy, twelfths: int) -> Wanted:
        row = self.row(hour)
        assert row is not None
        part = Money((row.captured - row.refunded) * twelfths // 12, hour.currency)
        return Wanted(remedy, part if remedy == Remedy.PART_REFUND else None)

    def objectionable(self) -> list[Hour]:
        """Hours that cost something; those about which nobody has quarrelled yet, if there are any."""
        charged = [
            hour for hour in self.are("completed", "no_show") if (row := self.row(hour)) and row.captured > row.refunded
        ]
        return [hour for hour in charged if hour.form not in self.ours.quarrels] or charged

    def quarrelling(self, *states: str) -> list[Hour]:
        return [hour for hour in self.hours if (q := self.ours.quarrels.get(hour.form)) and q.state in states]

    def accused(self) -> list[Hour]:
        return [hour for hour in self.are("confirmed") if hour in self.quarrelling("with_mentor")]

    def any_begun_alone(self) -> list[Hour]:
        """Hours for which the mentee has waited long enough."""
        return [
            hour for hour in self.are("confirmed")
            if hour.starts_at + PATIENCE <= self.now <= hour.complete_by
            and hour.agreed_at is None and hour.form not in self.ours.quarrels
        ]  # fmt: skip
