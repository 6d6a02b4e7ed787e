"""The way to an address that a person has typed in: never to a machine of one's own network, never for long.

A name is looked up once, all its addresses are checked, and the connection goes to one of those: a name that leads
somewhere else when it is asked again (DNS rebinding) gains nothing. Every redirect is checked like the first address.
"""

import socket
import ssl
import zlib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Event, Timer
from urllib.parse import quote, urljoin, urlsplit

from app.kit.errors import CalendarUnread

SECONDS_IN_ALL, SECONDS_EACH = 20, 8
LARGEST = 4 * 1024 * 1024  # bytes, also once it is unpacked
LONGEST_ADDRESS = 2_000
MOST_REDIRECTS = 5
HTTPS_PORT = 443
REDIRECTS = (301, 302, 303, 307, 308)
TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64: an IPv4 address in another coat
PLAIN = "/%:=&?~+!$,;'@()*[]-._"

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class Place:
    host: str
    port: int
    path: str

    @property
    def name(self) -> str:
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


def place_of(address: str) -> Place:
    """What an address says. Raises: ValueError with the reason if it is none that is ever asked."""
    if len(address) > LONGEST_ADDRESS or any(letter.isspace() or not letter.isprintable() for letter in address):
        raise ValueError("That is no address. Please copy it again.")
    try:
        parts = urlsplit(address)
        port, host = parts.port or HTTPS_PORT, (parts.hostname or "").encode("idna").decode()
    except ValueError as error:  # of which UnicodeError is a kind
        raise ValueError("That is no address. Please copy it again.") from error
    if parts.scheme not in ("https", "webcal"):
        raise ValueError("The address must begin with https://.")
    if not host or "@" in parts.netloc:
        raise ValueError("The address must name a host, and no user or password.")
    path = quote(parts.path or "/", safe=PLAIN) + (f"?{quote(parts.query, safe=PLAIN)}" if parts.query else "")
    return Place(host, port, path)


def look_up(host: str, port: int) -> list[str]:
    """All addresses of a name. Raises: OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(about[4][0]) for about in found))


class OutsideWeb:
    """``exempt`` are names (``host`` or ``host:port``) that may be anywhere; nobody is exempt unless it is configured.

    ``resolve`` and ``trust`` are those of this machine; an answer takes no longer than so many ``seconds`` in all.
    """

    def __init__(
        self,
        *,
        exempt: Collection[str] = (),
        resolve: Resolve = look_up,
        trust: ssl.SSLContext | None = None,
        seconds: int = SECONDS_IN_ALL,
    ) -> None:
        self._exempt, self._resolve, self._seconds = frozenset(exempt), resolve, seconds
        self._trust = trust

    def get(self, address: str) -> bytes:
        """What is at an address. Raises: CalendarUnread with the reason, which names the host and no more of it."""
        for _ in range(MOST_REDIRECTS + 1):
            place = self._checked(address)
            found = self._ask(place)
            if isinstance(found, bytes):
                return found
            address = urljoin(f"https://{place.name}{place.path}", found)
        raise CalendarUnread("The address leads in circles.")

    def _checked(self, address: str) -> Place:
        try:
            place = place_of(address)
        except ValueError as problem:
            raise CalendarUnread(str(problem)) from problem
        if place.port != HTTPS_PORT and place.name not in self._exempt:
            raise CalendarUnread("The address has a port of its own, which is not asked.")
        return place

    def _ask(self, place: Place) -> bytes | str:
        """What is there, or where it leads. Raises: CalendarUnread."""
        trust = self._trust or _usual_trust()
        connection = HTTPSConnection(place.host, place.port, context=trust)
        time_is_up = Event()
        try:
            secured = trust.wrap_socket(
                self._connected(place), server_hostname=place.host, do_handshake_on_connect=False
            )
            connection.sock = secured
            watch = Timer(self._seconds, _hang_up, (secured, time_is_up))
            watch.daemon = True
            watch.start()
            try:
                secured.do_handshake()
                connection.request("GET", place.path, headers={"Accept": "text/calendar", "User-Agent": "Mentorhold"})
                return _read(place, connection.getresponse())
            finally:
                watch.cancel()
        except (OSError, HTTPException, zlib.error, CalendarUnread) as failure:
            if time_is_up.is_set():  # whatever it looks like
                raise CalendarUnread(f"{place.host} took too long to answer.") from failure
            if isinstance(failure, CalendarUnread):
                raise
            raise CalendarUnread(f"{place.host} {_told(failure)}.") from failure
        finally:
            connection.close()

    def _connected(self, place: Place) -> socket.socket:
        """A connection to an address that was checked; TLS has still to begin. Raises: CalendarUnread, OSError."""
        addresses = self._resolve(place.host, place.port)
        allowed = {place.host, place.name} & self._exempt
        if not addresses or not (allowed or all(is_outside(address) for address in addresses)):
            raise CalendarUnread(f"{place.host} is not a place on the internet, so it is not asked.")
        *others, last = addresses
        for address in others:
            with suppress(OSError):
                return socket.create_connection((address, place.port), timeout=SECONDS_EACH)
        return socket.create_connection((last, place.port), timeout=SECONDS_EACH)


def is_outside(address: str) -> bool:
    """Whether an address is one of the public internet, not of this machine, its network or its provider."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif found in TRANSLATED:
            found = IPv4Address(found.packed[-4:])
        elif found.sixtofour is not None or found.teredo is not None:
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


@cache
def _usual_trust() -> ssl.SSLContext:
    """The certificates that this machine trusts; to read them takes a while."""
    return ssl.create_default_context()


def _read(place: Place, response: HTTPResponse) -> bytes | str:
    if response.status in REDIRECTS and (onward := response.getheader("Location")):
        return onward
    if response.status != 200:
        raise CalendarUnread(f"{place.host} answered {response.status}. Is the address still the right one?")
    body = response.read(LARGEST + 1)
    if response.length and len(body) <= LARGEST:
        raise CalendarUnread(f"{place.host} {_told(IncompleteRead(body))}.")
    if response.getheader("Content-Encoding", "identity").lower() in ("gzip", "x-gzip"):
        body = zlib.decompressobj(wbits=31).decompress(body, LARGEST + 1)
    if len(body) > LARGEST:
        raise CalendarUnread(f"The calendar is larger than {LARGEST // 1024 // 1024} MB.")
    return body


def _hang_up(secured: ssl.SSLSocket, time_is_up: Event) -> None:
    time_is_up.set()
    with suppress(OSError):  # it is closed already
        secured.shutdown(socket.SHUT_RDWR)


def _told(failure: Exception) -> str:
    match failure:
        case ssl.SSLCertVerificationError():
            return "has no certificate that can be trusted"
        case TimeoutError():
            return "took too long to answer"
        case socket.gaierror():
            return "is not known"
        case IncompleteRead():
            return "broke off in the middle"
        case OSError():
            return "could not be reached"
    return "answered something that is not HTTP"
