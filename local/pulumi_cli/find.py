"""The decision which Pulumi CLI is used; see `directory`."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from local.pulumi_cli import build, official, version

Say = Callable[[str], None]


def directory(cache: Path, say: Say) -> Path:
    """The directory that holds `pulumi` and its Python language host.

    In this order: the one on PATH if it is new enough; the one that an earlier call put into `cache`; the
    official installer's; one built from Go modules. The last two go into `cache` and are used again.

    Raises:
        LocalError: none could be had; the message says what was tried and what to do.
    """
    found = existing(cache, say)
    if found is not None:
        return found
    why = official.install(cache / _name("pulumi"), say)
    if why is None:
        return cache / _name("pulumi") / "bin"
    say(f"Pulumi's installer is not available ({why}); building the CLI from its Go modules instead")
    return build.build(cache / _name("pulumi-built"), say) / "bin"


def existing(cache: Path, say: Say) -> Path | None:
    """The same where it is there already; None where it would have to be installed or built."""
    found = on_path(os.environ.get("PATH", ""), cache, say)
    if found is not None:
        return found
    for home in (cache / _name("pulumi"), cache / _name("pulumi-built")):
        if version.of(home / "bin" / "pulumi") is not None:
            return home / "bin"
    return None


def on_path(path: str, cache: Path, say: Say) -> Path | None:
    """The directory of a usable `pulumi` on PATH; says why one that is there is not used."""
    # Our own directories may be on PATH already, from `python -m local env`.
    outside = [entry for entry in path.split(os.pathsep) if entry and not Path(entry).is_relative_to(cache)]
    executable = shutil.which("pulumi", path=os.pathsep.join(outside))
    if executable is None:
        return None
    found = version.of(Path(executable))
    if found is None:
        say(f"{executable} does not run: it is not used")
        return None
    if found < version.MINIMUM:
        say(
            f"{executable} is Pulumi {version.text(found)}, older than {version.text(version.MINIMUM)}: "
            "it is not used (upgrade it: https://www.pulumi.com/docs/install/)"
        )
        return None
    home = Path(executable).parent
    if not (home / "pulumi-language-python").exists() and shutil.which("pulumi-language-python") is None:
        say(f"{executable} has no Python language host beside it: it is not used")
        return None
    return home


def _name(kind: str) -> str:
    # A home directory may be shared by machines of several kinds.
    return f"{kind}-{build.digest()}-{sys.platform}-{platform.machine().lower()}"
