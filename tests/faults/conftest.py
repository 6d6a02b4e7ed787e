"""What all faults have in common."""

import pytest
import stripe as library


@pytest.fixture(autouse=True)
def hasty_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library waits half a second before it tries again; here that would only cost time."""
    monkeypatch.setattr(library.HTTPClient, "INITIAL_DELAY", 0.01)
