"""Where a mentor's calendar is fetched, and where never: what is inside of one's own network stays there."""

import gzip
import socket
import ssl
from collections.abc import Iterator
from threading import Event

import pytest

from app.gateways import outside_web
from app.gateways.outside_web import OutsideWeb, is_outside, place_of
from app.kit.errors import CalendarUnread
from tests.calendar_host import CalendarHost, Page, calendar, trust

INSIDE = (
    "127.0.0.1 127.8.9.1 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 192.0.2.1"
    " 198.18.0.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd12::1"
    " ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2001:0:7f00:1:: 2001:db8::1"
).split()


@pytest.fixture
def host() -> Iterator[CalendarHost]:
    opened = CalendarHost()
    yield opened
    opened.close()


@pytest.fixture
def web(host: CalendarHost) -> OutsideWeb:
    """What asks this one host, as if it were configured so."""
    return OutsideWeb(exempt=[host.name], trust=trust())


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_known_as_one(address: str):
    assert not is_outside(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "142.250.1.1", "2607:f8b0:4004::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_an_address_of_the_internet_is_known_as_one(address: str):
    assert is_outside(address)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://localhost/x.ics", "https://[::1]/", "https://2130706433/", "https://0x7f.1/",
            "https://169.254.169.254/latest/meta-data", "https://0/", "https://[::ffff:7f00:1]/", "https://１２７.0.0.1/"]
)  # fmt: skip
def test_by_default_this_machine_is_not_asked_however_one_writes_it(url: str):
    with pytest.raises(CalendarUnread, match=r"not a place on the internet|not known|could not be reached"):
        OutsideWeb().get(url)


def test_a_name_that_also_leads_inside_is_not_asked():
    web = OutsideWeb(resolve=lambda _host, _port: ["8.8.8.8", "10.0.0.7"])
    with pytest.raises(CalendarUnread, match="not a place on the internet"):
        web.get("https://calendar.example/x.ics")


def test_the_address_that_was_checked_is_the_one_that_is_asked(host: CalendarHost, monkeypatch: pytest.MonkeyPatch):
    """A name that would lead inside when it is looked up again is looked up once."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    asked: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], timeout: int) -> socket.socket:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(CalendarUnread, match=r"calendar\.example could not be reached"):
        OutsideWeb(resolve=lambda _host, _port: next(answers)).get("https://calendar.example/x.ics")
    assert asked == [("8.8.8.8", 443)]


def test_a_port_of_its_own_is_not_asked_unless_it_is_configured(host: CalendarHost, web: OutsideWeb):
    host.pages["/x.ics"] = Page(calendar())
    with pytest.raises(CalendarUnread, match="a port of its own"):
        OutsideWeb(exempt=["localhost"], trust=trust()).get(host.url("/x.ics"))
    assert host.asked == []
    assert web.get(host.url("/x.ics")) == calendar()


@pytest.mark.parametrize(
    "url", ["http://calendar.example/x", "ftp://calendar.example/x", "file:///etc/passwd", "calendar.example", "",
            "https:///x", "https://ann:secret@calendar.example/x", "https://calendar.example:99999/", "https://[::1",
            "https://calendar.example/\r\nHost: x", "https://calendar.example/ x", "https://" + "a" * 2_000,
            "https://" + "a" * 64 + ".example/"]
)  # fmt: skip
def test_what_is_no_address_of_a_calendar_is_said_at_once(url: str):
    with pytest.raises(ValueError, match="address"):
        place_of(url)


def test_an_address_is_sent_as_it_is_and_never_breaks_the_line(host: CalendarHost, web: OutsideWeb):
    host.pages["/a%20b/%C3%A9.ics?key=1%2F2&x=a+b"] = Page(calendar())
    assert web.get(host.url("/a%20b/é.ics?key=1%2F2&x=a+b")) == calendar()
    assert place_of("webcal://calendar.example/x.ics") == place_of("https://calendar.example/x.ics")


def test_a_redirect_is_followed_to_where_one_may_go_and_nowhere_else(host: CalendarHost, web: OutsideWeb):
    host.pages["/old"] = Page(status=301, headers={"Location": "/new"})
    host.pages["/new"] = Page(calendar())
    host.pages["/inside"] = Page(status=302, headers={"Location": "https://169.254.169.254/latest/"})
    host.pages["/plain"] = Page(status=302, headers={"Location": "http://calendar.example/"})
    host.pages["/port"] = Page(status=302, headers={"Location": "https://localhost:22/"})
    host.pages["/round"] = Page(status=302, headers={"Location": "/round"})
    assert web.get(host.url("/old")) == calendar()
    for path, why in {"/inside": "internet", "/plain": "https", "/port": "port", "/round": "circles"}.items():
        with pytest.raises(CalendarUnread, match=why):
            web.get(host.url(path))
    assert host.asked.count("/round") == 6


def test_more_than_there_may_be_is_not_read_whole(host: CalendarHost, web: OutsideWeb):
    much = outside_web.LARGEST + 1
    host.pages["/long"] = Page(b"x" * much)
    host.pages["/just"] = Page(b"x" * (much - 1))
    host.pages["/bomb"] = Page(gzip.compress(b"x" * 50 * much), headers={"Content-Encoding": "gzip"})
    host.pages["/packed"] = Page(gzip.compress(calendar()), headers={"Content-Encoding": "gzip"})
    host.pages["/torn"] = Page(b"not gzip", headers={"Content-Encoding": "gzip"})
    assert len(web.get(host.url("/just"))) == much - 1
    assert web.get(host.url("/packed")) == calendar()
    for path in ("/long", "/bomb"):
        with pytest.raises(CalendarUnread, match="larger than 4 MB"):
            web.get(host.url(path))
    with pytest.raises(CalendarUnread, match="is not HTTP"):
        web.get(host.url("/torn"))


def test_what_never_ends_is_broken_off(host: CalendarHost):
    """Each word comes in time, and the last one never does."""
    web, enough = OutsideWeb(exempt=[host.name], trust=trust(), seconds=1), Event()

    def drip(request) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while not enough.wait(0.1):
            try:
                request.wfile.write(b"x")
            except OSError:
                return

    host.pages["/drip"] = Page(act=drip)
    try:
        with pytest.raises(CalendarUnread, match="took too long"):
            web.get(host.url("/drip"))
    finally:
        enough.set()


def test_half_an_answer_is_none(host: CalendarHost, web: OutsideWeb):
    """A calendar without its end would be one with less in it."""

    def stop(request) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + calendar())
        request.close_connection = True

    host.pages["/torn"] = Page(act=stop)
    with pytest.raises(CalendarUnread, match="localhost broke off in the middle"):
        web.get(host.url("/torn"))


def test_what_went_wrong_is_said_without_the_address_which_is_a_secret(host: CalendarHost, web: OutsideWeb):
    host.pages["/secret-gone"] = Page(status=404)
    host.pages["/secret-lies"] = Page(act=lambda request: request.wfile.write(b"SSH-2.0 hello\r\n\r\n"))
    told = {}
    for path in ("/secret-gone", "/secret-lies"):
        with pytest.raises(CalendarUnread) as failure:
            web.get(host.url(path))
        told[path] = str(failure.value)
    with pytest.raises(CalendarUnread) as failure:
        OutsideWeb(exempt=[host.name], trust=ssl.create_default_context()).get(host.url("/secret"))
    told["untrusted"] = str(failure.value)
    assert told == {
        "/secret-gone": "localhost answered 404. Is the address still the right one?",
        "/secret-lies": "localhost answered something that is not HTTP.",
        "untrusted": "localhost has no certificate that can be trusted.",
    }
