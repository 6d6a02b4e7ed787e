"""Commands for the operator: ``flask --app wsgi …``."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, NoReturn

import click
import structlog
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from sqlalchemy.exc import DatabaseError, OperationalError

from app import demo, jobs
from app.actions import accounts, alarms, books, installations, settlements
from app.gateways.mailer import mailer
from app.gateways.stripe_gateway import stripe_gateway
from app.kit import clock
from app.kit.errors import Busy, Failure, GatewayDown, Invalid, WrongAccount
from app.kit.policy import Misconfigured
from app.models import schema
from app.models.reconciliation import Reconciliation
from app.models.user import User

if TYPE_CHECKING:
    from config import Settings

log = structlog.get_logger()

GRACE = timedelta(seconds=20)  # for what is being done when a worker is told to stop
# Exit codes of `flask reconcile`.
ALARMS_ARE_OPEN, ANOTHER_ACCOUNT, NOT_FINISHED, BROKEN_OFF, CANNOT_BEGIN = 1, 2, 3, 4, 64
NO_MAIL = "no mail is sent: MAIL_URL is not set; what there is to tell waits in the outbox"
DEMO_PACE = timedelta(seconds=3)  # so that what the time machine makes due is done before one looks


def init_app(app: Flask) -> None:
    for command in (worker, job, doctor, print_books, compare_with_stripe, create_operator, set_password, prepare_demo):
        app.cli.add_command(command)


def refuse_wrong_database(app: Flask) -> None:
    """Raises: Misconfigured on a database that is damaged, empty, half-migrated, newer than the code or another
    account's; OperationalError while it does not answer.

    While Stripe is not reached, the account is taken on trust; whoever reads or writes at large asks again.
    """
    with app.app_context():
        problem = _database_problem()
        if problem is None:
            try:
                installations.ensure(now=clock.now())
            except WrongAccount as failure:
                problem = str(failure)
            except GatewayDown as failure:
                log.warning("started without having reached Stripe", error=str(failure))
    if problem:
        raise Misconfigured([problem])


def in_one_line(error: DatabaseError) -> str:
    """What a database says when it does not answer, for a person at a terminal."""
    return f"The database does not answer: {' '.join(str(error.orig).split())}"


def _database_problem() -> str | None:
    try:
        return schema.problem() or schema.damage()
    except OperationalError:
        raise  # it is away, which says nothing about what is in it
    except DatabaseError as error:
        return f"The database is damaged ({error.orig}). Restore it from a backup."


@click.command()
@with_appcontext
def worker() -> None:
    """Run the scheduled jobs until stopped. Any number of workers may run, on any number of hosts."""
    crew = _crew()
    if mailer() is None:
        log.warning(NO_MAIL)
    demo = current_app.extensions["settings"].demo
    scheduler = jobs.scheduler(crew, at_least_every=DEMO_PACE if demo else None)

    stop = SimpleQueue[int]()  # unlike an Event, it may be used by a signal that interrupts its own use
    signal.signal(signal.SIGTERM, lambda number, _: stop.put(number))
    signal.signal(signal.SIGINT, lambda number, _: stop.put(number))
    scheduler.start()
    stop.get()
    crew.leaving.set()
    finishing = Thread(target=scheduler.shutdown, daemon=True)
    finishing.start()
    finishing.join(GRACE.total_seconds())
    if finishing.is_alive():
        # Stripe keeps us waiting for too long. To go now is no worse than a crash, which whoever comes next makes good.
        click.echo("Left what is not finished to the next worker.")
        sys.stdout.flush()
        os._exit(0)
    crew.close()


@click.command()
@click.argument("name", type=click.Choice(list(jobs.JOBS)))
@with_appcontext
def job(name: str) -> None:
    """Run one job once, now."""
    crew = _crew()
    click.echo(f"{name}: {crew.work(name)} done")
    crew.close()


def _crew() -> jobs.Crew:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return jobs.Crew(app, app.extensions["settings"].worker_threads)


@click.command()
@with_appcontext
def doctor() -> None:
    """Say what works and what does not: configuration, database, Stripe, and whether they belong together."""
    settings = current_app.extensions["settings"]
    kind = "simulated" if settings.simulated else installations.mode(settings.livemode)
    click.echo(f"configuration  ok ({kind})")
    try:
        tables = _database_problem()
    except OperationalError as error:
        tables = in_one_line(error)
    click.echo(f"database       {tables or 'ok'}")
    account_id, silence = "", None
    try:
        account_id = stripe_gateway().account_id()
    except Failure as failure:
        silence = f"{type(failure).__name__}: {failure}"
    click.echo(f"stripe         {silence or f'ok ({account_id})'}")
    click.echo(f"mail           {_told_of_mail(current_app.extensions['settings'])}")
    mismatch = None if tables else _told_of_installation(account_id)
    if tables or silence or mismatch:
        raise SystemExit(1)


def _told_of_mail(settings: "Settings") -> str:
    server = settings.mail_server
    if server is None:
        return "kept in the house (demo)" if settings.demo else NO_MAIL
    way = "TLS" if server.tls else "STARTTLS" if server.starttls else "not encrypted"
    return f"ok (by {server.host}:{server.port}, {way}, as {settings.mail_sender})"


def _told_of_installation(account_id: str) -> str | None:
    """Say what the database is tied to; what does not fit, if anything."""
    mismatch = installations.problem() or (installations.problem_with(account_id) if account_id else None)
    tied = installations.pinned()
    standing = "not tied to a Stripe account yet"
    if tied is not None:
        mode = installations.mode(tied.livemode)
        standing = f"ok ({tied.account_id}, {mode}, environment {tied.environment!r}, since {tied.since:%d %b %Y})"
    click.echo(f"installation   {mismatch or standing}")
    return mismatch


class Span(click.ParamType[timedelta]):
    """A length of time as one says it: 12h, 30d, 2w."""

    name = "span"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        match = re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", value)
        if match is None:
            raise BadSpan(f"{value!r} is no length of time. Say 12h, 30d or 2w.", ctx, param)
        return timedelta(**{{"h": "hours", "d": "days", "w": "weeks"}[match[2]]: int(match[1])})


class BadSpan(click.BadParameter):
    exit_code = CANNOT_BEGIN


@click.command("reconcile")
@click.option("--since", "span", default="30d", type=Span(), help="How far to look back: 12h, 30d, 2w.")
@with_appcontext
def compare_with_stripe(span: timedelta) -> None:
    """Compare what Stripe has with what we have; mend what can be mended.

    Exit code: 0 all is right (now), 1 alarms are open (or, with a traceback, a mistake of ours), 2 this is another
    Stripe account's database and nothing was written, 3 it was stopped, or Stripe or the database did not answer, or
    another run took over: again later, 4 it met something that does not go away by itself, 64 it could not begin.
    """
    with _exit_codes():
        problem = schema.problem()
        if problem:
            _give_up(problem, CANNOT_BEGIN)
        run = _compared(span)
    click.echo(f"Since {run.since:%d %b %Y %H:%M} UTC: {run.told}")
    for alarm in alarms.newest():
        click.echo(f"alarm: {alarm.sentence}", err=True)
    if run.alarms:
        raise SystemExit(ALARMS_ARE_OPEN)


def _compared(span: timedelta) -> Reconciliation:
    behind = 0
    with click.progressbar(length=100, label="Comparing with Stripe", file=sys.stderr) as bar:

        def tell(percent: int) -> None:
            nonlocal behind
            bar.update(max(0, percent - behind))
            behind = max(behind, percent)

        return jobs.reconcile_since(clock.now() - span, tell=tell)


@contextmanager
def _exit_codes() -> Iterator[None]:
    """Tell what stopped a comparison by a sentence and a code of its own. A mistake of ours stays a traceback."""
    try:
        yield
    except WrongAccount as failure:
        _give_up(str(failure), ANOTHER_ACCOUNT)
    except (GatewayDown, Busy) as failure:
        _give_up(f"Not finished: {failure}", NOT_FINISHED)
    except OperationalError as error:
        _give_up(f"Not finished: {in_one_line(error)}", NOT_FINISHED)
    except KeyboardInterrupt:
        _give_up("Not finished: it was stopped.", NOT_FINISHED)
    except Failure as failure:
        _give_up(f"Broken off: {failure}", BROKEN_OFF)


def _give_up(told: str, code: int) -> NoReturn:
    click.echo(told, err=True)
    raise SystemExit(code)


@click.command("books")
@with_appcontext
def print_books() -> None:
    """Print the trial balance of every currency; exit with 1 if anything is wrong with the books."""
    for book in books.trial_balances():
        click.echo(book.currency)
        for account, balance in (*book.accounts, ("adds up to", book.total)):
            click.echo(f"  {account:<44}{balance!s:>20}")
    wrong = books.problems(clock.now())
    try:
        wrong += settlements.differences()
    except GatewayDown as failure:
        click.echo(f"not compared with Stripe: {failure}", err=True)
    for problem in wrong:
        click.echo(f"wrong: {problem}", err=True)
    if wrong:
        raise SystemExit(1)
    click.echo("The books are right.")


@click.command("create-operator")
@click.argument("email")
@click.option("--name", default="Operator")
@click.password_option()
@with_appcontext
def create_operator(email: str, name: str, password: str) -> None:
    """Make a log-in that may see the operator's console."""
    try:
        accounts.sign_up(name=name, email=email, password=password, time_zone="UTC", now=clock.now(), is_operator=True)
    except Invalid as failure:
        raise click.ClickException(str(failure)) from failure
    click.echo(f"{email} can log in.")


@click.command("set-password")
@click.argument("email")
@click.password_option()
@with_appcontext
def set_password(email: str, password: str) -> None:
    """Set somebody's password anew."""
    user = User.with_email(email)
    if user is None:
        raise click.ClickException(f"Nobody logs in as {email}.")
    try:
        accounts.set_password(user, password)
    except Invalid as failure:
        raise click.ClickException(str(failure)) from failure
    click.echo(f"{user.email} has a new password.")


@click.command("prepare-demo")
@with_appcontext
def prepare_demo() -> None:
    """Migrate the database of a demo and load the sample data, once."""
    if not current_app.extensions["settings"].demo:
        raise click.ClickException("This is not a demo (DEMO=yes).")
    upgrade()
    try:
        installations.ensure(now=clock.now())
        click.echo("sample data loaded" if demo.load() else "sample data kept")
    except WrongAccount as problem:
        raise click.ClickException(f"{problem} {demo.TOGETHER}") from problem
    except (demo.Incomplete, GatewayDown) as problem:
        raise click.ClickException(str(problem)) from problem
