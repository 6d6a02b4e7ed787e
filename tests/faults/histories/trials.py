"""The rules for free trials: nothing of them is ever Stripe's business."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from app.actions import approvals, bookings, cancellations, reschedules
from app.actions.wishes import Wish
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests.faults.histories.deeds import HALF_AN_HOUR
from tests.faults.histories.model import AT_MOST, ONE_TRIAL_ENDS, TRIES, Answer, Trial
from tests.faults.histories.people import ONE, PARTIES, TROUBLE, one_of
from tests.faults.histories.play import moment
from tests.faults.histories.stage import MENTEES, MENTORS
from tests.faults.histories.talks import Talks
from tests.faults.histories.troubles import Trouble

MOST_TRIALS = 5
COURSES = ("accept", "accept", "complete", "complete", "no_show", "decline", "cancel", "move")


class Trials(Talks):
    @rule(mentee=st.sampled_from(MENTEES), mentor=st.sampled_from(list(MENTORS)), which=ONE, trouble=TROUBLE)
    @precondition(lambda self: len(self.trials) < MOST_TRIALS)
    @moment
    def book_a_trial(self, mentee: str, mentor: str, which: int, trouble: Trouble) -> None:
        starts_at, form = one_of(which, self.starts()[::3]), f"trial {len(self.trials) + 1}"
        trial = Trial(form, mentee, mentor, starts_at, self.now, needs_answer=mentor in self.approving)
        can = self.could_try(trial)
        self.trials.append(trial)
        wish = Wish(starts_at, trial.minutes, "Would we get on?", "", form, is_trial=True)

        def book() -> None:
            offered = Mentor.one(Mentor.user.has(User.name == mentor))
            bookings.book(User.one(User.name == mentee), offered, wish, now=self.now)

        trial.booked = self.without_stripe(f"{mentee} books {trial}, {starts_at:%a %H:%M}", book, trouble)
        self.expect(f"{mentee} books {trial}", trial.booked, must=can and trouble.death is None, may=can)

    @rule(which=ONE, what=st.sampled_from(COURSES), by=st.sampled_from(PARTIES), trouble=TROUBLE)
    @precondition(lambda self: self.ours.trials)
    @moment
    def go_on_with_a_trial(self, which: int, what: str, by: Party, trouble: Trouble) -> None:
        """One that stands, if there is any."""
        known = [trial for trial in self.trials if trial.form in self.ours.trials]
        trial = one_of(which, [trial for trial in known if self.ours.trials[trial.form].is_live] or known)
        can = self.could_go_on(trial, what, by)
        answer = self.without_stripe(f"{what} by {by}: {trial}", lambda: self.course_of(trial, what, by)(), trouble)
        if answer != Answer.REFUSED:
            trial.said.append(what)
        self.expect(f"{what} by {by}: {trial}", answer, must=can and trouble.death is None, may=can)

    def without_stripe(self, what: str, call: Callable[[], object], trouble: Trouble) -> Answer:
        before = self.stage.line.requests
        answer = self.act(what, call, trouble)
        if self.stage.line.requests != before:
            self.check([f"{what}: Stripe has heard of it"])
        return answer

    def course_of(self, trial: Trial, what: str, by: Party) -> Callable[[], object]:
        it, now = Booking.one(Booking.id == trial.id), self.now
        return {
            "accept": lambda: approvals.accept(it, now=now),
            "decline": lambda: approvals.decline(it, now=now),
            "complete": lambda: bookings.complete(it, now=now),
            "no_show": lambda: bookings.report_no_show(it, now=now),
            "cancel": lambda: cancellations.cancel(it, by=by, quoted="0-0-0", now=now),
            "move": lambda: reschedules.propose(it, trial.starts_at + HALF_AN_HOUR, by=by, note="", now=now),
        }[what]

    def could_try(self, trial: Trial) -> bool:
        """Whether both have time, and it is not one trial too many."""
        others = [(other, self.ours.trials[other.form]) for other in self.trials if other.form in self.ours.trials]
        alike = [row.state for other, row in others if other.pair == trial.pair]
        ahead = sum(row.is_live for other, row in others if other.mentee == trial.mentee)
        engaged = self.engaged(trial.mentee, trial.mentor)
        few = len(alike) < TRIES and ahead < AT_MOST and not any(state in ONE_TRIAL_ENDS for state in alike)
        return few and self.is_free_at(trial.starts_at, trial.ends_at, engaged)

    def could_go_on(self, trial: Trial, what: str, by: Party) -> bool:
        row, now = self.ours.trials[trial.form], self.now
        asked = row.state == "requested" and row.answer_by is not None
        stands = row.state == "confirmed" and now <= trial.complete_by
        match what:
            case "accept" | "decline":
                return asked and row.answer_by is not None and now < row.answer_by
            case "complete":
                return stands and now >= trial.ends_at
            case "no_show":
                return stands and now >= trial.starts_at
            case "cancel":
                on_time = by != Party.MENTEE or now < trial.starts_at
                return row.state == "requested" or (row.state == "confirmed" and on_time)
        return False
