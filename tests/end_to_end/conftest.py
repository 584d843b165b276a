from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import checkout
from tests.checkout import Checkout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of the project whose platform is up: one for each file, since a file may change its settings."""
    # Blank, apostrophe and accent are on purpose.
    copy = checkout.make(tmp_path_factory.mktemp("end-to-end") / "l'été à Lyon")
    try:
        started = copy.local("up")
        assert started.returncode == 0, started.stderr
        yield copy
    finally:
        stopped = copy.local("down")
    assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="module")
def stack(project: Checkout) -> Checkout:
    """The same, with the local stack made."""
    up = project.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    return project
