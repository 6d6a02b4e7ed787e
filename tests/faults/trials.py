"""One trial: do a flow, die at a point of it, let the next ones recover, and look at what is true in the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from sys import intern

from structlog.testing import capture_logs

from app.kit.errors import GatewayDown, IllegalMove
from tests.faults.every_flow import FLOWS
from tests.faults.flows import Flow
from tests.faults.kills import NEVER, Death, run_and_kill
from tests.faults.points import NO_TROUBLE, Call, Point, fault_of
from tests.faults.recovery import deliver, finish, let_leases_run_out
from tests.faults.steps import Tell
from tests.faults.truths import untold, untruths
from tests.faults.worlds import Moment, World
from tests.stripe_double import Stripe

LATE = timedelta(hours=25)  # Stripe keeps its keys for 24
AT_MOST = 2  # requests that a fault strikes: the library tries twice, and then we are told
SLOW, IMPATIENT = 0.2, 0.1  # seconds: a delayed answer takes longer than its caller waits
FLOW = {flow.name: flow for flow in FLOWS}


@dataclass(frozen=True)
class Outcome:
    """The steps of a life until its death, those of the first aid that came after, and what is wrong in the end."""

    point: Point
    life: list[str]
    recovery: list[str]
    wrongs: list[str]

    def __str__(self) -> str:
        return f"{self.point} (died at: {self.life[-1:]}): {'; '.join(self.wrongs) or 'right'}"

    @property
    def second_deaths(self) -> list[Point]:
        """The recovery killed too, at each of its steps, if it found anything to do."""
        if self.wrongs or all(step.startswith("sql") for step in self.recovery):
            return []
        return [replace(self.point, second=n) for n in range(1, len(self.recovery) + 1)]


class Trials:
    """Trials in one world. What a flow begins with is prepared once, and brought back for each."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._beginnings: dict[str, Moment] = {}
        self._counted: dict[tuple[str, str], list[str]] = {}

    def steps_of(self, name: str, trouble: str = NO_TROUBLE) -> list[str]:
        """The steps that a flow makes when it is left alone, counted by doing it."""
        if (name, trouble) not in self._counted:
            with self.about_to(name, trouble) as stripe:
                whole = self.do(FLOW[name], stripe)
            assert not whole.complaint, f"{name}, {trouble}: {whole.complaint}"
            self._counted[name, trouble] = whole.steps
        return self._counted[name, trouble]

    def run(self, point: Point) -> Outcome:
        """Die at a point and recover. Whatever goes wrong is told by the outcome, not raised."""
        flow, recovery = FLOW[point.flow], list[str]()
        with self.about_to(point.flow, point.trouble) as stripe, capture_logs() as logs:
            death = self.do(flow, stripe, point.step)
            if death.complaint:
                return Outcome(point, death.steps, recovery, [f"it broke by itself: {death.complaint}"])
            wrongs = self._recover(flow, stripe, point, lambda step: recovery.append(intern(step)))
            wrongs += untruths(stripe) + untold() + flow.wrong_end()
        wrongs += [f"logged: {entry}" for entry in logs if entry["log_level"] == "error"]
        return Outcome(point, death.steps, recovery, wrongs)

    @contextmanager
    def about_to(self, name: str, trouble: str = NO_TROUBLE) -> Iterator[Stripe]:
        """Where a flow begins, with trouble that awaits its call. If nobody lives to make it, the next one meets it."""
        fault = fault_of(trouble, self.steps_of(name)) if trouble != NO_TROUBLE else None
        with self.world.alive(self._beginning(name), patience=_patience(fault)) as stripe:
            if fault is not None:
                kind, call = fault
                seconds = SLOW if kind == "delay" else 0.0
                stripe.simulator.faults.add(kind, method=call.method, path=call.path, count=AT_MOST, seconds=seconds)
            yield stripe

    def do(self, flow: Flow, stripe: Stripe, kill_at: int = NEVER) -> Death:
        """Do it in a child that is killed at a step, or at its end. "We are confirming" is an end like any other."""
        now, troubled = stripe.now(), bool(stripe.simulator.faults.waiting())

        def life(tell: Tell) -> None:
            with self.world.steps.told_to(tell):
                try:
                    flow.act(now)
                except GatewayDown:
                    if not troubled:
                        raise

        return run_and_kill(self.world, life, kill_at)

    def _recover(self, flow: Flow, stripe: Stripe, point: Point, tell: Tell) -> list[str]:
        """First aid, which may be killed too; then all of it once more, whatever Stripe knocks with.

        After every other death Stripe has knocked with what happened before anybody came.
        """
        wrongs: list[str] = []
        if point.late:
            stripe.wait(LATE)
        if point.step % 2:
            wrongs += self._knocked(stripe)
        if point.second:
            death = run_and_kill(self.world, lambda told: self._aid_or_break(flow, stripe, point, told), point.second)
            wrongs += [f"the recovery broke by itself: {death.complaint}"] if death.complaint else []
        wrongs += self._first_aid(flow, stripe, point, tell)
        self.world.come_to_rest()
        stripe.simulator.faults.clear()
        wrongs += self._again(flow, stripe)
        wrongs += self._knocked(stripe)
        finish()
        return wrongs

    def _knocked(self, stripe: Stripe) -> list[str]:
        return [f"a webhook was answered {status}" for status in deliver(self.world.app, stripe) if status != 200]

    def _first_aid(self, flow: Flow, stripe: Stripe, point: Point, tell: Tell) -> list[str]:
        """At once, the person tries again before the worker comes; late, there is only the worker."""
        wrongs = [] if point.late else self._again(flow, stripe, tell)
        finish(lambda: self.world.steps.told_to(tell))
        return wrongs

    def _aid_or_break(self, flow: Flow, stripe: Stripe, point: Point, tell: Tell) -> None:
        wrongs = self._first_aid(flow, stripe, point, tell)
        assert wrongs == []

    def _again(self, flow: Flow, stripe: Stripe, tell: Tell = lambda _: None) -> list[str]:
        try:
            with self.world.steps.told_to(tell):
                flow.act(stripe.now())
        except (IllegalMove, GatewayDown):
            pass  # "it is done already", "it is being confirmed"
        except Exception as error:
            return [f"doing it again: {error!r}"]
        finally:
            let_leases_run_out()
        return []

    def _beginning(self, name: str) -> Moment:
        if name not in self._beginnings:
            with self.world.alive(self.world.empty) as stripe, capture_logs():
                FLOW[name].prepare(stripe)
                # What Stripe had to tell of this has not reached us and never will: trials deliver what is new.
                stripe.simulator.deliver(lambda *_: 200, force=True)
                self._beginnings[name] = self.world.remember()
        return self._beginnings[name]


def _patience(fault: tuple[str, Call] | None) -> float | None:
    return IMPATIENT if fault is not None and fault[0] == "delay" else None
