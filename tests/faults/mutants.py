"""Bugs about money, planted on purpose: a proof is only as good as the bugs that it catches.

    python -m tests.faults.mutants --processes 2
    python -m tests.faults.mutants --only "no look-up before a second try"
    python -m tests.faults.mutants --proof tests/faults/test_histories.py

Each is one small change of a copy of the code, on which the tests run that should notice. They are listed with who
caught them; a bug that nobody notices makes the command exit with 1.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

from tests.faults.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]
COPIED = (
    "app",
    "config.py",
    "migrations",
    "pyproject.toml",
    "static",
    "stripe_simulator",
    "templates",
    "tests",
    "wsgi.py",
)
LONGEST = 900  # seconds for the tests of one mutant
FAILED_TESTS = 1  # pytest's exit code for tests that ran and failed


@dataclass(frozen=True)
class Verdict:
    mutation: Mutation
    caught_by: str | None
    seconds: float


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options.add_argument("--only", default="", help="part of a name")
    options.add_argument("--proof", default="", help="judge by this proof alone, the bugs that it should notice")
    given = options.parse_args()
    wanted = [mutation for mutation in MUTATIONS if given.only in mutation.name]
    if given.proof:
        wanted = [replace(bug, proofs=(given.proof,)) for bug in wanted if given.proof in bug.proofs]
    verdicts = list(judged(wanted, given.processes))
    missed = [verdict.mutation.name for verdict in verdicts if verdict.caught_by is None]
    print(f"{len(verdicts)} bugs, {len(verdicts) - len(missed)} caught, {len(missed)} missed")
    print(*(f"missed: {name}" for name in missed), sep="\n")
    return 1 if missed else 0


def judged(wanted: list[Mutation], processes: int) -> Iterator[Verdict]:
    """Try every bug, each in one of ``processes`` copies of the code."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for n in range(processes):
            copies.put(_copy(Path(folder) / f"copy{n}"))

        def judge(mutation: Mutation) -> Verdict:
            copy = copies.get()
            try:
                return _judge(mutation, copy)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(processes) as pool:
            for verdict in pool.map(judge, wanted):
                told = f"caught by {verdict.caught_by}" if verdict.caught_by else "MISSED"
                print(f"{verdict.mutation.name:<72} {told} ({verdict.seconds:.0f} s)", flush=True)
                yield verdict


def _copy(into: Path) -> Path:
    into.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, into / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, into / name)
    return into


def _judge(mutation: Mutation, copy: Path) -> Verdict:
    begun = time.monotonic()
    file = copy / mutation.file
    healthy = file.read_text()
    file.write_text(mutation.planted_in(healthy))
    try:
        caught_by = next((proof for proof in mutation.proofs if _notices(proof, copy)), None)
    finally:
        file.write_text(healthy)
    return Verdict(mutation, caught_by, time.monotonic() - begun)


def _notices(proof: str, copy: Path) -> bool:
    """Whether the proof's tests fail. Tests that cannot even run have noticed nothing: the bug is planted badly."""
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    path, _, words = proof.partition(" -k ")
    chosen = ["-k", words] if words else []
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *path.split(), *chosen]
    ran = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, timeout=LONGEST, check=False)
    if ran.returncode not in (0, FAILED_TESTS):
        raise RuntimeError(f"{proof} did not run:\n{ran.stdout[-3000:]}\n{ran.stderr[-1000:]}")
    return ran.returncode == FAILED_TESTS


if __name__ == "__main__":
    sys.exit(main())
