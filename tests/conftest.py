"""What every test stands on: a real database, a Stripe of its own, an application, and people with names."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade

from app import create_app, use
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.user import User
from config import Settings
from tests import people
from tests.databases import postgresql_url
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import Stripe

# Of tables with a few rows, this is twenty times as fast as TRUNCATE. A replica lets the triggers rest.
EMPTYING = b"SET session_replication_role = replica;" + b";".join(
    f"DELETE FROM {table.name}".encode() for table in db.metadata.tables.values()
)


def settings_for(database_url: str, **changes: object) -> Settings:
    """A configuration that stands, with test keys."""
    given: dict[str, object] = {
        "secret_key": "a secret of forty characters for testing",
        "database_url": database_url,
        "stripe_secret_key": "sk_test_platform",
        "stripe_publishable_key": "pk_test_platform",
        "stripe_webhook_secrets": ("whsec_test",),
        "stripe_api": "http://127.0.0.1:12111",
        "environment": "test",
        "https": False,
        "rate_limits": False,
    }
    return Settings(**{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(worker_id: str) -> str:
    """The URL of this process's own database with all tables."""
    url = postgresql_url(worker_id)
    migrate(url)
    return url


def migrate(url: str) -> None:
    """Make all tables."""
    application = create_app(settings_for(url))
    with application.app_context():
        upgrade()
        db.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database; every test that asks for it runs on both."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("migrated_sqlite")
        path = template.with_name("test.db")
        for old in template.parent.glob("test.db*"):  # whoever has them open still keeps the files of before
            old.unlink()
        shutil.copy(template, path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("migrated_postgresql")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(EMPTYING)
    return url


@pytest.fixture
def stripe() -> Iterator[Stripe]:
    """A Stripe of one's own, in this process, whose clock stands still until it is moved."""
    double = Stripe()
    clock.use(double.now)
    yield double
    clock.use(clock.system_time)
    double.close()


@pytest.fixture(scope="session")
def applications() -> dict[str, Flask]:
    """One for each database: to make one takes longer than most tests."""
    return {}


@pytest.fixture
def app(database_url: str, stripe: Stripe, applications: dict[str, Flask]) -> Iterator[Flask]:
    """The application on one of the databases, with the simulator as its Stripe; inside an application context."""
    settings = settings_for(database_url)
    gateway = StripeGateway(
        settings.stripe_secret_key, api=settings.stripe_api, http_client=InProcessClient(stripe.simulator, timeout=2)
    )
    if database_url not in applications:
        applications[database_url] = create_app(settings)
    application = applications[database_url]
    use(settings, gateway)
    clock.use(stripe.now)
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session", autouse=True)
def no_real_stripe() -> None:
    """Whatever the environment says, tests never see real keys."""
    for name in [name for name in os.environ if name.startswith("STRIPE_")]:
        del os.environ[name]


@pytest.fixture
def ann(app: Flask) -> User:
    return people.person("Ann", time_zone="Asia/Tokyo")


@pytest.fixture
def bob(app: Flask) -> Mentor:
    return people.mentor("Bob")


@pytest.fixture
def anns_hour(ann: User, bob: Mentor, stripe: Stripe) -> Booking:
    """Reserved, the card still to come."""
    return people.booked(ann, bob, stripe)


@pytest.fixture
def held_hour(anns_hour: Booking, stripe: Stripe) -> Booking:
    """Confirmed: 80 euros are held on Ann's card."""
    return people.paid(anns_hour, stripe)


@pytest.fixture
def completed_hour(held_hour: Booking, stripe: Stripe) -> Booking:
    """Completed: 80 euros are charged."""
    return people.completed(held_hour, stripe)
