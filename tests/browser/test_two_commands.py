"""``bin/demo`` starts, stops and starts again, as the README promises."""

import shutil
from pathlib import Path

import pytest

from tests.browser.house import House, is_free

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

A_QUICK_START = 20  # seconds; the promise is 8, a busy machine may take longer


def test_the_demo_says_what_it_does_stops_on_ctrl_c_and_keeps_its_data(tmp_path: Path) -> None:
    first = House(tmp_path)
    assert first.lines == [
        "Installing what it needs (the first time takes a minute)",
        f"Starting the Stripe simulator on port {first.simulator_port}",
        "Preparing the database",
        "  sample data loaded",
        f"Starting the web server on port {first.port}",
        "Starting the worker",
        "",
        "Log in with the password mentorhold-demo as",
        "  ann@example.com   mentee      cho@example.com   mentee",
        "  bob@example.com   mentor      dia@example.com   mentor",
        "  olga@example.com  operator",
        "",
        f"Mentorhold is ready: http://localhost:{first.port}",
    ]
    _stops_cleanly(first)

    second = House(tmp_path)
    assert "  sample data kept" in second.lines
    assert second.seconds_to_start <= A_QUICK_START
    _stops_cleanly(second)

    for half, said in (("stripe.db", "belongs to the Stripe account"), ("mentorhold.db", "remembers payments that")):
        left = tmp_path.with_name(f"without-{half}")
        shutil.copytree(tmp_path, left, ignore=lambda _, names, half=half: [n for n in names if n.startswith(half)])
        with pytest.raises(AssertionError, match=f"bin/demo ended.*{said}.*belong together: delete both"):
            House(left)


def _stops_cleanly(house: House) -> None:
    assert house.stop() == 0
    assert house.inhabitants == []
    assert is_free(house.port)
    assert is_free(house.simulator_port)
