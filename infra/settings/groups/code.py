"""Where runs of a process work pool find this project: in a directory, or in a clone of their own."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from infra.settings.groups.running import check_alert_block, need_a_pool
from infra.settings.mixes import MIX, without_effect

# As git takes them; the last one is SSH's short form.
_REPOSITORY = re.compile(r"(?:https|ssh|file)://\S+|[\w.-]+@[\w.-]+:\S+")


def check_repository(value: str, info: ValidationInfo) -> str:
    """Return a repository's address; raise ValueError where it is none, or holds a secret."""
    need_a_pool(("process",), "codeRepository", value, info)
    if not value:
        return value
    if not _REPOSITORY.fullmatch(value):
        raise ValueError(
            f"{value!r} is no address of a repository, such as https://github.com/me/flights.git"
        )
    if "://" in value and urlsplit(value).password:
        # Of this kind, so that the value is not shown.
        raise PydanticCustomError(
            MIX,
            "the address holds a password, which Prefect's page would show. Keep it in a block of Prefect's, "
            "and name that: `pulumi config set codeAccessBlock secret/NAME -s <stack>`",
        )
    return value


def check_access_block(value: str, info: ValidationInfo) -> str:
    """Return `<type>/<name>` of a block, or the empty text; raise ValueError where it opens nothing."""
    if value and info.data.get("code_repository") == "":
        raise without_effect(
            "codeAccessBlock",
            "without `codeRepository` it has no effect",
            "codeRepository https://github.com/me/flights.git",
        )
    return check_alert_block(value)


def check_path(value: str, info: ValidationInfo) -> str:
    """Return a directory; raise ValueError where it is not absolute, not used, or missing.

    Empty means the directory of `pulumi up`. Only of the embedded platform is it known that workers are on
    the same machine; elsewhere the deployment would be another for each who runs `pulumi up`.
    """
    need_a_pool(("process",), "codePath", value, info)
    # What is wrong itself is not there, and told already.
    if info.data.get("work_pool_type") != "process" or "code_repository" not in info.data:
        return value
    cloned = info.data["code_repository"]
    if value and cloned:
        raise without_effect(
            "codePath", "with `codeRepository` each run works in a clone of its own", "codeRepository ''"
        )
    if value and not PurePosixPath(value).is_absolute():
        raise ValueError(f"{value!r} is no absolute directory, such as /srv/dbt")
    if not value and not cloned and not info.data.get("bigquery_endpoint"):
        raise ValueError(
            "where do the workers have this project? Its directory on their machine is missing, and so is "
            "`codeRepository`, from which each run would clone it"
        )
    return value
