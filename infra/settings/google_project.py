"""Put somebody's Google project into the file of every stack, in the place of the one that is there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from infra.settings.model import PROJECT
from infra.settings.project import ROOT

# The project that this was made for, in the files as they come.
ORIGINAL = "decisive-plasma-473714-i8"
COMMAND = "python -m infra.settings --google-project YOUR-PROJECT"
# The embedded platform's stack, which has a project of its own.
_LOCAL = "Pulumi.local.yaml"
_LINE = re.compile(r"(?m)^(\s+gcp:project:[ \t]*)(\S+)")
NEW_STACK = "infra/new-stack.yaml"


def files() -> list[Path]:
    """The stacks' files, and the one to copy for a new stack."""
    stacks = [path for path in sorted(ROOT.glob("Pulumi.*.yaml")) if path.name != _LOCAL]
    return [*stacks, ROOT / NEW_STACK]


def main(project: str) -> int:
    """Write it; what stood there is told, since stacks that exist stay in the project that they are in."""
    if not re.fullmatch(PROJECT, project):
        print(
            f"error: {project!r} is no id of a Google project: 6 to 30 small letters, digits and dashes. "
            "`gcloud projects list` shows yours",
            file=sys.stderr,
        )
        return 2
    for path in files():
        text = path.read_text(encoding="utf-8")
        found = _LINE.search(text)
        had = found[2] if found else "none"
        if found and had != project:
            path.write_text(_LINE.sub(rf"\g<1>{project}", text), encoding="utf-8")
        name = path.relative_to(ROOT)
        print(f"{name}: {project}" + (f" (was {had})" if had != project else ", as it was"))
    return 0
