"""Where mail is handed in, as one URL tells of it."""

import pytest

from app.kit.mail_server import MailServer, sender


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", MailServer("mail.example.com", 25)),
        ("smtp://127.0.0.1:1025/", MailServer("127.0.0.1", 1025)),
        ("smtp://mail.example.com?starttls", MailServer("mail.example.com", 587, starttls=True)),
        (
            "smtp://ann%40example.com:p%2Fw%3A@mail.example.com:2525?starttls",
            MailServer("mail.example.com", 2525, starttls=True, user="ann@example.com", password="p/w:"),
        ),
        ("smtps://u:p@mail.example.com", MailServer("mail.example.com", 465, tls=True, user="u", password="p")),
        ("smtp://u:p@localhost:25", MailServer("localhost", 25, user="u", password="p")),
        ("smtp://[::1]:25", MailServer("::1", 25)),
    ],
)
def test_a_url_names_a_server(url: str, server: MailServer):
    assert MailServer.parse(url) == server


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mail.example.com", "must look like"),
        ("http://mail.example.com", "must look like"),
        ("smtp://", "must look like"),
        ("smtp://mail.example.com:port", "must look like"),
        ("smtp://mail.example.com:99999", "must look like"),
        ("smtp://mail.example.com/inbox", "must look like"),
        ("smtp://[::1", "must look like"),
        ("smtp://mail.example.com?tls", "one word"),
        ("smtps://mail.example.com?starttls", "one word"),
        ("smtp://u:geheim@mail.example.com", "in the clear"),
        ("smtps://u@mail.example.com", "both a user and a password"),
        ("smtps://:geheim@mail.example.com", "both a user and a password"),
    ],
)
def test_what_names_none_is_refused_without_telling_its_password(url: str, why: str):
    with pytest.raises(ValueError, match=why) as refusal:
        MailServer.parse(url)
    assert "geheim" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_server_shows_no_password():
    assert "geheim" not in repr(MailServer.parse("smtps://u:geheim@mail.example.com"))


@pytest.mark.parametrize(
    "text", ["mail@example.com", "Mentorhold <mail@example.com>", '"Mentors, held" <m@example.com>']
)
def test_mail_comes_from_an_address(text: str):
    assert sender(text).domain == "example.com"


@pytest.mark.parametrize(
    "text", ["", "Mentorhold", "mail@", "@example.com", "mäil@example.com", "a@b\r\nBcc: c@d", "a b@example.com"]
)
def test_what_is_no_address_sends_nothing(text: str):
    with pytest.raises(ValueError, match="MAIL_FROM must look like"):
        sender(text)
