"""Measurements are run by hand and seldom; that they can still be begun is seen here."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in (ROOT / "bench").glob("[a-z]*.py"))


def test_a_measurement_has_to_be_named():
    told = subprocess.run([sys.executable, "-m", "bench"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert all(name in told.stderr for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_measurement_can_be_begun_and_stands_in_the_list(name: str):
    told = subprocess.run(
        [sys.executable, "-m", "bench", name, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert f"python -m bench {name}" in (ROOT / "bench" / "README.md").read_text()


def test_both_dashboards_that_are_measured_are_the_same_page():
    small = ["--past", "75", "--rounds", "1", "--requests", "1"]
    told = subprocess.run(
        [sys.executable, "-m", "bench", "pages", *small], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "wanted" in told.stdout, told.stderr  # whether it is as fast is nothing for a test
