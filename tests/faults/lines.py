"""The line between the application and PostgreSQL: it counts commits, and can break at one of them."""

import socket
import threading
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit, urlunsplit

COMMIT = b"COMMIT\0"  # as the driver sends it, a query of its own
CHUNK = 65_536


class Line:
    """Listens on this machine and passes everything on to the server that ``database_url`` names."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._server: str | tuple[str, int] = (parts.hostname or "localhost", parts.port or 5432)
        folder = parse_qs(parts.query).get("host", [""])[0]
        if folder:
            self._server = f"{folder}/.s.PGSQL.{parts.port or 5432}"
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        user = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}", query="sslmode=disable"))
        self.commits = 0
        self._break_at, self._arrives = 0, False
        self._guard = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def break_at(self, commit: int, *, arrives: bool) -> None:
        """Count from none, and break when the so many-th commit (0: none) is asked for, before or after it is done."""
        with self._guard:
            self.commits, self._break_at, self._arrives = 0, commit, arrives

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it is closed
            while True:
                client = self._listening.accept()[0]
                server = socket.socket(socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET)
                server.connect(self._server)
                threading.Thread(target=self._ask, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while asked := client.recv(CHUNK):
                breaks = COMMIT in asked and self._is_the_one()
                if breaks:
                    client.shutdown(socket.SHUT_WR)  # whatever is answered, nobody hears it
                if not breaks or self._arrives:
                    server.sendall(asked)
                if breaks:
                    break
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while answered := server.recv(CHUNK):
                client.sendall(answered)
        client.close()
        server.close()

    def _is_the_one(self) -> bool:
        with self._guard:
            self.commits += 1
            return self.commits == self._break_at
