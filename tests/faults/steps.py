"""Everything by which a process touches the world, one step after the other: SQL, commits, calls to Stripe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
import stripe
from sqlalchemy import Engine, event

from tests.statements import Ears

Tell = Callable[[str], None]
SEEN = 60  # characters of a statement that name its step
CONNECT, READ = 3.0, 10.0  # seconds to wait, as the application's own


class Steps:
    """Tells whoever listens of every SQL statement, every commit, and every HTTP call before and after."""

    def __init__(self, engine: Engine) -> None:
        self._tell: Tell | None = None
        Ears(engine, self._statement, partial(self.step, "commit"))
        event.listen(engine, "commit", lambda _: self.step("commit"))

    @contextmanager
    def told_to(self, tell: Tell) -> Iterator[None]:
        before, self._tell = self._tell, tell
        try:
            yield
        finally:
            self._tell = before

    def step(self, name: str) -> None:
        if self._tell is not None:
            self._tell(name)

    def _statement(self, statement: str) -> None:
        if self._tell is not None:
            self._tell(f"sql {' '.join(statement.split())[:SEEN]}")


class Wire(stripe.RequestsClient):
    """The library's real HTTP client, a step before each request and one after its answer, or when none came.

    It looks for no proxies on the way to this machine.
    """

    def __init__(self, steps: Steps, patience: float | None = None) -> None:
        """``patience``: how many seconds to wait for an answer, if not the usual."""
        session = requests.Session()
        session.trust_env = False
        super().__init__(timeout=(CONNECT, patience or READ), session=session)  # type: ignore[arg-type]
        self._steps = steps

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        what = f"{method} {urlsplit(url).path}"
        self._steps.step(f"before {what}")
        try:
            answer = super().request(method, url, headers, post_data)
        except stripe.APIConnectionError:
            self._steps.step(f"without {what}")
            raise
        self._steps.step(f"after {what}")
        return answer
