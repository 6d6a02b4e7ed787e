"""The rules for mentors who want to be asked before an hour stands."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults.histories.model import Hour
from tests.faults.histories.openings import Openings
from tests.faults.histories.people import ONE, TROUBLE, one_of
from tests.faults.histories.play import moment
from tests.faults.histories.stage import MENTORS
from tests.faults.histories.troubles import Trouble


class Requests(Openings):
    @rule(mentor=st.sampled_from(list(MENTORS)))
    @moment
    def ask_to_be_asked(self, mentor: str) -> None:
        self.changed_now = True
        self.want_to_be_asked(mentor)

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: self.are("requested"))
    @moment
    def accept_a_request(self, which: int, trouble: Trouble) -> None:
        self.accept(one_of(which, self.are("requested")), trouble)

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: self.are("requested"))
    @moment
    def decline_a_request(self, which: int, trouble: Trouble) -> None:
        self.turn_down(one_of(which, self.are("requested")), trouble)

    @rule(which=ONE, yes=st.booleans(), trouble=TROUBLE)
    @precondition(lambda self: self.answered())
    @moment
    def answer_too_late(self, which: int, yes: bool, trouble: Trouble) -> None:
        """From a page that was open for long: the request was answered, taken back, or has lapsed."""
        hour = one_of(which, self.answered())
        (self.accept if yes else self.turn_down)(hour, trouble)

    def answered(self) -> list[Hour]:
        return [hour for hour in self.hours if hour.asked_at is not None and hour not in self.are("requested")]
