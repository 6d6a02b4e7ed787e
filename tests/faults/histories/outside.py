"""The rules for everybody else: Stripe's dashboard, the post, the worker, the clock."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from app import jobs
from app.extensions import db
from tests.faults.histories.deeds import Deeds
from tests.faults.histories.model import ASKED, CLEARING, GIVEN_UP, LIVE, NEVER, Hour
from tests.faults.histories.people import ONE, TROUBLE, one_of
from tests.faults.histories.play import moment
from tests.faults.histories.troubles import Trouble

WAITS = {
    "a minute": timedelta(minutes=1),
    "six minutes": timedelta(minutes=6),
    "half an hour": timedelta(minutes=30),
    "an hour": timedelta(hours=1),
    "seven hours": timedelta(hours=7),
    "a day and an hour": timedelta(hours=25),
    "three days": timedelta(days=3),
}
ORDERS = ("in order", "newest first", "every other")


class Outside(Deeds):
    @rule(
        which=ONE, what=st.sampled_from(("capture", "part", "cancel", "refund", "refund")), twelfths=st.integers(1, 12)
    )
    @precondition(lambda self: any(self.may_be_touched(hour) for hour in self.hours))
    @moment
    def use_the_dashboard(self, which: int, what: str, twelfths: int) -> None:
        hour = one_of(which, [hour for hour in self.hours if self.may_be_touched(hour)])
        intent = self.intent(hour)
        assert intent is not None
        if intent.captured:
            what = "refund"
        elif what == "refund" or not intent.held:
            what = "cancel"
        self.at_stripe(hour, what, 12 if what == "capture" else twelfths)

    @rule(count=st.integers(1, 6), order=st.sampled_from(ORDERS), trouble=TROUBLE)
    @precondition(lambda self: self.undelivered)
    @moment
    def the_post_comes(self, count: int, order: str, trouble: Trouble) -> None:
        events = list(self.undelivered)
        ordered = {"in order": events, "newest first": events[::-1], "every other": events[::2] + events[1::2]}
        for n, event in enumerate(ordered[order][:count]):
            self.knock(event, trouble if n == 0 else Trouble())

    @rule(which=ONE)
    @precondition(lambda self: self.delivered)
    @moment
    def the_post_comes_twice(self, which: int) -> None:
        self.knock(one_of(which, self.delivered[::-1]))

    @rule(count=st.integers(1, 12))
    @precondition(lambda self: self.undelivered)
    @moment
    def the_post_is_lost(self, count: int) -> None:
        lost, self.undelivered = self.undelivered[:count], self.undelivered[count:]
        self.changed_now = True
        self.tell(f"{len(lost)} events are lost for ever")

    @rule(which=ONE, trouble=TROUBLE)
    @precondition(lambda self: self.ours.unsettled or self.ours.waiting or self.overdue())
    @moment
    def do_a_job(self, which: int, trouble: Trouble) -> None:
        due = self.due_jobs()
        if due:
            self.work([one_of(which, due)], trouble)

    @rule(trouble=TROUBLE)
    @precondition(lambda self: self.ours.unsettled or self.ours.waiting or self.overdue())
    @moment
    def do_all_jobs(self, trouble: Trouble) -> None:
        self.work(list(jobs.JOBS), trouble)

    @rule(how_long=st.sampled_from(list(WAITS)))
    @moment
    def time_passes(self, how_long: str) -> None:
        self.wait_until(self.now + WAITS[how_long])

    @rule(which=st.integers(0, 3), late=st.booleans())
    @precondition(lambda self: self.moments())
    @moment
    def wait_for_what_comes(self, which: int, late: bool) -> None:
        """Until one of the next moments at which something is due, exactly, or a little after it."""
        self.wait_until(one_of(which, sorted(self.moments())[:4]) + timedelta(minutes=late))

    @rule()
    @precondition(lambda self: self.ours.unsettled)
    @moment
    def wait_until_leases_are_over(self) -> None:
        self.wait_until(self.now + timedelta(minutes=2))

    @rule()
    @precondition(lambda self: self.ours.unsettled)
    @moment
    def stripe_forgets_the_keys(self) -> None:
        self.stage.simulator.forget_idempotency_keys()
        self.changed_now = True
        self.tell("Stripe forgets all idempotency keys")

    @rule()
    @precondition(lambda self: self.ours.unsettled)
    @moment
    def everything_settles(self) -> None:
        self.tell("everything settles")
        self.settle()

    def wait_until(self, then: datetime) -> None:
        leases = bool(self.ours.unsettled) and then - self.now >= timedelta(seconds=30)
        self.changed_now = leases or any(moment <= then for moment in self.moments())
        self.wait_for(then)

    def moments(self) -> set[datetime]:
        """When something begins, ends or falls due, from now on."""
        found: set[datetime] = set()
        for hour in self.are(*LIVE):
            row, intent = self.row(hour), self.intent(hour)
            assert row is not None
            if row.state == "pending_payment":
                found.add(row.pay_by)
            elif row.state == "requested" and row.answer_by is not None:
                found.add(row.answer_by)
            else:
                found |= {hour.starts_at, hour.ends_at, hour.complete_by}
            if row.payment_state == "card_saved":
                found |= {hour.starts_at - before for before in (*ASKED, GIVEN_UP)}
            if intent is not None and intent.capture_before is not None and intent.is_held:
                found |= {intent.capture_before, hour.lets_go_at(intent.capture_before)}
        found |= {self.silent_at(hour) for hour in self.hours} - {NEVER}
        found |= {move.until for hour in self.are("confirmed") if (move := self.proposal(hour)) is not None}
        for trial in self.ours.trials.values():
            if trial.state == "confirmed":
                found |= {trial.starts_at, trial.ends_at, trial.complete_by}
            elif trial.state == "requested" and trial.answer_by is not None:
                found.add(trial.answer_by)
        found |= {self.clears_at(hour) for hour in self.are("completed", "cancelled", "no_show")} - {NEVER}
        return {moment for moment in found if moment > self.now}

    def clears_at(self, hour: Hour) -> datetime:
        """When the mentor's share becomes available, if it is not yet."""
        row, intent = self.row(hour), self.intent(hour)
        if (
            row is None
            or self.is_contested(hour)
            or row.cleared_at is not None
            or intent is None
            or intent.captured_at is None
        ):
            return NEVER
        return intent.captured_at + CLEARING

    def silent_at(self, hour: Hour) -> datetime:
        """When somebody's silence counts."""
        quarrel = self.ours.quarrels.get(hour.form)
        return quarrel.answer_by if quarrel is not None and quarrel.answer_by is not None else NEVER

    def overdue(self) -> bool:
        """Whether the worker would find an hour that nobody paid or completed in time, or asked about in vain."""
        return self.is_silence_over() or any(
            (row.state == "pending_payment" and row.pay_by <= self.now)
            or (row.state == "confirmed" and hour.lets_go_at(row.capture_before) <= self.now)
            or (not row.is_live and row.payment_state == "authorized")
            or self.clears_at(hour) <= self.now
            or (row.payment_state == "card_saved" and hour.starts_at - ASKED[0] <= self.now)
            or self.silent_at(hour) <= self.now
            for hour in self.hours
            if (row := self.row(hour)) is not None
        )

    def is_silence_over(self) -> bool:
        """Whether somebody has not answered in time, or not said how a trial went."""
        asked = (*self.ours.rows.values(), *self.ours.trials.values())
        open_moves = (move for moves in self.ours.moves.values() for move in moves.values() if move.is_open)
        return (
            any(it.state == "requested" and it.answer_by is not None and it.answer_by <= self.now for it in asked)
            or any(it.state == "confirmed" and it.complete_by <= self.now for it in self.ours.trials.values())
            or any(move.until <= self.now for move in open_moves)
        )

    def due_jobs(self) -> list[str]:
        """The jobs that would find something to do; what they claim for it is given back."""
        found: list[str] = []
        with self.stage.app.app_context():
            for name, job in jobs.JOBS.items():
                if rows := job.due(self.now):
                    found.append(name)
                    if job.give_back:
                        job.give_back(rows)
                db.session.rollback()
        return found

    def may_be_touched(self, hour: Hour) -> bool:
        intent = self.intent(hour)
        return intent is not None and (intent.captured > intent.refunded or not intent.is_over)
