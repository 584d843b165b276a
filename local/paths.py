"""Where things are kept. All state is below `.local/`; the Pulumi CLI, built once, is in the user's cache."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def user_cache() -> Path:
    """The user's cache directory for this project (XDG on Linux, ~/Library/Caches on macOS)."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "projet-m2-bi"


@dataclass(frozen=True)
class Paths:
    """Every path that the platform writes to, from the project's root."""

    root: Path = PROJECT

    @property
    def state(self) -> Path:
        return self.root / ".local"

    @property
    def stack_settings(self) -> Path:
        return self.root / "Pulumi.local.yaml"

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def bigquery(self) -> Path:
        return self.state / "bigquery"

    @property
    def bigquery_socket(self) -> Path:
        return self.run / "bigquery.sock"

    @property
    def google(self) -> Path:
        return self.state / "google"

    @property
    def owner_token(self) -> Path:
        return self.google / "owner-token"

    @property
    def prefect(self) -> Path:
        return self.state / "prefect"

    @property
    def pulumi_home(self) -> Path:
        return self.state / "pulumi"

    @property
    def pulumi_state(self) -> Path:
        return self.state / "state"

    @property
    def passphrase(self) -> Path:
        return self.state / "passphrase"

    @property
    def emulator_python(self) -> Path:
        return self.root / "local" / "emulator" / ".venv" / "bin" / "python"
