"""The rules for those who would rather meet at another time."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from app.models.states import Party
from tests.faults.histories.model import Hour
from tests.faults.histories.people import ONE, TROUBLE, one_of
from tests.faults.histories.play import moment
from tests.faults.histories.talks import OTHER, Talks
from tests.faults.histories.troubles import Trouble

SIDES = st.sampled_from((Party.MENTEE, Party.MENTOR))


class Shifts(Talks):
    @rule(which=ONE, when=st.integers(0, 99), by=SIDES, trouble=TROUBLE)
    @precondition(lambda self: self.to_come())
    @moment
    def propose_another_time(self, which: int, when: int, by: Party, trouble: Trouble) -> None:
        """One that can be, mostly."""
        hour = one_of(which, self.to_come())
        starts = self.starts()
        fitting = [start for start in starts if self.could_propose(hour, start, by)]
        self.propose(hour, one_of(when, fitting if fitting and when % 8 else starts), by, trouble)

    @rule(which=ONE, what=st.sampled_from(("agree",) * 5 + ("decline", "withdraw")), wrong=st.integers(0, 7),
          trouble=TROUBLE)  # fmt: skip
    @precondition(lambda self: self.proposed())
    @moment
    def answer_about_the_time(self, which: int, what: str, wrong: int, trouble: Trouble) -> None:
        """Now and then, the wrong one does."""
        hour = one_of(which, self.proposed())
        move = list(self.ours.moves[hour.form].values())[-1]
        asked = OTHER[Party(move.by)]
        if what == "agree":
            self.agree(hour, move, asked if wrong else OTHER[asked], trouble)
        else:
            self.turn_away(hour, move, asked if what == "decline" else OTHER[asked], trouble)

    def to_come(self) -> list[Hour]:
        """Hours that can be moved; those about which nobody has proposed anything, if there are any."""
        ahead = [hour for hour in self.are("confirmed") if self.now < hour.starts_at]
        return [hour for hour in ahead if self.proposal(hour) is None] or ahead

    def proposed(self) -> list[Hour]:
        """Hours with proposals; those that wait for an answer, if there are any."""
        talked = [hour for hour in self.hours if hour.form in self.ours.moves]
        return [hour for hour in talked if self.proposal(hour) is not None] or talked
