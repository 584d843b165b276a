"""The variables that make pulumi, prefect, dbt and the flow talk to the local platform."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local.errors import LocalError
from local.platform.ports import HOST

if TYPE_CHECKING:
    from local.paths import Paths
    from local.platform.settings import Settings

# Would lead a command away from the local platform, to a real account.
UNSET = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CREDENTIALS",
    "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_PROFILE",
    "PREFECT_UI_URL",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_STACK",
)


def owner_token(paths: Paths) -> str:
    """Read the bearer token of the project's owner.

    Raises:
        LocalError: the platform was never started, so that there is none yet.
    """
    try:
        return paths.owner_token.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise LocalError(
            "the local platform has not been started here yet: run `python -m local up`"
        ) from error


def variables(paths: Paths, settings: Settings, token: str, pulumi_bin: Path) -> dict[str, str]:
    """The platform's variables, without those of the surrounding shell."""
    return {
        "PATH": os.pathsep.join(
            [str(Path(sys.executable).parent), str(pulumi_bin), *_other_path(pulumi_bin)]
        ),
        "PULUMI_HOME": str(paths.pulumi_home),
        # Without metadata there is no file beside the state that a killed pulumi can leave empty.
        "PULUMI_BACKEND_URL": f"{paths.pulumi_state.as_uri()}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.passphrase),
        # The stack's salt is in its state too: a checkout that lost the line from Pulumi.local.yaml goes on.
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PREFECT_HOME": str(paths.prefect),
        "PREFECT_API_URL": settings.prefect_api_url,
        "GOOGLE_CLOUD_PROJECT": settings.project,
        "GOOGLE_OAUTH_ACCESS_TOKEN": token,
        "BIGQUERY_API_ENDPOINT": settings.google_url,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    } | past_proxies()


def past_proxies() -> dict[str, str]:
    """Let addresses on this machine go past a proxy, for all that read the usual variables."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    if "*" in hosts:
        return {}
    value = ",".join(dict.fromkeys([*hosts, HOST, "localhost"]))
    return {"NO_PROXY": value, "no_proxy": value}


def process_environment(variables: dict[str, str]) -> dict[str, str]:
    """The surrounding environment with the platform's variables in place of what would lead elsewhere."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return kept | variables


def as_shell(variables: dict[str, str]) -> str:
    """Lines for `eval "$(python -m local env)"`."""
    lines = [f"unset {' '.join(UNSET)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join(lines)


def _other_path(pulumi_bin: Path) -> list[str]:
    first = {str(Path(sys.executable).parent), str(pulumi_bin)}
    return [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry and entry not in first]
