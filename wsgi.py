"""The WSGI entry point: ``gunicorn wsgi:app``. Refuses to start on a wrong configuration or database."""

import os
import sys

from dotenv import load_dotenv
from flask import Flask

from app import create_app
from app.cli import refuse_wrong_database
from app.kit.policy import Misconfigured
from config import Settings


def make() -> Flask:
    """The application on whatever the database is: what a migration needs."""
    load_dotenv()
    try:
        return create_app(Settings.from_environ(os.environ))
    except Misconfigured as problem:
        sys.exit(str(problem))


def __getattr__(name: str) -> Flask:
    """``wsgi.app``, made when it is asked for. Raises: SystemExit with everything that is wrong."""
    if name != "app":
        raise AttributeError(name)
    made = make()
    try:
        refuse_wrong_database(made)
    except Misconfigured as problem:
        sys.exit(str(problem))
    globals()["app"] = made
    return made
