"""The WSGI entry point: ``gunicorn wsgi:app``. Refuses to start on a wrong configuration or database."""

import os
import sys
from typing import NoReturn

from dotenv import load_dotenv
from flask import Flask
from sqlalchemy.exc import OperationalError

from app import create_app
from app.cli import in_one_line, refuse_wrong_database
from app.kit.policy import Misconfigured
from config import Settings

FOR_A_PERSON = 3  # the exit code at which gunicorn stops as a whole; at any other it starts its worker again and again


def make() -> Flask:
    """The application on whatever the database is: what a migration needs."""
    load_dotenv()
    try:
        return create_app(Settings.from_environ(os.environ))
    except Misconfigured as problem:
        _refuse(problem)


def __getattr__(name: str) -> Flask:
    """``wsgi.app``, made when it is asked for. Raises: SystemExit with everything that is wrong."""
    if name != "app":
        raise AttributeError(name)
    made = make()
    try:
        refuse_wrong_database(made)
    except Misconfigured as problem:
        _refuse(problem)
    except OperationalError as away:
        sys.exit(f"Mentorhold cannot start yet:\n  - {in_one_line(away)}")
    globals()["app"] = made
    return made


def _refuse(problem: Misconfigured) -> NoReturn:
    """Stop for what no waiting mends."""
    print(problem, file=sys.stderr)  # noqa: T201 - there is no application yet that could say it
    sys.exit(FOR_A_PERSON)
