"""What stands for pip, or for a command of Pulumi's CLI, in tests says the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from local.paths import PROJECT
from tests.pulumi_stack import QUICK_PIP


def listed(**environment: str) -> list[tuple[str, str, str]]:
    """Pulumi's packages, as its language host is told them."""
    command = [sys.executable, "-m", "pip", "list", "-v", "--format", "json"]
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | environment, capture_output=True, check=True, timeout=120
    )
    found = [(one["name"], one["version"], one["location"]) for one in json.loads(done.stdout)]
    return sorted(one for one in found if one[0].startswith("pulumi"))


def test_pip_says_the_same() -> None:
    quick = listed(PYTHONPATH=str(QUICK_PIP))
    assert {name for name, _, _ in quick} == {"pulumi", "pulumi_gcp"}
    assert quick == listed()
