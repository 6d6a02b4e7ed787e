"""What clients send, while it is being read."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from gunicorn.http.errors import ParseException

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Body(io.RawIOBase):
    """A request's body. That it cannot be read to its end is its sender's fault, also when its chunks are broken.

    Gunicorn has exceptions of its own for that, to which Flask would answer 500; Werkzeug answers 400 to an OSError.
    """

    def __init__(self, source: _Source) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        try:
            piece = self._source.read(len(view))
        except ParseException as error:
            raise OSError("The body makes no sense.") from error
        view[: len(piece)] = piece
        return len(piece)


def readable(app: WSGIApplication) -> WSGIApplication:
    """``app``, which is handed bodies that break in one way only."""

    def called(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"] = Body(environ["wsgi.input"])
        return app(environ, start_response)

    return called
