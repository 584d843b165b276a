from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where these tests run in continuous integration, the settings would ask for the workers' directory."""
    monkeypatch.delenv("CI", raising=False)
