"""Running a proof's tests at full size, by one command; ``bin/test`` runs the same tests, with smaller numbers."""

import argparse
import os
from pathlib import Path

import pytest


def run(about: str | None, *tests: str, **sizes: int) -> int:
    """Read sizes and seed from the command line, tell the tests by environment variables, and run them."""
    options = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in sizes.items():
        options.add_argument(f"--{name}", type=int, default=default, help=f"{default} by default")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--processes", type=int, default=os.cpu_count(), help="that run tests side by side")
    given = vars(options.parse_args())
    processes = given.pop("processes")
    os.environ |= {name.upper(): str(value) for name, value in given.items()}
    return int(pytest.main([f"-n{processes}", "-q", *(str(Path(__file__).parent / test) for test in tests)]))
