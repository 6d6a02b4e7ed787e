"""What two people settle between themselves, whoever plays it when: whether an hour stands, and when it is held."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from app.actions import approvals, reschedules
from app.models.booking import Booking
from app.models.states import Party
from tests.faults.histories.deeds import DAYS, FIRST, HALF_AN_HOUR, LAST, NOTICE, Deeds
from tests.faults.histories.model import GIVEN_UP, Answer, Hour, Trial, Wish, Word
from tests.faults.histories.ours import Move
from tests.faults.histories.play import FINE
from tests.faults.histories.troubles import Trouble

MOST_PROPOSALS = 20
OTHER = {Party.MENTEE: Party.MENTOR, Party.MENTOR: Party.MENTEE}


class Talks(Deeds):
    def accept(self, hour: Hour, trouble: Trouble) -> None:
        """The mentor says yes; Stripe does not hear of it."""
        row = self.row(hour)
        in_time = row is not None and row.answer_by is not None and self.now < row.answer_by
        can = in_time and row is not None and row.state == "requested" and not row.busy
        wish = Wish("accept", hour.mentor, self.now)
        answer = self.ask(hour, wish, lambda it: approvals.accept(it, now=wish.at), trouble)
        self.expect(f"{hour.mentor} accepts {hour}", answer, must=can and trouble.death is None, may=can)

    def turn_down(self, hour: Hour, trouble: Trouble) -> None:
        row, calm = self.row(hour), self.is_calm(hour, trouble)
        can = row is not None and row.state == "requested" and row.answer_by is not None and self.now < row.answer_by
        wish = Wish("cancel", Party.MENTOR, self.now)
        answer = self.ask(hour, wish, lambda it: approvals.decline(it, now=wish.at), trouble)
        self.expect(f"{hour.mentor} declines {hour}", answer, must=can and calm, may=can)

    def propose(self, hour: Hour, starts_at: datetime, by: Party, trouble: Trouble) -> None:
        can = self.could_propose(hour, starts_at, by)
        answer = self.say_of_time(
            hour,
            Word("propose", by, starts_at),
            lambda it: reschedules.propose(it, starts_at, by=by, note="", now=self.now),
            trouble,
        )
        what = f"{by} proposes {starts_at} for {hour}"
        self.expect(what, answer, must=can and trouble.death is None, may=can)

    def agree(self, hour: Hour, move: Move, by: Party, trouble: Trouble) -> None:
        """The hour is held when was proposed, if ``by`` is who was asked."""
        can = self.could_agree(hour, move, by)
        hour.perhaps_at = move.starts_at
        answer = self.say_of_time(
            hour,
            Word("agree", by, move.id),
            lambda it: reschedules.accept(it, move.id, by=by, now=self.now),
            trouble,
        )
        if answer == Answer.DONE:
            hour.move_to(move.starts_at)
        elif answer == Answer.REFUSED:
            hour.perhaps_at = None
        self.expect(f"{by} agrees to {move} of {hour}", answer, must=can and trouble.death is None, may=can)

    def turn_away(self, hour: Hour, move: Move, by: Party, trouble: Trouble) -> None:
        """Decline it, or take it back if it is one's own."""
        own, can = by == move.by, move.is_open and self.now < move.until
        what, act = ("withdraw", reschedules.withdraw) if own else ("decline", reschedules.decline)
        answer = self.say_of_time(
            hour, Word(what, by, move.id), lambda it: act(it, move.id, by=by, now=self.now), trouble
        )
        self.expect(f"{what} of {move}", answer, must=can and trouble.death is None, may=can)

    def say_of_time(self, hour: Hour, word: Word, call: Callable[[Booking], object], trouble: Trouble) -> Answer:
        """Have somebody say something; unless it is refused, it may have been heard."""
        told = f"{word.what} {word.about} by {word.by}: {hour}"
        hour.words.append(word)
        answer = self.act(told, lambda: call(Booking.one(Booking.id == hour.id)), trouble, hour)
        if answer == Answer.REFUSED:
            hour.words.remove(word)
        return answer

    def could_propose(self, hour: Hour, starts_at: datetime, by: Party) -> bool:
        row, ends_at = self.row(hour), starts_at + timedelta(minutes=hour.minutes)
        if row is None or row.state != "confirmed" or self.now >= hour.starts_at or starts_at == hour.starts_at:
            return False
        begun = self.ours.moves.get(hour.form, {})
        waits = len(begun) >= MOST_PROPOSALS or any(move.is_open for move in begun.values())
        return starts_at >= self.now + NOTICE and not waits and self.could_be_held(hour, starts_at, ends_at, by)

    def could_agree(self, hour: Hour, move: Move, by: Party) -> bool:
        row, open_still = self.row(hour), move.is_open and self.now < move.until
        if row is None or row.state != "confirmed" or row.busy or not open_still or move.by == by:
            return False
        planned = row.payment_state == "card_saved" or self.goes_beyond(hour, move.ends_at)
        if planned and (not hour.is_far or move.starts_at - GIVEN_UP <= self.now):
            return False  # there is no card for it, or no time
        return self.could_be_held(hour, move.starts_at, move.ends_at, by)

    def could_be_held(self, hour: Hour, start: datetime, end: datetime, by: Party) -> bool:
        """Whether both have time; what goes beyond its hold needs a saved card, which only mentors may ask for, and
        is no way around a fee.
        """
        row = self.row(hour)
        if row is not None and self.goes_beyond(hour, end):
            is_late = hour.late_fee > 0 and self.now > hour.free_until(row.pay_by)
            if is_late or not (hour.is_far or by == Party.MENTOR):
                return False
        return self.is_free_at(start, end, self.engaged(hour.mentee, hour.mentor, besides=hour))

    def goes_beyond(self, hour: Hour, end: datetime) -> bool:
        """Whether the hold that we know would end too early for a session that ends then."""
        row = self.row(hour)
        held = self.theirs.intents.get(row.intent or "") if row is not None else None
        if row is None or row.payment_state != "authorized" or held is None or held.capture_before is None:
            return False
        return end > hour.reach(held.capture_before)

    def engaged(self, mentee: str, mentor: str, besides: Hour | None = None) -> list[Hour | Trial]:
        """What either of them is to do, as our tables show."""
        rows = {**self.ours.rows, **self.ours.trials}
        return [
            it for it in (*self.hours, *self.trials)
            if it is not besides and {it.mentee, it.mentor} & {mentee, mentor}
            and it.form in rows and rows[it.form].is_live
        ]  # fmt: skip

    def is_free_at(self, start: datetime, end: datetime, engaged: Iterable[Hour | Trial]) -> bool:
        return all(end <= other.starts_at or other.ends_at <= start for other in engaged)

    def starts(self) -> list[datetime]:
        """When a session could begin within the next two weeks."""
        midnight, count = self.now.replace(hour=0, minute=0, second=0), (LAST - FIRST) // HALF_AN_HOUR + 1
        days = range(2 * DAYS + 2)
        found = [midnight + timedelta(days=d) + FIRST + n * HALF_AN_HOUR for d in days for n in range(count)]
        return [start for start in found if start >= self.now + NOTICE]

    def meanwhile(self, trouble: Trouble, hour: Hour | None) -> None:
        """Also while a request is under way somebody says yes: nobody can say what comes of it, but that it is true."""
        assert trouble.meanwhile is not None
        super().meanwhile(trouble, hour)
        row = self.row(hour) if hour is not None else None
        if hour is None or row is None:
            return
        if trouble.meanwhile.what == "accept":
            wish = Wish("accept", hour.mentor, self.now)
            self.ask(hour, wish, lambda it: approvals.accept(it, now=wish.at), FINE)
        elif trouble.meanwhile.what == "agree" and (move := self.proposal(hour)) is not None:
            by, hour.perhaps_at = OTHER[Party(move.by)], move.starts_at
            word = Word("agree", by, move.id)
            self.say_of_time(hour, word, lambda it: reschedules.accept(it, move.id, by=by, now=self.now), FINE)
