"""A history being played: who knows what, what is under way, and what was told so far."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from app import jobs
from app.extensions import db
from app.models.booking import Booking
from tests.faults.histories import gifts, holds
from tests.faults.histories.checks import left_over, lies
from tests.faults.histories.dice import next_rule
from tests.faults.histories.model import ASKED, Answer, Hour, Trial, Wish
from tests.faults.histories.ours import Move, Ours, Row
from tests.faults.histories.stage import Stage
from tests.faults.histories.tally import Tally, rare
from tests.faults.histories.theirs import Intent, Setup, Theirs
from tests.faults.histories.troubles import Trouble

FINE = Trouble()
A_WHILE = timedelta(minutes=6)  # leases and pauses are over, and every job is due again
UNTIL_ALL_IS_DUE = timedelta(minutes=61)  # the reconciler comes every hour
MOST_ROUNDS = 12


class Wrong(AssertionError):
    """What should be false and is true, and the story of how it came."""

    def __init__(self, wrongs: list[str], story: list[str]) -> None:
        told = "\n".join(f"  {n}. {line}" for n, line in enumerate(story, start=1))
        super().__init__("\n".join(wrongs) + "\n" + told)


def moment(rule: Callable[..., None]) -> Callable[..., None]:
    """One step of a history, after which everything is looked at."""

    @wraps(rule)
    def played(self: "Play", *args: Any, **chosen: Any) -> None:
        self.refused_now = self.changed_now = False
        before = self.ours.fingerprint, self.theirs.latest
        try:
            rule(self, *args, **chosen)
            self.look()
        except BaseException:
            self.broken = True
            raise
        changed = self.changed_now or (self.ours.fingerprint, self.theirs.latest) != before
        self.steps += 1
        self.tally.count(rule.__name__, real=changed, refused=self.refused_now)

    return played


class Play(RuleBasedStateMachine):
    """What all rules stand on. ``stage`` and ``tally`` are set on the class before histories are played."""

    stage: ClassVar[Stage]
    tally: ClassVar[Tally]

    def __init__(self) -> None:
        super().__init__()
        self._rules_strategy = next_rule(self)
        self.absent: frozenset[str] = frozenset()  # what never happens in this history
        self.calm_at_last = True  # whether everybody can finish before it is all long ago
        self.stage.begin()
        self.hours: list[Hour] = []
        self.trials: list[Trial] = []
        self.theirs = Theirs()
        self.ours = self.last_read = Ours()
        self.read_at = -1
        self.undelivered: list[dict[str, Any]] = []
        self.delivered: list[dict[str, Any]] = []
        self.story: list[str] = []
        self.steps = 0
        self.rates: dict[str, int] = {}
        self.approving: set[str] = set()  # mentors who want to be asked
        self.broken = self.refused_now = self.changed_now = False

    @property
    def now(self) -> datetime:
        return self.stage.now()

    def tell(self, line: str) -> None:
        self.story.append(f"{self.now:%a %d %H:%M:%S} {line}")

    def row(self, hour: Hour) -> Row | None:
        return self.ours.rows.get(hour.form)

    def intent(self, hour: Hour) -> Intent | None:
        return holds.standing(hour, self.row(hour), self.theirs)

    def setup(self, hour: Hour) -> Setup | None:
        """What the card is saved with, of an hour that is far ahead."""
        return self.theirs.setups.get(hour.id or "")

    def is_busy(self, hour: Hour) -> bool:
        """Whether the page shows that something is being confirmed."""
        row = self.row(hour)
        return row is not None and bool(row.busy)

    def is_contested(self, hour: Hour) -> bool:
        """Whether there is an objection that has not ended."""
        quarrel = self.ours.quarrels.get(hour.form)
        return quarrel is not None and quarrel.is_live

    def proposal(self, hour: Hour) -> Move | None:
        """What waits for an answer: to hold it at another time."""
        return next((move for move in self.ours.moves.get(hour.form, {}).values() if move.is_open), None)

    def are(self, *states: str) -> list[Hour]:
        """The hours that our tables show in one of these states."""
        return [hour for hour in self.hours if (row := self.row(hour)) is not None and row.state in states]

    def look(self) -> None:
        """See what has happened, at Stripe and here, and whether it may."""
        self.hear()
        before, self.ours = self.ours, self.read()
        for hour in self.hours:
            if (row := self.row(hour)) is not None:
                self.note(hour, before.rows.get(hour.form), row)
            if (quarrel := self.ours.quarrels.get(hour.form)) is not None and quarrel.about == "absence":
                hour.missed_at = quarrel.raised_at
        for trial in self.trials:
            if (free := self.ours.trials.get(trial.form)) is not None:
                trial.id = free.id
        self.check(lies(self.hours, before, self.ours, self.theirs, self.now))
        self.check(gifts.lies(self.trials, before, self.ours, self.theirs, self.now))

    def note(self, hour: Hour, before: Row | None, row: Row) -> None:
        """Keep what can be seen now and not later any more."""
        hour.id = row.id
        hour.was_secured = hour.was_secured or row.answer_by is not None or row.state in ("confirmed", "completed")
        if row.answer_by is not None:
            hour.asked_at = hour.asked_at or self.now
        if row.state in ("confirmed", "completed", "no_show"):
            hour.stood_at = hour.stood_at or self.now
        if row.starts_at == hour.perhaps_at:
            hour.move_to(row.starts_at)
        held_before = self.theirs.intents.get(before.intent or "") if before is not None else None
        if before is not None and before.payment_state == "authorized" and row.intent is None:
            self.give_up(hour, held_before)
        intents = [intent for intent in self.theirs.of(row.id) if intent.id not in hour.given_up]
        if hour.is_far and intents and hour.asked_for_at is None:
            hour.asked_for_at = intents[0].created_at
            hour.was_asked_for_early = intents[0].created_at < hour.starts_at - ASKED[0]

    def give_up(self, hour: Hour, held: Intent | None) -> None:
        """Another hold is planned, if the session goes beyond this one; what it stood in for is gone, too."""
        if held is not None and held.capture_before and hour.ends_at > hour.reach(held.capture_before):
            hour.given_up |= {intent.id for intent in self.theirs.of(hour.id)}
            hour.asked_for_at = None

    def read(self) -> Ours:
        """What our tables say; without asking again if nobody has spoken with the database since."""
        if self.stage.deaths.steps != self.read_at:
            with self.stage.app.app_context(), db.engine.connect() as connection:
                self.last_read = Ours.read(connection)
            self.read_at = self.stage.deaths.steps
        return self.last_read

    def hear(self) -> bool:
        """Take in what Stripe has done since."""
        news = self.stage.simulator.events_since(self.theirs.latest)
        self.undelivered += news
        return self.theirs.hear(news) > 0

    def check(self, wrongs: Iterable[str]) -> None:
        found = [*wrongs, *self.stage.bugs, *(f"after death: {step}" for step in self.stage.deaths.afterlife)]
        if found:
            raise Wrong(found, self.story)

    def wait_for(self, then: datetime) -> None:
        self.stage.wait(then - self.now)
        self.tell("is the time now")

    def act(self, what: str, call: Callable[[], Any], trouble: Trouble = FINE, hour: Hour | None = None) -> Answer:
        """Have somebody do something; what they were told. A refusal must have left everything as it was."""
        fine, requests, struck = trouble.meanwhile is None, self.stage.line.requests, self.stage.line.struck
        before = self.read().fingerprint, self.own_effects(hour)
        answer, told = self.stage.act(call, trouble, lambda: self.meanwhile(trouble, hour))
        self.tell(f"{what}{trouble}: {answer}{f' ({told})' if isinstance(told, Exception) else ''}")
        self.tally.troubles["death"] += trouble.death is not None
        self.tally.troubles["fault"] += self.stage.line.struck - struck
        if answer == Answer.REFUSED:
            self.refused_now = True
            self.hear()
            if fine and self.stage.line.requests == requests and self.read().fingerprint != before[0]:
                self.check([f"refused, and yet something has changed: {what}"])
            if fine and self.own_effects(hour) != before[1]:
                self.check([f"refused, and yet it happened: {what}"])
        return answer

    def own_effects(self, hour: Hour | None) -> tuple[int, int]:
        """What our key has taken and given back for an hour."""
        self.hear()
        intents = self.theirs.of(hour.id) if hour else []
        captured = sum(intent.captured * intent.captured_by_us for intent in intents)
        return captured, sum(r.amount for intent in intents for r in intent.refunds.values() if r.by_us)

    def ask(self, hour: Hour, wish: Wish, call: Callable[[Booking], Any], trouble: Trouble) -> Answer:
        """Have a person ask for something about an hour, and be told how it stands then, as the pages do it."""
        hour.wishes.append(wish)

        def asked() -> str:
            call(Booking.one(Booking.id == hour.id))
            db.session.rollback()
            stands = Booking.one(Booking.id == hour.id)
            busy = stands.payment is not None and stands.payment.is_busy
            return "busy" if busy else stands.state

        said: list[str] = []
        answer = self.act(f"{wish.by} asks to {wish.kind} {hour}", lambda: said.append(asked()), trouble, hour)
        if answer == Answer.DONE:
            answer = _as_told(wish.kind, said[0])
            self.tell(f"… and sees that it is {said[0]}")
            self.refused_now = answer == Answer.REFUSED
        wish.answer = answer
        return answer

    def meanwhile(self, trouble: Trouble, hour: Hour | None) -> None:
        raise NotImplementedError

    def knock(self, event: dict[str, Any], trouble: Trouble = FINE) -> None:
        """Stripe knocks with an event; whoever gets no good answer will come again."""
        statuses: list[int] = []
        body = json.dumps(event).encode()
        told = f"Stripe knocks with {event['type']} {event['data']['object']['id']}"
        self.act(told, lambda: statuses.append(self.stage.knock(body)), trouble)
        if statuses == [200]:
            self.delivered.append(event)
            if event in self.undelivered:
                self.undelivered.remove(event)
        elif statuses:
            self.check([f"a webhook was answered {statuses}"])

    def work(self, names: Iterable[str], trouble: Trouble = FINE) -> None:
        """The worker does these jobs."""

        def worked() -> None:
            for name in names:
                jobs.run(name)

        self.act(f"the worker does {', '.join(names) if len(list(names)) < 3 else 'its round'}", worked, trouble)

    def settle(self) -> None:
        """Let everybody finish: the network is well, the worker works, and the post comes, or never again."""
        self.stage.line.clear()
        pause, wrongs = UNTIL_ALL_IS_DUE, list[str]()
        for _ in range(MOST_ROUNDS):
            self.stage.wait(pause)
            for event in self.newest():
                self.knock(event)
            self.work(list(jobs.JOBS))
            self.look()
            pause = A_WHILE
            wrongs = list(left_over(self.hours, self.ours, self.theirs, self.stage.balance(), self.now))
            wrongs += gifts.left_over(self.trials, self.ours, self.now)
            if not wrongs:
                return
        self.check(wrongs)

    def newest(self) -> list[dict[str, Any]]:
        """Of what was not delivered, the newest about each object and every third; the rest is lost for ever.

        Where the post never comes, all of it: then it is the reconciler that finds out.
        """
        waiting, self.undelivered = self.undelivered, []
        if "the_post_comes" in self.absent:
            return []
        last = {
            event["data"]["object"].get("payment_intent") or event["data"]["object"]["id"]: event for event in waiting
        }
        return [event for n, event in enumerate(waiting) if n % 3 == 2 or event in last.values()]

    def teardown(self) -> None:
        """The end of every history: everything settles, at once or only when every hour and every hold is over."""
        if self.broken:
            return
        if self.calm_at_last:
            self.tell("everything settles")
            self.settle()
        charged = [hour for hour in self.hours if (row := self.row(hour)) and row.captured]
        self.tell("two weeks pass")
        self.stage.wait(timedelta(days=14))
        self.look()
        self.settle()
        self.check(f"{hour} is still {row.state}" for hour in self.hours if (row := self.row(hour)) and row.is_live)
        self.check(
            f"{hour} was charged ten days ago, and is not cleared"
            for hour in charged
            if (row := self.row(hour)) and row.cleared_at is None and not self.is_contested(hour)
        )
        self.check(f"{intent} is still held" for intent in self.theirs.intents.values() if intent.is_held)
        self.check(f"{row} is still there" for row in self.ours.trials.values() if row.is_live)
        self.tally.histories += 1
        self.tally.lengths[self.steps] += 1
        self.tally.ends.update(f"{row.state} {row.payment_state}" for row in self.ours.rows.values())
        self.tally.seen.update(rare(self.hours, self.ours, self.theirs))


def _as_told(kind: str, said: str) -> Answer:
    """What a page that shows how it stands means to who asked for ``kind``."""
    if said == "busy":
        return Answer.CONFIRMING
    if (kind, said) == ("cancel", "completed"):
        return Answer.SILENCE  # what the page showed was given back, but of an earlier refund we hear that it came back
    wanted = {"complete": "completed", "cancel": "cancelled", "no_show": "no_show", "accept": "confirmed"}
    return Answer.DONE if wanted.get(kind, said) == said else Answer.REFUSED
