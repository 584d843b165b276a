"""What stacks on this machine have begun to make, of the kinds that have no room for an owner's mark.

One empty file for each. It is written before the request, so that a later `up`
knows an object again whose making was interrupted before it came into the state.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


class Claims:
    """The claims in a directory; without one, of this process alone.

    That a directory can't be written only means that none is known later.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._own: set[tuple[str, ...]] = set()

    def __contains__(self, what: tuple[str, ...]) -> bool:
        return what in self._own or bool(self._directory and self._file(what).is_file())

    def add(self, what: tuple[str, ...]) -> None:
        """Note that this is about to be made."""
        self._own.add(what)
        with suppress(OSError):
            if self._directory:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._file(what).touch()

    def drop(self, what: tuple[str, ...]) -> None:
        """Forget it."""
        self._own.discard(what)
        with suppress(OSError):
            if self._directory:
                self._file(what).unlink(missing_ok=True)

    def _file(self, what: tuple[str, ...]) -> Path:
        return (self._directory or Path()) / hashlib.sha256("\n".join(what).encode()).hexdigest()


def of_user(environment: Mapping[str, str] = os.environ) -> Claims:
    """Return the claims of this machine's user, beside Pulumi's own files."""
    return Claims(Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi") / "prefect-claims")
