"""What may be true of free trials, of which no money is spoken; each lie is a sentence."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from tests.faults.histories.model import AT_MOST, LIVE, ONE_TRIAL_ENDS, TRIES, Answer, Trial, answer_by
from tests.faults.histories.ours import Free, Ours
from tests.faults.histories.theirs import Theirs

NEXT = {
    "requested": {"confirmed", "completed", "cancelled", "no_show", "expired"},
    "confirmed": {"completed", "cancelled", "no_show"},
}


def lies(trials: Iterable[Trial], before: Ours, ours: Ours, theirs: Theirs, now: datetime) -> Iterator[str]:
    known = {trial.form: trial for trial in trials}
    yield from (f"{row.id} was booked by nobody" for form, row in ours.trials.items() if form not in known)
    for trial in known.values():
        row = ours.trials.get(trial.form)
        if row is None:
            if trial.id is not None or trial.booked == Answer.DONE:
                yield f"{trial} was booked, and is gone"
        else:
            yield from _of_money(trial, row, theirs)
            yield from _of_time(trial, row)
            yield from _of_states(trial, before.trials.get(trial.form), row, now)
    yield from _of_pairs(known.values(), ours)


def left_over(trials: Iterable[Trial], ours: Ours, now: datetime) -> Iterator[str]:
    for trial in trials:
        row = ours.trials.get(trial.form)
        if row is not None and row.state == "confirmed" and row.complete_by <= now:
            yield f"{trial} was over at {row.complete_by}, and still stands"
        if row is not None and row.state == "requested" and row.answer_by is not None and row.answer_by <= now:
            yield f"{trial} was not answered until {row.answer_by}, and still waits"


def _of_money(trial: Trial, row: Free, theirs: Theirs) -> Iterator[str]:
    if row.price or row.payments or theirs.of(row.id) or row.id in theirs.setups:
        yield f"{trial} is free, and there is money: {row}, {theirs.of(row.id)}, {theirs.setups.get(row.id)}"


def _of_time(trial: Trial, row: Free) -> Iterator[str]:
    if (row.starts_at, row.ends_at, row.complete_by) != (trial.starts_at, trial.ends_at, trial.complete_by):
        yield f"{trial} is at {trial.starts_at}, and we say {row}"
    until = answer_by(trial.starts_at, trial.booked_at) if trial.needs_answer else None
    if row.answer_by is None and until is not None:
        yield f"{trial} stands, and {trial.mentor} wants to be asked"
    elif row.answer_by is not None and (until is None or abs(row.answer_by - until) > timedelta(seconds=1)):
        yield f"{trial} is to be answered by {until}, and we say {row.answer_by}"


def _of_states(trial: Trial, before: Free | None, row: Free, now: datetime) -> Iterator[str]:
    came_from = before.state if before is not None else "requested" if trial.needs_answer else "confirmed"
    if before is None and row.state not in LIVE:
        yield f"{trial} has never stood, and is {row.state}"
    if came_from == row.state:
        return
    causes = {
        "confirmed": "accept" in trial.said,
        "completed": "complete" in trial.said or now >= trial.complete_by,
        "no_show": "no_show" in trial.said,
        "cancelled": bool({"cancel", "decline"} & set(trial.said)),
        "expired": row.answer_by is not None and now >= row.answer_by,
    }
    if row.state not in NEXT.get(came_from, ()) or not causes[row.state]:
        yield f"{trial} was {came_from} and is {row.state}, after {trial.said}"
    if came_from == "requested" and row.state in ("completed", "no_show") and "accept" not in trial.said:
        yield f"{trial} is {row.state}, and {trial.mentor} never said yes"


def _of_pairs(trials: Iterable[Trial], ours: Ours) -> Iterator[str]:
    """One person has one trial with a mentor, tries that a few times, and has few of them ahead."""
    had, tried, ahead = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[str]()
    for trial in trials:
        if (row := ours.trials.get(trial.form)) is not None:
            had[trial.pair] += row.state in ONE_TRIAL_ENDS
            tried[trial.pair] += 1
            ahead[trial.mentee] += row.is_live
    if any(count > 1 for count in had.values()) or any(count > TRIES for count in tried.values()):
        yield f"there are trials that were had before: {had}, {tried}"
    if any(count > AT_MOST for count in ahead.values()):
        yield f"there are too many trials ahead: {ahead}"
