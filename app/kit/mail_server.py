"""Where mail is handed in: a mail server as one URL tells of it, and the address that mails come from."""

from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PLAIN_PORT, STARTTLS_PORT, TLS_PORT = 25, 587, 465
EXAMPLE = "smtp://user:password@host:587?starttls, or smtps://user:password@host"


@dataclass(frozen=True)
class MailServer:
    """``tls``: encrypted from the first byte; ``starttls``: from the second word on, or not at all."""

    host: str
    port: int
    tls: bool = False
    starttls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "MailServer":
        """Raises: ValueError that says what is wrong, and never tells the password."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError:
            raise ValueError(f"MAIL_URL must look like {EXAMPLE}.") from None
        if parts.scheme not in ("smtp", "smtps") or not host or parts.path not in ("", "/") or parts.fragment:
            raise ValueError(f"MAIL_URL must look like {EXAMPLE}.")
        if parts.query not in ("", "starttls") or (parts.query and parts.scheme == "smtps"):
            raise ValueError("MAIL_URL knows one word after its question mark: smtp://…?starttls.")
        tls, starttls = parts.scheme == "smtps", parts.query == "starttls"
        usual = TLS_PORT if tls else STARTTLS_PORT if starttls else PLAIN_PORT
        server = cls(host, port or usual, tls, starttls, unquote(parts.username or ""), unquote(parts.password or ""))
        if server.password and not server.is_private:
            raise ValueError("MAIL_URL would send its password in the clear: use smtps://, or add ?starttls.")
        if bool(server.user) != bool(server.password):
            raise ValueError("MAIL_URL must name both a user and a password, or neither.")
        return server

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read along."""
        return self.tls or self.starttls or self.host in LOOPBACK


def sender(text: str) -> Address:
    """``Name <name@host>``, or an address alone. Raises: ValueError."""
    name, spec = parseaddr(text)
    local, at, host = spec.rpartition("@")
    if not (local and at and host) or not spec.isascii() or any(letter in text for letter in "\r\n"):
        raise ValueError("MAIL_FROM must look like Mentorhold <mail@example.com>.")
    try:
        return Address(display_name=name, addr_spec=spec)
    except (ValueError, IndexError):
        raise ValueError("MAIL_FROM must look like Mentorhold <mail@example.com>.") from None
