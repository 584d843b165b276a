"""What `Pulumi.yaml` says of the project, read where it is needed, so that it stands there alone."""

from __future__ import annotations

import functools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = "Pulumi.yaml"
# Pulumi's own rule for the name of a project.
_NAME = re.compile(r"""(?m)^name:\s*["']?([A-Za-z0-9_.-]+)""")


@functools.cache
def namespace() -> str:
    """The project's name, which a stack's settings have as a prefix, as in `projet-m2-bi:threads`."""
    found = _NAME.search((ROOT / FILE).read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{FILE} has no `name:` of the project")
    return found[1]
