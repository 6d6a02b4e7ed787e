"""Mail: written down with the change that it tells of, sent by the worker, at least once.

Nothing that a mail server does, or does not, touches anybody's money: whoever changes something only writes a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from app.actions import letters
from app.actions.transactions import at_once, atomically, outside, unbroken
from app.extensions import db, upsert
from app.gateways.mailer import Letter, mailer
from app.kit import backoff
from app.kit.columns import database_epoch, is_one_of
from app.kit.errors import MailDown, Undeliverable
from app.kit.ids import new_id
from app.models.booking import Booking
from app.models.mail import Mail
from app.models.states import MailState, Party

BATCH = 24
LEASE = 120  # seconds: longer than a slow server takes for one mail
LONGEST_PAUSE = 900  # seconds between two tries: who comes back after days has everything within a quarter hour

_DUE = (
    select(Mail.id)
    .where(Mail.is_in(MailState.WAITING), Mail.not_before <= database_epoch())
    .order_by(Mail.not_before)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CLAIM = (
    update(Mail.__table__)  # type: ignore[arg-type]
    .where(is_one_of(Mail.id, _DUE))
    .values(tries=Mail.tries + 1, not_before=database_epoch() + LEASE, version=Mail.version + 1)
    .returning(Mail.id, Mail.tries)
)


@dataclass(frozen=True)
class Turn:
    """A mail that is somebody's to send. Whoever else takes it, once the lease is over, has counted ``tries`` on."""

    id: str
    tries: int


def put(
    kind: str, booking: Booking, told: Mapping[str, Mapping[str, Any]], *, cause: str, until: datetime, now: datetime
) -> None:
    """Tell people (facts by the person's id) of something, in the transaction that brings it about.

    One statement, which cannot fail for what a mail says: what was told before is not told again.
    """
    rows = [
        {
            "id": new_id("ml"),
            "kind": kind,
            "cause": cause,
            "person_id": person_id,
            "booking_id": booking.id,
            "facts": dict(facts),
            "state": MailState.WAITING,
            "tries": 0,
            "version": 1,
            "until": until,
            "created_at": now,
        }
        for person_id, facts in told.items()
    ]
    # Past the session: what it has yet to write is not written before its time.
    writing = upsert(Mail.__table__).values(not_before=database_epoch()).on_conflict_do_nothing()
    db.session.connection().execute(writing, rows)


def claim(_now: datetime) -> Sequence[Turn]:
    """Take mails that are due, longest waiting first; none while there is no mail server, or it does not answer."""
    way = mailer()
    if way is None or way.is_left_alone:
        return []
    return [Turn(row.id, row.tries) for row in at_once(_CLAIM, {})]


def send(turn: Turn, *, now: datetime) -> None:
    """Send a mail that was claimed.

    Raises: MailDown (it is tried again), Undeliverable (it is given up).
    """
    way = mailer()
    try:
        letter = _letter(turn, now)
        outside()
        if letter is None or way is None:
            return
        way.send(letter)
    except MailDown as failure:
        spoil(turn, failure, now=now)
        raise
    except Undeliverable as failure:
        _end(turn, MailState.GIVEN_UP, str(failure), now=now)
        raise
    _end(turn, MailState.SENT, None, now=now)


@unbroken
def spoil(turn: Turn, error: Exception, *, now: datetime) -> None:
    """It did not work: it goes to the end of the row, is tried later and later, and never all at the same moment."""
    with atomically():
        mail = _still_held(turn)
        if mail is not None:
            mail.error = str(error)[:500]
            mail.not_before = database_epoch() + backoff.pause(mail.tries, longest=LONGEST_PAUSE)


@unbroken
def hand_back(turns: Sequence[Turn]) -> None:
    """Nothing was tried: anybody may take them now."""
    with atomically():
        for turn in turns:
            mail = _still_held(turn)
            if mail is not None:
                mail.tries -= 1
                mail.not_before = database_epoch()


def _letter(turn: Turn, now: datetime) -> Letter | None:
    """What is to be sent, if it is still ours to send. Raises: Undeliverable if it is too late for it."""
    outside()
    mail = Mail.one(Mail.id == turn.id)
    if mail.state != MailState.WAITING or mail.tries != turn.tries:
        return None
    if now > mail.until:
        raise Undeliverable("By now it would only confuse.")
    return letters.compose(mail)


@unbroken
def _end(turn: Turn, state: MailState, error: str | None, *, now: datetime) -> None:
    """Whatever came of it counts, also if the lease was over before."""
    with atomically():
        mail = Mail.locked(turn.id)
        if mail.state == MailState.WAITING:
            mail.error, mail.ended_at = error and error[:500], now
            mail.move_to(state, now=now, by=Party.SYSTEM, because=(error or "")[:200])


def _still_held(turn: Turn) -> Mail | None:
    mail = Mail.locked(turn.id)
    return mail if mail.state == MailState.WAITING and mail.tries == turn.tries else None
