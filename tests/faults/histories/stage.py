"""One application, one migrated database and one Stripe, on which all histories of a process are played."""

import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import stripe as library
import structlog
from flask_migrate import upgrade
from sqlalchemy import event, text
from sqlalchemy.orm.exc import StaleDataError

from app import create_app
from app.actions import accounts, opening_hours, trials
from app.extensions import db
from app.gateways import stripe_gateway
from app.gateways.guard import Guard
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.kit.breaker import Breaker
from app.kit.columns import metadata
from app.kit.errors import CardDeclined, GatewayDown, GatewayRefused, IllegalMove, Invalid, NotFound, SlotTaken
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.mentor import Mentor
from app.models.user import User
from stripe_simulator import Simulator
from tests import people
from tests.conftest import settings_for
from tests.databases import postgresql_url
from tests.faults.histories.model import LATE_FEE, Answer, Trial
from tests.faults.histories.troubles import Deaths, Killed, Line, Trouble
from tests.faults.recovery import knock
from tests.faults.steps import Steps
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import API, MONDAY

MENTEES = ("Ann", "Cho", "Eve")
MENTORS = {"Bob": "EUR", "Dia": "JPY", "Fay": "KWD", "Gus": "EUR"}
HOURS = [(day, 8 * 60, 12 * 60) for day in range(7)]  # few enough that people meet
TERMS = {0: Terms.FLEXIBLE, 50: Terms.STANDARD, 100: Terms.STRICT}
KEPT = {"user_account", "mentor", "weekly_hours", "alembic_version"}
REFUSALS = (CardDeclined, GatewayRefused, IllegalMove, Invalid, NotFound, SlotTaken, StaleDataError)
MEMORY = Path("/dev/shm")
HEAD_START = timedelta(days=1)  # no steady clock stands at nothing
POSTGRESQL_CLOCK = (
    "CREATE SCHEMA played",
    "CREATE TABLE played.clock AS SELECT now()",
    "CREATE FUNCTION played.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT now FROM played.clock'",
    "CREATE FUNCTION played.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS 'TABLE played.clock'",
    "ALTER DATABASE {database} SET search_path = public, played, pg_catalog",
    "ALTER DATABASE {database} SET synchronous_commit = off",
)


class Stage:
    """``dialect`` is sqlite or postgresql. Made once; ``begin()`` clears it for the next history."""

    def __init__(self, dialect: str, file: Path) -> None:
        """``file``: where SQLite's database is to be, in a folder that nobody else needs."""
        self.dialect, self._file = dialect, file
        self.simulator = Simulator(ticks=lambda: 0.0)
        self.deaths = Deaths()
        self.line = Line(self.simulator, self.deaths)
        self.bugs: list[str] = []
        self._now = MONDAY
        settings = settings_for(self._new_database())
        self._key = settings.stripe_secret_key
        self.app = create_app(settings, gateway=self._new_gateway())
        self.dashboard, self.browser = self._client("sk_test_platform"), self._client("pk_test_platform")
        self._delay = library.HTTPClient.INITIAL_DELAY
        library.HTTPClient.INITIAL_DELAY = 0.0  # before the library tries again; time stands still here
        self._listen()
        with self.app.app_context():
            self._take_the_clock()
            upgrade()
            self._keep_the_plans()
            self._hire()
            self._steps = Steps(db.engine)
        self._keep()

    def now(self) -> datetime:
        return self._now

    def begin(self) -> None:
        """Clear the stage: the same people, no bookings, a new Stripe, Monday morning."""
        self._listen()
        clock.use(self.now)
        self.gateway = self._new_gateway()
        stripe_gateway.use(self.gateway)
        self._wipe()
        self.simulator.reset()
        self._set_clocks(MONDAY)
        self.line.clear()
        self.bugs.clear()
        self.deaths.afterlife.clear()

    def wait(self, duration: timedelta) -> None:
        """Let time pass for everybody: here, at Stripe, and in the database, by whose clock leases run out."""
        self._set_clocks(self._now + duration)

    @property
    def is_well(self) -> bool:
        """Whether the next call will be answered."""
        return self.line.is_well and not self.gateway.is_left_alone()

    def act(self, call: Callable[[], Any], trouble: Trouble, meanwhile: Callable[[], None]) -> tuple[Answer, Any]:
        """Do something in a process of its own, as it were; what its caller was told, and with which words."""
        if trouble.fault is not None:
            self.line.order(trouble.fault)
        try:
            with (
                self.deaths.planned(trouble.death),
                self.line.interrupted(trouble.meanwhile, meanwhile),
                self._steps.told_to(self.deaths.step),
                self.app.app_context(),
            ):
                result = call()
        except Killed:
            return Answer.SILENCE, None
        except GatewayDown as failure:
            return Answer.CONFIRMING, failure
        except REFUSALS as failure:
            return Answer.REFUSED, failure
        return Answer.DONE, result

    def knock(self, body: bytes) -> int:
        """Stripe's knock at the webhook's door, signed; the status of the answer."""
        return knock(self.app, body, self.simulator.sign(body))

    def answer_bank(self, intent: Any, *, passed: bool) -> None:
        """What the cardholder does on the page that 3-D Secure shows."""
        form = f"client_secret={intent.client_secret}&outcome={'complete' if passed else 'fail'}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        InProcessClient(self.simulator).request("post", f"{API}/three_d_secure/{intent.id}", headers, form)

    def balance(self) -> dict[str, int]:
        """What Stripe says is on our account, by currency, in minor units."""
        told = self.dashboard.v1.balance.retrieve()
        sums: Counter[str] = Counter()
        for part in (*told.available, *told.pending):
            sums[part.currency.upper()] += part.amount
        return dict(sums)

    def set_rate(self, mentor: str, minor: int) -> None:
        """The mentor changes what an hour costs, in minor units of their currency."""
        with self.app.app_context():
            user = User.one(User.name == mentor)
            rate = Money(minor, MENTORS[mentor])
            offered = accounts.Offer("Calm", "", rate, "UTC", published=True, terms=TERMS[LATE_FEE[mentor]])
            accounts.offer(user, offered, now=self._now)

    def set_approval(self, mentor: str, *, approves: bool) -> None:
        """The mentor wants to be asked about every new booking, or does not (any more)."""
        with self.app.app_context():
            accounts.set_approval(Mentor.one(Mentor.user.has(User.name == mentor)), approves=approves)

    def close(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        self.simulator.close()
        clock.use(clock.system_time)
        library.HTTPClient.INITIAL_DELAY = self._delay
        structlog.reset_defaults()

    def _client(self, key: str) -> Any:
        return library.StripeClient(key, base_addresses={"api": API}, http_client=InProcessClient(self.simulator))

    def _new_gateway(self) -> StripeGateway:
        """The application's own, but for the budget of requests a second: time stands still here."""
        breaker = Breaker(lambda: self._now - MONDAY + HEAD_START)
        return StripeGateway(self._key, api=API, http_client=self.line, guard=Guard(breaker))

    def _new_database(self) -> str:
        if self.dialect == "sqlite":
            return f"sqlite:///{self._file}"
        return postgresql_url("histories")

    @property
    def _kept(self) -> Path:
        return self._file.with_suffix(".kept")

    def _hire(self) -> None:
        for name in MENTEES:
            people.person(name)
        for name, currency in MENTORS.items():
            offer = people.mentor(name, Money(8_000, currency), time_zone="UTC", terms=TERMS[LATE_FEE[name]])
            opening_hours.set_weekly(offer, HOURS)
            trials.offer(offer, Trial.minutes)

    def _keep(self) -> None:
        """Remember the empty database with its people; only SQLite's is a file."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        if self.dialect == "sqlite":
            shutil.copy(self._file, self._kept)

    def _wipe(self) -> None:
        with self.app.app_context():
            if self.dialect == "sqlite":
                db.engine.dispose()
                for name in (f"{self._file}-wal", f"{self._file}-shm"):
                    Path(name).unlink(missing_ok=True)
                shutil.copy(self._kept, self._file)
                return
            tables = ", ".join(table.name for table in metadata.sorted_tables if table.name not in KEPT)
            with db.engine.begin() as connection:
                connection.execute(text(f"TRUNCATE {tables}"))
                connection.execute(text("UPDATE user_account SET stripe_customer_id = NULL"))
                connection.execute(text("UPDATE mentor SET approves = false"))

    def _set_clocks(self, now: datetime) -> None:
        self._now = now
        self.simulator.clock.set(now.timestamp())
        if self.dialect == "postgresql":
            with self.app.app_context(), db.engine.begin() as connection:
                connection.execute(text("UPDATE played.clock SET now = :now"), {"now": now})

    def _take_the_clock(self) -> None:
        """Have the database read its time from here. On PostgreSQL, a function of ours stands before the built-in."""
        if self.dialect == "sqlite":
            event.listen(db.engine, "connect", lambda raw, _: raw.create_function("strftime", 2, self._strftime))
            return
        with db.engine.begin() as connection:
            for statement in POSTGRESQL_CLOCK:
                connection.execute(text(statement.format(database=db.engine.url.database)))
        db.engine.dispose()  # how a database is set counts from the next connection on

    def _keep_the_plans(self) -> None:
        """Rows that are equally due come in the same order each time, whenever PostgreSQL would tidy up."""
        if self.dialect == "postgresql":
            with db.engine.begin() as connection:
                for table in metadata.sorted_tables:
                    connection.execute(text(f"ALTER TABLE {table.name} SET (autovacuum_enabled = off)"))

    def _strftime(self, pattern: str, moment: str) -> str:
        assert (pattern, moment) == ("%s", "now"), "the application asks for the time in a way that is not played here"
        return str(int(self._now.timestamp()))

    def _listen(self) -> None:
        """Nothing is printed; what is logged as an error is a bug, for jobs go on after one."""

        def note(_logger: Any, method: str, said: Mapping[str, Any]) -> Any:
            if method in ("error", "exception", "critical"):
                self.bugs.append(f"{said}")
            raise structlog.DropEvent

        structlog.configure(
            processors=[structlog.processors.format_exc_info, note],
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        )


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder for databases that no power cut will ever meet."""
    with tempfile.TemporaryDirectory(prefix="mentorhold-histories-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


def utc(moment: str | datetime) -> datetime:
    """A time as a database's driver hands it out."""
    read = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
