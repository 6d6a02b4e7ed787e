"""A mail server at a socket of this machine, and what it has in its mailboxes."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from app.gateways import mailer
from app.gateways.mailer import SmtpMailer
from app.kit.breaker import Breaker
from app.kit.mail_server import MailServer, sender
from tests.stripe_double import MONDAY, Stripe

FROM = sender("Mentorhold <mail@mentorhold.example>")


class PostOffice:
    """``refuses``: what is answered to whom, instead of taking their mail. ``loses_answers``: takes it and says no."""

    def __init__(self, **how: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.delivered: list[EmailMessage] = []
        self.refuses: dict[str, str] = {}
        self.loses_answers = 0
        self._how = how
        self._controller: Controller | None = None

    def open(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **self._how)
        self._controller.start()

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def of(self, address: str) -> list[EmailMessage]:
        """The mailbox of one person."""
        return [mail for mail in self.delivered if address in mail["To"]]

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        assert [a.addr_spec for a in message["To"].addresses] == envelope.rcpt_tos
        self.delivered.append(message)
        if self.loses_answers:
            self.loses_answers -= 1
            return "451 Sorry, I have lost my answer"
        return "250 Taken"


@contextmanager
def reachable(stripe: Stripe, office: PostOffice, **changes: Any) -> Iterator[PostOffice]:
    """The application sends its mail to this office, which is open; the breaker's time is that of the story."""
    server = MailServer("127.0.0.1", office.port, **changes)
    mailer.use(SmtpMailer(server, FROM, Breaker(lambda: stripe.now() - MONDAY)))
    office.open()
    try:
        yield office
    finally:
        office.close()
        mailer.use(None)
