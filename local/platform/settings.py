"""The addresses of the platform, read from `Pulumi.local.yaml`: the one place where its ports are decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import yaml

from local.errors import LocalError

if TYPE_CHECKING:
    from pathlib import Path

BIGQUERY = "gcp:bigQueryCustomEndpoint"
PREFECT = "prefect:apiUrl"
PROJECT = "gcp:project"


@dataclass(frozen=True)
class Settings:
    """What the local stack's configuration says of the platform."""

    source: Path
    project: str
    google_port: int
    prefect_port: int

    @property
    def google_url(self) -> str:
        """Base address of the Google endpoints."""
        return f"http://127.0.0.1:{self.google_port}"

    @property
    def prefect_api_url(self) -> str:
        """What PREFECT_API_URL is set to."""
        return f"http://127.0.0.1:{self.prefect_port}/api"

    @property
    def prefect_page(self) -> str:
        """Address of Prefect's page."""
        return f"http://127.0.0.1:{self.prefect_port}"


def load(path: Path) -> Settings:
    """Read the platform's addresses.

    Raises:
        LocalError: the file is missing, is no YAML, or an address is not on 127.0.0.1 with a port.
    """
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    except FileNotFoundError as error:
        raise LocalError(f"{path.name} is missing: run `git checkout {path.name}`") from error
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise LocalError(f"{path.name} can't be read as stack settings: {error}") from error
    if not isinstance(config, dict):
        raise LocalError(f"{path.name} has no settings under `config:`")
    return Settings(
        source=path,
        project=_text(config, PROJECT, path),
        google_port=_port(config, BIGQUERY, path),
        prefect_port=_port(config, PREFECT, path),
    )


def line_of(path: Path, key: str) -> str:
    """`Pulumi.local.yaml line 7 (gcp:project)`, for messages."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip().startswith(f"{key}:"):
            return f"{path.name} line {number} ({key})"
    return f"{path.name} ({key})"


def _text(config: dict[str, object], key: str, path: Path) -> str:
    value = config.get(key)
    if not isinstance(value, str) or not value:
        raise LocalError(f"{path.name}: `{key}` is missing; the local platform needs it")
    return value


def _port(config: dict[str, object], key: str, path: Path) -> int:
    value = _text(config, key, path)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        port = None
    if port is None or parts.hostname != "127.0.0.1":
        raise LocalError(
            f"{line_of(path, key)}: {value!r} must be an address such as http://127.0.0.1:19050/…: "
            "the local platform listens on 127.0.0.1 only"
        )
    return port
