"""Fixtures for whoever wants the whole project running; pytest loads them for all tests (`-p`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import checkout
from tests.checkout import Checkout


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of the project, one for each process of tests: servers take long to start."""
    # Blank, apostrophe and accent are on purpose.
    made = checkout.make(tmp_path_factory.mktemp("end-to-end") / "l'été à Lyon")
    try:
        yield made
    finally:
        stopped = made.local("down")
    assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="module")
def project(copy: Checkout) -> Checkout:
    """The copy as if it were new, with its platform up: a file may change whatever it wants."""
    copy.renew()
    return copy


@pytest.fixture(scope="module")
def stack(project: Checkout) -> Checkout:
    """The same, with the local stack made."""
    up = project.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    return project
