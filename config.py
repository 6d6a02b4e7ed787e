"""The configuration, read from the environment and checked as a whole before anything starts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.headerregistry import Address
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.kit import mail_server
from app.kit.mail_server import MailServer
from app.kit.policy import Misconfigured, Policy

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
STRIPE_API = "https://api.stripe.com"
STRIPE_JS = "https://js.stripe.com/v3/"
SHORTEST_SECRET = 32
LONGEST_NUMBER = 6  # digits
PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
MEETING_ROOMS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*")
ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")  # part of idempotency keys, and written on Stripe's objects

# A server that is gone is noticed in seconds, a lock is waited for as long as on SQLite, and a client that vanished
# amid a transaction keeps its locks no longer than that.
# Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
POSTGRESQL_CONNECTION = {
    "connect_timeout": 5,  # seconds, like what follows
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
    "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
}


@dataclass(frozen=True)
class Settings:
    """``stripe_api`` other than Stripe's own is a simulator on this machine; a demo also reads its clock.

    ``mail_url`` names a mail server, ``public_url`` is how people reach this installation (``https://host``).
    ``meeting_rooms`` is where sessions get a room each whose mentor has no place of their own (``https://host``).
    ``calendar_hosts`` may serve mentors' calendars though they are not on the internet, or have a port of their own.
    ``requests_per_second`` and ``requests_per_endpoint`` (a second) are the budget of calls to Stripe; 0 is no limit.
    """

    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    stripe_secret_key: str = field(repr=False)
    stripe_publishable_key: str
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    stripe_api: str = STRIPE_API
    environment: str = "production"
    demo: bool = False
    https: bool = True
    proxies: int = 0
    allowed_hosts: tuple[str, ...] = ()
    rate_limits: bool = True
    worker_connections: int = 8
    requests_per_second: int = 80
    requests_per_endpoint: int = 20
    mail_url: str = field(default="", repr=False)
    mail_from: str = "Mentorhold <mail@localhost>"
    public_url: str = ""
    calendar_hosts: tuple[str, ...] = ()
    meeting_rooms: str = "https://meet.jit.si"
    policy: Policy = Policy()

    @property
    def simulated(self) -> bool:
        return self.stripe_api != STRIPE_API

    @property
    def livemode(self) -> bool:
        return self.stripe_secret_key.startswith(("sk_live_", "rk_live_"))

    @property
    def mail_server(self) -> MailServer | None:
        """Where mail is handed in; None: nowhere."""
        return MailServer.parse(self.mail_url) if self.mail_url else None

    @property
    def mail_sender(self) -> Address:
        return mail_server.sender(self.mail_from)

    @property
    def stripe_js(self) -> str:
        return f"{self.stripe_api}/stripe.js" if self.simulated else STRIPE_JS

    def dashboard_of(self, intent_id: str = "") -> str:
        """Where an operator looks at a payment, or at everything, on Stripe's side (or the simulator's)."""
        if self.simulated:
            return f"{self.stripe_api}/dashboard/{intent_id}" if intent_id else f"{self.stripe_api}/"
        return f"https://dashboard.stripe.com/{'' if self.livemode else 'test/'}payments/{intent_id}"

    @property
    def worker_threads(self) -> int:
        """Rows at once: while as many wait for Stripe as may, others write down what came of it."""
        return self.worker_connections + (self.worker_connections + 1) // 2

    @property
    def flask(self) -> dict[str, Any]:
        """What Flask and its extensions are told."""
        return {
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "SQLALCHEMY_ENGINE_OPTIONS": {
                "hide_parameters": True,  # an error in a log tells no secrets
                "pool_size": self.worker_threads,  # and up to ten more: one for each job that looks for its rows
                "connect_args": _connect_args(self.database_url),
            },
            "SESSION_COOKIE_SECURE": self.https,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "REMEMBER_COOKIE_SECURE": self.https,
            "PERMANENT_SESSION_LIFETIME": timedelta(days=14),
            "MAX_CONTENT_LENGTH": 256 * 1024,
            "TRUSTED_HOSTS": list(self.allowed_hosts) or None,
            "RATELIMIT_ENABLED": self.rate_limits,
            "RATELIMIT_STORAGE_URI": "memory://",
            "WTF_CSRF_TIME_LIMIT": None,  # as long as the log-in: a form left open over lunch still works
            "WTF_CSRF_SSL_STRICT": self.https,
        }

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises: Misconfigured with everything that is missing, malformed or mixed."""
        reader = _Reader(environ)
        settings = cls(
            secret_key=reader.text("SECRET_KEY"),
            database_url=reader.text("DATABASE_URL"),
            stripe_secret_key=reader.text("STRIPE_SECRET_KEY"),
            stripe_publishable_key=reader.text("STRIPE_PUBLISHABLE_KEY"),
            stripe_webhook_secrets=reader.words("STRIPE_WEBHOOK_SECRET"),
            stripe_api=reader.text("STRIPE_API_BASE", STRIPE_API).rstrip("/"),
            environment=reader.text("ENVIRONMENT", "production"),
            demo=reader.yes("DEMO"),
            https=reader.yes("HTTPS", "yes"),
            proxies=reader.whole("TRUSTED_PROXIES", 0),
            allowed_hosts=reader.words("ALLOWED_HOSTS", ""),
            worker_connections=reader.whole("WORKER_CONNECTIONS", 8),
            requests_per_second=reader.whole("STRIPE_REQUESTS_PER_SECOND", 80),
            requests_per_endpoint=reader.whole("STRIPE_REQUESTS_PER_ENDPOINT", 20),
            mail_url=reader.text("MAIL_URL", ""),
            mail_from=reader.text("MAIL_FROM", "Mentorhold <mail@localhost>"),
            public_url=reader.text("PUBLIC_URL", "").rstrip("/"),
            meeting_rooms=reader.text("MEETING_ROOMS", "https://meet.jit.si").rstrip("/"),
            calendar_hosts=reader.words("CALENDAR_HOSTS", ""),
            policy=Policy(
                completion_grace=timedelta(hours=reader.whole("COMPLETION_GRACE_HOURS", 48)),
                safety_margin=timedelta(hours=reader.whole("HOLD_SAFETY_MARGIN_HOURS", 6)),
                checkout=timedelta(minutes=reader.whole("CHECKOUT_MINUTES", 15)),
                notice=timedelta(minutes=reader.whole("BOOKING_NOTICE_MINUTES", 60)),
                horizon=timedelta(days=reader.whole("BOOKING_HORIZON_DAYS", 60)),
                authorization_lead=timedelta(hours=reader.whole("AUTHORIZATION_LEAD_HOURS", 48)),
                authorization_retries=tuple(
                    timedelta(hours=before) for before in reader.wholes("AUTHORIZATION_RETRY_HOURS", "36,24")
                ),
                authorization_deadline=timedelta(hours=reader.whole("AUTHORIZATION_DEADLINE_HOURS", 12)),
                free_cancellation=timedelta(hours=reader.whole("FREE_CANCELLATION_HOURS", 24)),
                cancellation_grace=timedelta(minutes=reader.whole("CANCELLATION_GRACE_MINUTES", 60)),
                commission_bps=reader.whole("COMMISSION_BPS", 1_000),
            ),
        )
        problems = reader.problems + _key_problems(settings) + _place_problems(settings)
        problems += _mail_problems(settings) + settings.policy.problems()
        if problems:
            raise Misconfigured(problems)
        return settings


class _Reader:
    """Reads settings one by one and remembers every problem."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self._environ.get(name, "").strip() or default
        if value is None:
            self.problems.append(f"{name} is missing.")
        return value or ""

    def words(self, name: str, default: str | None = None) -> tuple[str, ...]:
        return tuple(word.strip() for word in self.text(name, default).split(",") if word.strip())

    def whole(self, name: str, default: int) -> int:
        return next(iter(self._numbers(name, [self.text(name, str(default))])), default)

    def wholes(self, name: str, default: str) -> tuple[int, ...]:
        """Several, separated by commas."""
        return tuple(self._numbers(name, self.words(name, default)))

    def _numbers(self, name: str, words: Iterable[str]) -> Iterator[int]:
        for word in words:
            if word.isascii() and word.isdigit() and len(word) <= LONGEST_NUMBER:
                yield int(word)
            else:
                self.problems.append(f"{name} must be a whole number below a million, not {word!r}.")

    def yes(self, name: str, default: str = "no") -> bool:
        value = self.text(name, default).lower()
        if value not in ("yes", "no"):
            self.problems.append(f"{name} must be yes or no, not {value!r}.")
        return value == "yes"


def _connect_args(database_url: str) -> dict[str, object]:
    """How to connect; what the URL says itself stands."""
    if not database_url.startswith("postgresql"):
        return {}
    said = parse_qs(urlsplit(database_url).query)
    return {name: value for name, value in POSTGRESQL_CONNECTION.items() if name not in said}


def _key_problems(settings: Settings) -> list[str]:
    problems = []
    secret, publishable = settings.stripe_secret_key, settings.stripe_publishable_key
    if secret and not secret.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")):
        problems.append("STRIPE_SECRET_KEY must start with sk_test_, rk_test_, sk_live_ or rk_live_.")
    if publishable and not publishable.startswith(("pk_test_", "pk_live_")):
        problems.append("STRIPE_PUBLISHABLE_KEY must start with pk_test_ or pk_live_.")
    if secret and publishable and settings.livemode != publishable.startswith("pk_live_"):
        problems.append("STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY are mixed: one is a test key, the other live.")
    if not all(word.startswith("whsec_") for word in settings.stripe_webhook_secrets):
        problems.append("STRIPE_WEBHOOK_SECRET must start with whsec_ (several: separated by commas).")
    if settings.simulated and (settings.livemode or publishable.startswith("pk_live_")):
        problems.append("STRIPE_API_BASE points at a simulator: it can never be used with a live key.")
    if settings.livemode and not settings.https:
        problems.append("HTTPS=no cannot be used with live keys.")
    return problems


def _place_problems(settings: Settings) -> list[str]:
    problems = []
    if settings.simulated and not _is_on_this_machine(settings.stripe_api):
        problems.append("STRIPE_API_BASE must be a simulator on this machine (http://127.0.0.1:…) or left out.")
    if settings.demo and not settings.simulated:
        problems.append("DEMO=yes needs the simulator: set STRIPE_API_BASE, or leave DEMO out.")
    if not ENVIRONMENT_NAME.fullmatch(settings.environment):
        problems.append("ENVIRONMENT must be 1 to 40 letters, digits, dots, dashes or underscores.")
    if settings.secret_key and len(settings.secret_key) < SHORTEST_SECRET:
        problems.append(f"SECRET_KEY must have at least {SHORTEST_SECRET} characters.")
    if settings.database_url and not settings.database_url.startswith(
        ("sqlite:///", "postgresql://", "postgresql+psycopg://")
    ):
        problems.append("DATABASE_URL must start with sqlite:/// or postgresql://.")
    if not MEETING_ROOMS.fullmatch(settings.meeting_rooms):
        problems.append("MEETING_ROOMS must look like https://meet.example.com, perhaps with a path.")
    if settings.worker_connections < 1:
        problems.append("WORKER_CONNECTIONS must be at least 1.")
    return problems


def _mail_problems(settings: Settings) -> list[str]:
    problems = []
    for read in (lambda: settings.mail_server, lambda: settings.mail_sender):
        try:
            read()
        except ValueError as problem:
            problems.append(str(problem))
    if settings.public_url and not PUBLIC_URL.fullmatch(settings.public_url):
        problems.append("PUBLIC_URL must look like https://mentorhold.example.com, without a path.")
    elif settings.public_url.startswith("http:") and settings.https:
        problems.append("PUBLIC_URL must begin with https:// unless HTTPS=no.")
    if settings.mail_url and not settings.public_url:
        problems.append("PUBLIC_URL is missing: mails need it for their links.")
    if settings.mail_url and settings.mail_from.endswith("@localhost>"):
        problems.append("MAIL_FROM is missing: it must be an address that may be sent from.")
    return problems


def _is_on_this_machine(url: str) -> bool:
    try:
        place = urlsplit(url)
        return place.scheme == "http" and place.hostname in LOOPBACK and place.port != 0
    except ValueError:
        return False
