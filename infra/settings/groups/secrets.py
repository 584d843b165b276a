"""Secrets of Google's Secret Manager, by name: what a job on Cloud Run reads for itself."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from infra.settings.groups.running import need_a_pool
from infra.settings.mixes import MIX

# https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions
_SECRET = re.compile(
    r"(?:projects/(?P<project>[\w-]+)/secrets/)?(?P<name>[\w-]{1,255})(?::(?P<version>latest|[1-9]\d*))?"
)

# How keys of Prefect Cloud begin, of people and of service accounts.
_KEYS = ("pnu_", "pnb_")


class Secret(NamedTuple):
    """A version of a secret. ``project`` is empty for that of the jobs."""

    project: str
    name: str
    version: str

    @property
    def reference(self) -> dict[str, str]:
        """What Cloud Run's `secretKeyRef` says."""
        name = f"projects/{self.project}/secrets/{self.name}" if self.project else self.name
        return {"secret": name, "version": self.version}


def parsed(value: str) -> Secret | None:
    """Return the secret that a setting names, None where it names none."""
    match = _SECRET.fullmatch(value)
    return Secret(match["project"] or "", match["name"], match["version"] or "latest") if match else None


def check_api_key(value: str, info: ValidationInfo) -> str:
    """Return the name of the secret with Prefect's API key; raise an error as `_check` does."""
    return _check("prefectApiKeySecret", value, info)


def check_auth_string(value: str, info: ValidationInfo) -> str:
    """Return the name of the secret with a Prefect server's password; raise an error as `_check` does."""
    return _check("prefectAuthStringSecret", value, info)


def _check(setting: str, value: str, info: ValidationInfo) -> str:
    """Raise an error where it is no name, or nothing reads it; it may be the key, so it is not shown."""
    need_a_pool(("cloud-run-v2",), setting, value, info)
    if value and (parsed(value) is None or value.startswith(_KEYS)):
        raise PydanticCustomError(
            MIX,
            "it has to be the name of a secret in Google's Secret Manager, such as prefect-api-key or "
            "prefect-api-key:3, never what the secret holds",
        )
    return value
