"""The way to people's mailboxes: a mail server, or, in a demo, a drawer out of which nothing goes.

A mail is delivered at least once. When the server takes one and its answer is lost, it is sent again: with the same
``Message-ID``, by which mail programs and people can tell.
"""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol

from app.kit.breaker import Breaker
from app.kit.errors import MailDown, Undeliverable
from app.kit.mail_server import MailServer

TIMEOUT = 10  # seconds that a server may take for each word
PERMANENT = range(500, 600)  # Source: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1


@dataclass(frozen=True)
class Invitation:
    """What a calendar understands; ``method`` is REQUEST or CANCEL (RFC 5546)."""

    method: str
    body: bytes


@dataclass(frozen=True)
class Letter:
    """A mail as it is read. ``id`` is ours, and the same at every try."""

    id: str
    name: str
    address: str
    subject: str
    text: str
    html: str
    written_at: datetime
    invitation: Invitation | None = None


class Mailer(Protocol):
    """Whoever takes letters."""

    @property
    def is_left_alone(self) -> bool:
        """Whether it has not answered for a while, and is not asked now."""

    def send(self, letter: Letter) -> None:
        """Raises: Undeliverable if the address is refused for good, MailDown for everything else."""


class SmtpMailer:
    """Hands letters to a mail server, one connection each. ``breaker`` leaves one alone that does not answer."""

    def __init__(self, server: MailServer, sender: Address, breaker: Breaker) -> None:
        self._server, self._sender, self._breaker = server, sender, breaker

    @property
    def is_left_alone(self) -> bool:
        return self._breaker.is_open

    def send(self, letter: Letter) -> None:
        message = message_of(letter, self._sender)
        if not self._breaker.lets_through():
            raise MailDown("The mail server does not answer at the moment.")
        try:
            connection = self._connected()
            try:
                connection.send_message(message, self._sender.addr_spec, [_deliverable(letter.address)])
            finally:
                with suppress(OSError):
                    connection.quit()
        except smtplib.SMTPRecipientsRefused as refusal:
            self._breaker.succeeded()
            code, words = next(iter(refusal.recipients.values()))
            told = f"The address was refused: {code} {_read(words)}"
            if code in PERMANENT:
                raise Undeliverable(told) from refusal
            raise MailDown(told) from refusal
        except smtplib.SMTPDataError as refusal:  # this mail was refused, which says nothing about others
            self._breaker.succeeded()
            raise MailDown(f"The mail was refused: {refusal.smtp_code} {_read(refusal.smtp_error)}") from refusal
        except OSError as failure:  # of which smtplib's own errors and TLS's are kinds
            self._breaker.failed()
            raise MailDown(f"The mail server did not take it: {failure}") from failure
        self._breaker.succeeded()

    def _connected(self) -> smtplib.SMTP:
        server, ours = (
            self._server,
            self._sender.domain,
        )  # said in greeting; else smtplib looks us up, which can take long
        if server.tls:
            trust = ssl.create_default_context()
            connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, ours, timeout=TIMEOUT, context=trust)
        else:
            connection = smtplib.SMTP(server.host, server.port, ours, timeout=TIMEOUT)
        try:
            if server.starttls:
                connection.starttls(context=ssl.create_default_context())
            if server.user:
                connection.login(server.user, server.password)
        except OSError:
            connection.close()
            raise
        return connection


class Drawer:
    """In a demo: what would be sent stays in the house, where anyone may read it."""

    is_left_alone = False

    def send(self, letter: Letter) -> None:
        """Nothing goes anywhere, and what could not go is told all the same."""
        message_of(letter, Address("Mentorhold", addr_spec="mail@localhost"))


def message_of(letter: Letter, sender: Address) -> EmailMessage:
    """The letter as it travels. Raises: Undeliverable if no mail can be addressed like this."""
    message = EmailMessage(policy=SMTP)
    try:
        message["To"] = Address(display_name=letter.name, addr_spec=_deliverable(letter.address))
    except (ValueError, IndexError, MessageError) as error:
        raise Undeliverable("No mail can be addressed like this.") from error
    message["From"] = sender
    message["Subject"] = letter.subject
    message["Date"] = letter.written_at
    message["Message-ID"] = f"<{letter.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    if letter.invitation is not None:
        message.add_attachment(
            letter.invitation.body,
            maintype="text",
            subtype="calendar",
            filename="session.ics",
            params={"method": letter.invitation.method, "charset": "utf-8"},
        )
    return message


def _deliverable(address: str) -> str:
    """The address in ASCII, as every server understands it. Raises: Undeliverable."""
    local, _, host = address.rpartition("@")
    try:
        return f"{local.encode('ascii').decode()}@{host.encode('idna').decode()}"
    except UnicodeError as error:
        raise Undeliverable("The address has letters that mail servers do not understand.") from error


def _read(words: bytes | str) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else words


_mailer: Mailer | None = None


def use(mailer: Mailer | None) -> None:
    """Send by ``mailer`` from now on; None: not at all, and what is written waits."""
    global _mailer
    _mailer = mailer


def mailer() -> Mailer | None:
    return _mailer
