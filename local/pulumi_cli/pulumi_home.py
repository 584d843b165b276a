"""The local stack's own Pulumi, all in `.local/`: home, file backend, passphrase, gcp plugin, the stack."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from local.errors import LocalError
from local.gcp_plugin.install import write_plugin
from local.platform import git
from local.pulumi_cli import stack
from local.secret_file import write_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.paths import Paths

# The version of pulumi-gcp in uv.lock: the SDK asks the engine for a plugin of just this version.
GCP_VERSION = "10.2.0"
_SALT = re.compile(r"^encryptionsalt:.*\n?", re.MULTILINE)


def prepare(paths: Paths, env: Mapping[str, str]) -> None:
    """Make whatever of it is missing; what is there stays.

    Raises:
        LocalError: a pulumi command failed, with its message; or the passphrase of existing secrets is gone.
    """
    paths.pulumi_home.mkdir(parents=True, exist_ok=True)
    paths.pulumi_state.mkdir(parents=True, exist_ok=True)
    exists = stack.state_file(paths).exists()
    if not paths.passphrase.exists():
        if exists:
            raise LocalError(
                f"{paths.passphrase} is missing, and without it the stack's secrets can't be read: "
                "put it back, or run `python -m local reset` to start afresh"
            )
        write_secret(paths.passphrase, secrets.token_urlsafe(32))
    _install_plugin(paths, env)
    if not exists:
        _forget_foreign_salt(paths.stack_settings)
        stack.pulumi(paths, env, "stack", "init", stack.NAME)
    git.hide_salt(paths.stack_settings)


def _install_plugin(paths: Paths, env: Mapping[str, str]) -> None:
    plugin = paths.pulumi_home / "plugins" / f"resource-gcp-v{GCP_VERSION}"
    with tempfile.TemporaryDirectory() as directory:
        shim = write_plugin(Path(directory))
        installed = plugin / shim.name
        if installed.exists() and installed.read_bytes() == shim.read_bytes():
            return
        shutil.rmtree(plugin, ignore_errors=True)
        stack.pulumi(paths, env, "plugin", "install", "resource", "gcp", GCP_VERSION, f"--file={directory}")


def _forget_foreign_salt(settings: Path) -> None:
    """A salt belongs to one passphrase; one from another machine or an earlier `.local/` fits none here."""
    text = settings.read_text(encoding="utf-8")
    without = _SALT.sub("", text)
    if without != text:
        settings.write_text(without, encoding="utf-8")
