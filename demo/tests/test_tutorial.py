"""docs/tutorial.md, command by command, in a copy of the project."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.paths import PROJECT
from tests import checkout
from tests.checkout import Checkout
from tests.end_to_end import servers

pytestmark = pytest.mark.real

# What a reader types, and what does the same in a copy that is set up already.
SET_UP = {"make demo": "python -m local demo", "make down": "python -m local down"}
BLOCK = re.compile(r"^```sh( fails)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, bool]]:
    """Each block of commands, and whether it shall fail."""
    text = (PROJECT / "docs" / "tutorial.md").read_text()
    return [(found[2].strip(), bool(found[1])) for found in BLOCK.finditer(text)]


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Checkout]:
    made = checkout.make(tmp_path / "a copy")
    try:
        yield made
    finally:
        assert made.local("down").returncode == 0


def test_every_command_of_the_tutorial_does_what_it_says(copy: Checkout) -> None:
    typed = commands()
    assert len(typed) > 10
    # The platform's variables, as after the tutorial's `eval`; the shell that starts it has none.
    python = shlex.quote(str(Path(sys.executable).parent))
    (started, _), *rest = typed
    first = copy.local("demo")
    assert SET_UP[started] == "python -m local demo"
    assert first.returncode == 0, first.stderr
    for command, fails in rest:
        words = SET_UP.get(command, command)
        done = copy.run("bash", "-e", "-c", f"PATH={python}:$PATH; {words}")
        shown = f"{command}\n{done.stdout}\n{done.stderr}"
        assert (done.returncode != 0) is fails, shown
        assert "Traceback" not in done.stderr, shown
        if "dbt show" in command:
            assert "United Air Lines" in done.stdout, shown
            assert "58665" in done.stdout, shown
        if command.startswith("pulumi destroy -s local"):
            assert servers.datasets(copy) == set()
            assert servers.block_names(copy) == set()
