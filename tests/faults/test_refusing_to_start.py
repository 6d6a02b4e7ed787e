"""On a database that is away, damaged or half-migrated nothing starts, and one sentence says why."""

import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from app import create_app
from app.cli import refuse_wrong_database
from app.extensions import db
from app.models import schema
from config import Misconfigured
from tests.apart import apart
from tests.conftest import settings_for
from tests.databases import postgresql_url
from tests.faults.kills import NEVER
from tests.faults.steps import Steps
from tests.house.source import ROOT
from tests.processes import environment_of
from wsgi import FOR_A_PERSON

PAGE = 4096  # bytes
SPARSE = 12  # of the statements of a migration, every twelfth is died at

pytestmark = pytest.mark.faults


def beheaded(file: Path) -> str:
    file.write_bytes(b"not a database" * 10 + file.read_bytes()[140:])
    return "file is not a database"


def holed(file: Path) -> str:
    """As after a bad sector: the database opens, and the version reads well."""
    content = bytearray(file.read_bytes())
    with create_engine(f"sqlite:///{file}").connect() as connection:
        page = connection.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'ledger_entry'")).scalar_one()
    content[(page - 1) * PAGE : page * PAGE] = b"\xff" * PAGE
    file.write_bytes(content)
    return "The database is damaged"


def robbed(file: Path) -> str:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE weekly_hours"))
    engine.dispose()
    return "The database lacks weekly_hours. Restore it from a backup."


def taken_away(file: Path) -> str:
    file.unlink()
    file.mkdir()
    return "unable to open database file"


def doctor(app: Flask) -> Result:
    result: Result = apart(app.test_cli_runner().invoke, args=["doctor"])
    return result


@pytest.fixture
def file(migrated_sqlite: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated_sqlite, tmp_path / "test.db"))


@pytest.mark.parametrize("harm", [beheaded, holed, robbed, taken_away], ids=lambda harm: harm.__name__)
def test_a_database_that_is_not_whole_is_refused_in_one_sentence(harm: Callable[[Path], str], file: Path):
    said = harm(file)
    app = create_app(settings_for(f"sqlite:///{file}"))
    with pytest.raises((Misconfigured, OperationalError), match=re.escape(said)):
        refuse_wrong_database(app)
    told = doctor(app)
    lines = [line for line in told.output.splitlines() if line.startswith("database ")]
    assert (told.exit_code, len(lines)) == (1, 1)
    assert said in lines[0]
    assert "Traceback" not in told.output


def test_a_postgresql_that_is_away_is_told_of_in_one_line_without_its_password():
    url = "postgresql://mentorhold:telltale@127.0.0.1:9/mentorhold"
    told = doctor(create_app(settings_for(url)))
    lines = [line for line in told.output.splitlines() if line.startswith("database ")]
    assert (told.exit_code, len(lines)) == (1, 1)
    assert "Connection refused" in lines[0]
    assert "telltale" not in told.output


@pytest.mark.parametrize(
    "command", [("gunicorn", "wsgi:app", "--bind", "127.0.0.1:0"), ("flask", "--app", "wsgi", "worker")]
)
def test_neither_web_nor_worker_starts_on_it(command: tuple[str, ...], file: Path):
    said = robbed(file)
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment(file), capture_output=True, text=True, timeout=30
    )
    assert run.returncode == FOR_A_PERSON
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_while_the_database_is_away_gunicorn_goes_on_trying(file: Path):
    """A worker that is started in such a minute does not take the others with it."""
    taken_away(file)
    run = subprocess.run(
        [sys.executable, "-c", "import wsgi; wsgi.app"], cwd=ROOT, env=environment(file), capture_output=True, text=True
    )
    assert run.returncode not in (0, FOR_A_PERSON)
    assert "Mentorhold cannot start yet" in run.stderr
    assert "unable to open database file" in run.stderr
    assert "Traceback" not in run.stderr


def environment(file: Path) -> dict[str, str]:
    return environment_of(settings_for(f"sqlite:///{file}"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> str:
    return f"sqlite:///{tmp_path / 'empty.db'}" if request.param == "sqlite" else postgresql_url(worker_id)


def changes(steps: list[str]) -> list[str]:
    """What is more than a look at the tables, which Alembic may take in any order."""
    return [step for step in steps if not step.startswith(("sql PRAGMA", "sql SELECT"))]


def test_a_migration_that_is_killed_anywhere_leaves_nothing_to_start_on_and_can_be_done_again(empty_url: str):
    steps = migrate_and_die(empty_url)
    commits = [n for n, step in enumerate(steps, start=1) if step == "commit"]
    points = sorted({*commits, *range(SPARSE, commits[-1], SPARSE)})
    for n in points:
        empty(empty_url)
        died_after = migrate_and_die(empty_url, n)
        assert (len(died_after), changes(died_after)) == (n, changes(steps[:n]))
        app = create_app(settings_for(empty_url))
        with app.app_context():
            told = schema.problem()
            assert told is not None, f"killed at step {n}"
            assert told.endswith("flask db upgrade")
            upgrade()
            assert schema.problem() is None
            db.engine.dispose()
    assert len(points) >= 5


def migrate_and_die(url: str, kill_at: int = NEVER) -> list[str]:
    """Migrate in a child process that is killed at its so many-th step; its steps."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # no thread of the parent's holds what the child needs
        child = os.fork()
    if child == 0:
        taken = count(1)

        def tell(step: str) -> None:
            os.write(write, f"{step}\n".encode())
            if next(taken) == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        with create_app(settings_for(url)).app_context(), Steps(db.engine).told_to(tell):
            upgrade()
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as reports:
        steps = reports.read().splitlines()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or (kill_at == NEVER and status == 0)
    return steps


def empty(url: str) -> None:
    """Undo everything. On PostgreSQL this waits for the transaction of whoever was killed."""
    if url.startswith("sqlite"):
        for suffix in ("", "-wal", "-shm"):
            Path(f"{make_url(url).database}{suffix}").unlink(missing_ok=True)
        return
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
