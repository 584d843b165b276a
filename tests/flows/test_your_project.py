"""docs/your-project.md against the code; its example is read in test_adopt, and runs in tests/end_to_end."""

from __future__ import annotations

import importlib.util
import re

import yaml

from flows import operation
from flows.commands import command_line
from tests.flows.servers import ROOT

PAGE = (ROOT / "docs" / "your-project.md").read_text()


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_setting_of_the_page_is_one() -> None:
    settings = set(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"])
    named = re.findall(r"pulumi config set (?:--path )?'?(?:projet-m2-bi:)?([A-Za-z]+)(?=[ .'\[])", PAGE)
    assert len(set(named)) > 4
    assert set(named) <= settings | {f"projet-m2-bi:{name}" for name in settings}, named


def test_every_command_of_the_page_is_one() -> None:
    modules = set(re.findall(r"python -m ([\w.]+)", PAGE))
    assert {"flows.adopt", "flows.pipeline", "flows.operation"} <= modules
    for module in modules:
        assert importlib.util.find_spec(module), module


def test_every_way_to_run_of_the_page_is_an_option() -> None:
    known = options(command_line.parser().format_help() + operation._parser().format_help())
    named = options(section("Ways to run"))
    assert {"--build", "--selector", "--threads", "--empty", "--event-time-start"} <= named <= known
