"""Secrets are told to nobody: not by a settings object, not by an error, not by the source."""

import re

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models.user import User
from tests.conftest import settings_for
from tests.house.source import HOUSES, ROOT

SECRETS = {
    "secret_key": "the-signing-secret-of-this-installation",
    "database_url": "postgresql://mentorhold:the-database-password@db.example/mentorhold",
    "stripe_secret_key": "sk_live_thesecretkey",
    "mail_url": "smtps://mentorhold:the-mail-password@mail.example.com",
    "stripe_webhook_secrets": ("whsec_thewebhooksecret",),
}
TELLING = ("the-signing-secret", "the-database-password", "the-mail-password", "thesecretkey", "thewebhooksecret")
REAL_KEY = re.compile(r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9]{16,}")


@pytest.mark.parametrize("show", [repr, str, "{!r}".format, "{}".format])
def test_settings_show_no_secret(show):
    settings = settings_for(**SECRETS)
    shown = show(settings)
    assert "production" in show(settings_for("sqlite:///x", environment="production")), "it shows what is no secret"
    assert [secret for secret in TELLING if secret in shown] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_error_of_the_database_tells_no_values(app: Flask):
    """Errors end in logs, and a value may be somebody's address or password hash."""
    with pytest.raises(DBAPIError) as error:
        db.session.execute(
            text("INSERT INTO user_account (id, email) VALUES (:id, :email)"), {"id": "us_1", "email": "ann@home"}
        )
    db.session.rollback()
    assert "ann@home" not in str(error.value)


def test_a_person_shows_no_password_hash():
    ann = User(id="us_1", email="ann@example.com", password_hash="the-hash")
    assert "the-hash" not in repr(ann)


def test_no_key_stands_in_the_source():
    places = [ROOT / name for name in (*HOUSES, "templates", "static/js", "migrations", "bin", "docs")]
    files = [file for place in places if place.exists() for file in place.rglob("*") if file.is_file()]
    files += [file for file in ROOT.iterdir() if file.suffix in (".py", ".md", ".txt", ".toml", ".example")]
    readable = [file for file in files if file.suffix not in (".pyc", ".woff2", ".png", ".ico")]
    assert len(readable) > 100
    assert [str(file) for file in readable if REAL_KEY.search(file.read_text(errors="replace"))] == []
