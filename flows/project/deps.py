"""Install the packages of a dbt project, where they lack: `dbt deps`, in a process of its own.

dbt needs seconds to start and goes into the project's directory for it; most runs install nothing.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.errors import DbtError, NotSetUpError, PipelineError, UnreachableError
from flows.observe.redaction import redactor
from flows.project import packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

HUB = "https://hub.getdbt.com"
_LOCK = "packages.lock"
_MAIN = "import sys; from dbt.cli.main import cli; sys.exit(cli())"
# git and ssh would ask somebody at the keyboard, and wait for ever where there is nobody.
_ASKS_NOBODY = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
    "GCM_INTERACTIVE": "never",
}
_AWAY = re.compile(
    r"external connection exception|max retries exceeded|could(?:n't| not) (?:resolve|connect)|"
    r"failed to connect|"
    r"connection (?:refused|reset|timed out)|operation timed out|name resolution|network is unreachable|"
    r"could not read from remote|the remote end hung up|\b50[0234]\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"authentication failed|could not read (?:username|password)|permission denied|repository .*not found|"
    r"access denied|\b40[13]\b|invalid credentials",
    re.IGNORECASE,
)
_NO_GIT = re.compile(
    r"no such file or directory: '?git|could not find command.*git", re.IGNORECASE | re.DOTALL
)
_PREFIX = re.compile(r"^.*Encountered an error:\s*(?:Internal Error|Runtime Error)?", re.DOTALL)
_HOST = re.compile(r"host='([^']+)', port=(\d+)")
_REPOSITORY = re.compile(r"for repo (\S+)")


def install(
    project_dir: Path, environment: Mapping[str, str], variables: str, log: Callable[[int, str], None]
) -> None:
    """Install the project's packages if some lack. ``variables`` is what `--vars` gets, "" for nothing.

    One process at a time does it, others wait for it and find them there. ``environment`` is what dbt sees
    beside this process's own, such as the credentials of a private repository.

    Raises UnreachableError if the hub or a repository does not answer, NotSetUpError if one asks for another
    credential or there is no git, DbtError if dbt stops for another reason.
    """
    if not packages.specified(project_dir):
        return
    with _alone(project_dir, log):
        why = packages.lacking(project_dir)
        if why is None:
            packages.note(project_dir)
            return
        log(logging.INFO, f"installing {', '.join(packages.specified(project_dir))}: {why}")
        _run(project_dir, environment, variables, log)
        packages.note(project_dir)


@contextmanager
def _alone(project_dir: Path, log: Callable[[int, str], None]) -> Iterator[None]:
    directory = project_dir / "target"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / _LOCK).open("w", encoding="utf-8")
    except OSError:
        # An image may be read-only, with its packages in it: then nobody installs them.
        yield
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log(logging.INFO, "waiting for another run that installs the packages")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(
    project_dir: Path, environment: Mapping[str, str], variables: str, log: Callable[[int, str], None]
) -> None:
    redact = redactor(environment.values())
    with tempfile.TemporaryDirectory(prefix="dbt-deps-") as logs:
        command = [sys.executable, "-c", _MAIN, "--log-format", "json", "--log-path", logs, "--no-use-colors"]
        command += ["--no-send-anonymous-usage-stats", "deps", "--project-dir", str(project_dir)]
        command += ["--vars", variables] if variables else []
        env = {**_ASKS_NOBODY, **os.environ, **environment}
        errors: list[str] = []
        with subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                for line in process.stdout or ():
                    level, said = _read(line)
                    if level >= logging.ERROR:
                        errors.append(redact(said))
                    elif said:
                        log(level, redact(said))
            except BaseException:
                process.kill()
                raise
    if process.returncode:
        raise failure(project_dir, "\n".join(errors), environment)


def _read(line: str) -> tuple[int, str]:
    """Return level and text of a line of dbt's log. One that is none of dbt's is an error of Python's."""
    try:
        found: Any = json.loads(line)["info"]
        if str(found["msg"]).startswith("Traceback "):
            return logging.DEBUG, ""
        levels = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO}
        return levels.get(found["level"], logging.DEBUG), str(found["msg"]).strip()
    except (ValueError, KeyError, TypeError):
        return logging.ERROR, line.strip()


def failure(project_dir: Path, said: str, environment: Mapping[str, str] | None = None) -> PipelineError:
    """Return the error for what dbt said when it could not install the packages."""
    words = " ".join(_PREFIX.sub("", said).split()) or "dbt deps gave no reason"
    repository = _REPOSITORY.search(said)
    by_hand = (
        f"Or install them where it answers (`dbt deps --project-dir {project_dir}`) and bring "
        f"{packages.install_path(project_dir) or 'them'} with the project."
    )
    if _NO_GIT.search(said):
        return NotSetUpError(
            f"the packages of {project_dir} need git, which is not on this machine's PATH: {words}. "
            f"Install git. {by_hand}"
        )
    if repository and _REFUSED.search(said):
        return NotSetUpError(
            f"the git repository {repository.group(1)}, a package of {project_dir}, refuses this machine: "
            f"{words}. Give dbt a credential for it: `{{{{ env_var('DBT_ENV_SECRET_GIT_CREDENTIAL') }}}}` in "
            "its address, and that variable in the flow's environment; or give this machine an SSH key."
        )
    if _AWAY.search(said):
        host = _HOST.search(said)
        hub = (environment or {}).get("DBT_PACKAGE_HUB_URL") or os.environ.get("DBT_PACKAGE_HUB_URL") or HUB
        where = (
            f"the git repository {repository.group(1)}"
            if repository
            else f"dbt's package hub {hub.rstrip('/')}"
        )
        if host and not repository and host.group(1) not in hub:
            where = f"{host.group(1)}, from which dbt's package hub sends packages,"
        return UnreachableError(
            f"{where} does not answer, so the packages of {project_dir} can't be installed: {words}. "
            f"{by_hand}"
        )
    return DbtError(f"dbt deps stopped: {words}")
