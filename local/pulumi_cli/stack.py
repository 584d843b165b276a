"""The local stack after a pulumi command that did not end as it should."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import psutil
import yaml

from local.errors import LocalError

if TYPE_CHECKING:
    from pathlib import Path

    from local.paths import Paths

NAME = "local"
PULUMI_SECONDS = 300


def state_file(paths: Paths) -> Path:
    """The stack's state in the file backend."""
    project = str(yaml.safe_load((paths.root / "Pulumi.yaml").read_text(encoding="utf-8"))["name"])
    return paths.pulumi_state / ".pulumi" / "stacks" / project / f"{NAME}.json"


def recover(paths: Paths, env: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Make the stack usable after a pulumi that was killed: readable, no lock, no unfinished operations.

    Raises:
        LocalError: the state can't be read, or pulumi can't mend it.
    """
    _drop_empty_metadata(paths)
    if _has_dead_lock(paths):
        say("a pulumi that was killed left the stack locked: releasing it")
        pulumi(paths, env, "cancel", "--yes", f"--stack={NAME}")
    if _pending(paths):
        say("a pulumi that was killed left operations unfinished: refreshing the stack")
        pulumi(paths, env, "refresh", "--yes", "--skip-preview", "--clear-pending-creates", f"--stack={NAME}")


def pulumi(paths: Paths, env: Mapping[str, str], *arguments: str) -> str:
    """Run pulumi without questions; what it printed.

    Raises:
        LocalError: it failed or took too long, with its own message.
    """
    words = f"`pulumi {' '.join(arguments)}`"
    executable = shutil.which("pulumi", path=env["PATH"]) or "pulumi"
    argv = [executable, *arguments, "--non-interactive"]
    try:
        done = subprocess.run(
            argv,
            cwd=paths.root,
            env=dict(env),
            capture_output=True,
            text=True,
            check=False,
            timeout=PULUMI_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"{words} did not end within {PULUMI_SECONDS} s") from error
    if done.returncode != 0:
        raise LocalError(f"{words} failed:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _drop_empty_metadata(paths: Paths) -> None:
    """Take away what makes Pulumi say *failed to load checkpoint: EOF*.

    A file backend without ``metadata=skip`` keeps ``<file>.attrs`` beside each file, and empties that before
    it replaces the file (gocloud.dev 0.46, ``blob/fileblob``). Pulumi does without it.
    """
    for metadata in paths.pulumi_state.rglob("*.attrs"):
        if metadata.stat().st_size == 0:
            metadata.unlink()


def _has_dead_lock(paths: Paths) -> bool:
    locks = paths.pulumi_state / ".pulumi" / "locks"
    for lock in locks.rglob("*.json"):
        try:
            pid = int(json.loads(lock.read_text(encoding="utf-8"))["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if not psutil.pid_exists(pid):
            return True
    return False


def _pending(paths: Paths) -> bool:
    file = state_file(paths)
    try:
        checkpoint = json.loads(file.read_text(encoding="utf-8"))["checkpoint"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LocalError(
            f"the stack's state {file} is damaged: put {file.name}.bak beside it in its place, "
            "or run `python -m local reset` to start afresh"
        ) from error
    return bool((checkpoint.get("latest") or {}).get("pending_operations"))
