"""Commands for the operator: ``flask --app wsgi …``."""

import signal
from datetime import timedelta
from queue import SimpleQueue

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade

from app import demo, jobs
from app.actions import accounts
from app.gateways.stripe_gateway import stripe_gateway
from app.kit import clock
from app.kit.errors import Failure, Invalid
from app.kit.policy import Misconfigured
from app.models import schema
from app.models.user import User

DEMO_PACE = timedelta(seconds=3)  # so that what the time machine makes due is done before one looks


def init_app(app: Flask) -> None:
    for command in (worker, job, doctor, create_operator, set_password, prepare_demo):
        app.cli.add_command(command)


def refuse_wrong_database(app: Flask) -> None:
    """Raises: Misconfigured on a database that is empty, half-migrated or newer than the code."""
    with app.app_context():
        problem = schema.problem()
    if problem:
        raise Misconfigured([problem])


@click.command()
@with_appcontext
def worker() -> None:
    """Run the scheduled jobs until stopped. Any number of workers may run, on any number of hosts."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    scheduler = jobs.scheduler(app, at_least_every=DEMO_PACE if app.extensions["settings"].demo else None)

    stop = SimpleQueue[int]()  # unlike an Event, it may be used by a signal that interrupts its own use
    signal.signal(signal.SIGTERM, lambda number, _: stop.put(number))
    signal.signal(signal.SIGINT, lambda number, _: stop.put(number))
    scheduler.start()
    stop.get()
    scheduler.shutdown(wait=True)  # what is being done is finished first


@click.command()
@click.argument("name", type=click.Choice(list(jobs.JOBS)))
@with_appcontext
def job(name: str) -> None:
    """Run one job once, now."""
    click.echo(f"{name}: {jobs.run(name)} done")


@click.command()
@with_appcontext
def doctor() -> None:
    """Say what works and what does not: configuration, database, Stripe."""
    settings = current_app.extensions["settings"]
    mode = "simulated" if settings.simulated else "live" if settings.livemode else "test mode"
    click.echo(f"configuration  ok ({mode})")
    problem = schema.problem()
    click.echo(f"database       {problem or 'ok'}")
    try:
        stripe_gateway().ping()
        click.echo("stripe         ok")
    except Failure as failure:
        problem = f"{type(failure).__name__}: {failure}"
        click.echo(f"stripe         {problem}")
    if problem:
        raise SystemExit(1)


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
        click.echo("sample data loaded" if demo.load() else "sample data kept")
    except demo.Incomplete as problem:
        raise click.ClickException(str(problem)) from problem
