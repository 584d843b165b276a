"""Fixtures for whoever wants the whole project running; pytest loads them for all tests (`-p`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests import checkout
from tests.checkout import Checkout

# Files that go on with what another one has left, with the first of them: one process runs these in turn.
_STACK = "tests/end_to_end/test_at_rest.py"
TOGETHER = {
    "tests/end_to_end/test_bad_input.py": _STACK,
    "tests/end_to_end/test_doors.py": _STACK,
    "tests/end_to_end/test_guards.py": _STACK,
}
# What takes longest begins first, so that no process ends alone with it.
LONGEST = (
    "demo/tests/test_tutorial.py",
    "tests/end_to_end/test_deployment.py",
    "demo/tests/test_lifecycle.py",
)


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """One file, one process; and the same one for files that share what they start."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    """Where tests are spread by file, spread them so."""
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; all else stays in order."""
    rank = {file: number for number, file in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.location[0], len(LONGEST)))


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of the project, one for each process of tests: servers take long to start."""
    # Blank, apostrophe and accent are on purpose.
    _Copy.made = made = checkout.make(tmp_path_factory.mktemp("end-to-end") / "l'été à Lyon")
    try:
        yield made
    finally:
        rest()


class _Copy:
    """This process's copy, and whether it has the stack that the last file has left."""

    made: Checkout | None = None
    stack = False


def rest() -> None:
    """Stop the platform of this process's copy, if it has one: idle, it takes a twentieth of a processor.

    Whoever asks for the copy again has it renewed, and so started.
    """
    if _Copy.made:
        _Copy.stack = False
        stopped = _Copy.made.local("down")
        assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="module")
def project(copy: Checkout) -> Checkout:
    """The copy as if it were new, with its platform up: a file may change whatever it wants."""
    _Copy.stack = False
    copy.renew()
    return copy


@pytest.fixture(scope="module")
def stack(copy: Checkout, request: pytest.FixtureRequest) -> Iterator[Checkout]:
    """The same, with the local stack made.

    Where a file says `LEAVES_THE_STACK`, because it leaves all as it was, the next one goes on with it.
    """
    if not _Copy.stack:
        copy.renew()
        up = copy.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.stdout + up.stderr
    _Copy.stack, failed = False, request.session.testsfailed
    yield copy
    well = request.session.testsfailed == failed
    _Copy.stack = well and getattr(request.module, "LEAVES_THE_STACK", False)
