"""State that one Python minor version wrote lives on under another, both ways, on the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers import other_python, programs
from tests.providers.engine import Stack
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real

PROGRAM = f"""{programs.CHAIN}
import sys
pulumi.export("minor", sys.version_info.minor)
"""


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return other_python.make(tmp_path_factory.mktemp("other-python"))
    except other_python.NotHereError as reason:
        pytest.skip(str(reason))


def test_state_lives_on(stack: Stack, other: Path, prefect: PrefectServer, prefix: str) -> None:
    stack.config("prefix", prefix)
    stack.program(PROGRAM)
    stack.up()
    own, written_by = stack.python, stack.pulumi("stack", "output", "minor")
    stack.python = other
    stack.pulumi("preview", "--expect-no-changes")
    assert stack.refresh() == {"same": 4}
    stack.config("threads", "5")
    assert stack.up()["update"] == 1
    assert stack.pulumi("stack", "output", "minor") != written_by
    assert prefect.documents(prefix)[f"{prefix}bigquery-target-configs"]["data"]["threads"] == 5
    stack.python = own
    assert stack.refresh() == {"same": 4}
    stack.destroy()
    assert prefect.documents(prefix) == {}
