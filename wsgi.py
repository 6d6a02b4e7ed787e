"""The WSGI entry point: ``gunicorn wsgi:app``. Refuses to start on a wrong configuration or database."""

import os
import sys

from dotenv import load_dotenv

from app import create_app
from app.cli import refuse_wrong_database
from config import Misconfigured, Settings

load_dotenv()

try:
    app = create_app(Settings.from_environ(os.environ))
    refuse_wrong_database(app)
except Misconfigured as problem:
    sys.exit(str(problem))
