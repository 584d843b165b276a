"""Names of targets and of the blocks that Pulumi keeps in Prefect for each of them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from flows.errors import UsageError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
# The stack's setting `namePrefix`, which begins the names of all its objects in Prefect.
PREFIX = "STACK_NAME_PREFIX"

_TARGET = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def check_target(target: str) -> str:
    """Return ``target`` if it can be the name of an environment, that is of a Pulumi stack and of blocks.

    Raises UsageError otherwise: lower-case letters, digits and inner dashes, at most 40 characters.
    """
    if not _TARGET.fullmatch(target):
        raise UsageError(
            f"{target!r} is not the name of a target. A target is the name of a Pulumi stack, as in "
            "Pulumi.dev.yaml: lower-case letters, digits and dashes, at most 40 characters, for example "
            "`--target dev`."
        )
    return target


def bring_up(target: str) -> str:
    """Return the command that creates or repairs everything a target needs, with what to watch out for."""
    command = f"`pulumi up -s {target}`"
    if (PROJECT_ROOT / f"Pulumi.{target}.yaml").exists():
        return f"{command} (add `--refresh` if it was removed or changed outside Pulumi)"
    if (PROJECT_ROOT / "Pulumi.yaml").exists():
        return f"{command} (there is no Pulumi.{target}.yaml here: is the target's name right?)"
    # As in the container image, which holds the flow alone.
    return f"{command}, where the project is checked out (`--refresh` if it was changed outside Pulumi)"


def dbt_cli_profile(target: str) -> str:
    """Return the name of the block with the dbt profile, which refers to the two others."""
    return _name("dbt-cli-profile", target)


def bigquery_target_configs(target: str) -> str:
    """Return the name of the block with project, dataset, location and dbt's other BigQuery settings."""
    return _name("bigquery-target-configs", target)


def gcp_credentials(target: str) -> str:
    """Return the name of the block with the identity that dbt has in Google Cloud."""
    return _name("gcp-credentials", target)


def slot(target: str) -> str:
    """Return the name of the limit whose only slot a run of the target holds, and of the tag that says so."""
    return _name("dbt", target)


def prefix_hint() -> str:
    """Return what to say of the prefix where a name that begins with it, or without one, is not there."""
    if prefix := _prefix():
        return f" ({PREFIX} is {prefix!r}: is that the stack's `namePrefix`?)"
    return ""


def _name(kind: str, target: str) -> str:
    return "-".join(part for part in (_prefix(), kind, target) if part)


def _prefix() -> str:
    """Return the prefix. Raises UsageError for one that no stack can have."""
    prefix = os.environ.get(PREFIX, "")
    if prefix and not _TARGET.fullmatch(prefix):
        raise UsageError(
            f"{PREFIX} is {prefix!r}, and a stack's `namePrefix` has small letters, digits and inner dashes."
        )
    return prefix
