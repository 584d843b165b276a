"""A copy of the project in a directory of its own: own ports, own `.local/`, own stack files."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.paths import PROJECT, Paths
from local.platform import settings
from local.platform.process import Process
from local.platform.settings import Settings
from tests import forks, prefect_database, prefect_objects, pulumi_stack, warm_python
from tests.ports import free_port

# What a team may have deleted.
APART = "demo"
PARTS = (
    "Pulumi.yaml",
    "Pulumi.local.yaml",
    "__main__.py",
    "infra",
    "providers",
    "flows",
    "dbt",
    "demo",
    "local",
)
LEFT_OUT = shutil.ignore_patterns(".venv", ".local")
# What dbt makes; `flows/` has a room of the same name.
LEFT_OUT_OF_DBT = shutil.ignore_patterns("target", "logs", "dbt_packages")
# What a copy keeps of its platform when it is renewed: the raw data's files, and Prefect.
KEPT = ("data", "lock", "logs", "prefect", "run")
COMMAND_SECONDS = 900
QUIET = ("--non-interactive", "--color=never")
QUICK = pulumi_stack.QUICK_GO | {"PYTHONPATH": str(pulumi_stack.QUICK_PIP)}


@dataclass(frozen=True)
class Checkout:
    """The copy, and how its commands are run."""

    root: Path
    # Of Google's endpoints and of Prefect.
    ports: tuple[int, int]

    @property
    def paths(self) -> Paths:
        return Paths(self.root)

    def local(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """`python -m local …` in the copy."""
        return self._run([sys.executable, "-m", "local", *arguments], os.environ | (env or {}))

    def run(self, *argv: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Any command, with the platform's variables."""
        return self._run(list(argv), self.variables() | (env or {}))

    def pulumi(self, *arguments: str, stack: str = "local") -> subprocess.CompletedProcess[str]:
        """`pulumi … -s local` without questions and colours."""
        # A language host that heeds `virtualenv` finds the same Python there.
        env = QUICK | {"PULUMI_PYTHON_CMD": str(warm_python.pulumi())}
        return self.run("pulumi", *arguments, "--stack", stack, *QUIET, env=env)

    def python(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """`python …` with the platform's variables."""
        argv = [sys.executable, *arguments]
        if forks.can(argv):
            return forks.run(argv, cwd=self.root, env=self.variables() | (env or {}), timeout=COMMAND_SECONDS)
        return self.run(*argv, env=env)

    @functools.cache  # noqa: B019  a handful of copies, each for as long as the tests run
    def variables(self) -> dict[str, str]:
        """What a shell has after `eval "$(python -m local env)"`; asked once, until the copy is renewed."""
        script = 'eval "$("$0" -m local env)" && exec env -0'
        shell = subprocess.run(
            ["sh", "-c", script, sys.executable],
            cwd=self.root,
            capture_output=True,
            check=True,
            timeout=COMMAND_SECONDS,
        )
        entries = shell.stdout.decode().rstrip("\0").split("\0")
        return dict(entry.split("=", 1) for entry in entries)

    def settings(self) -> Settings:
        """The platform's addresses."""
        return settings.load(self.paths.stack_settings)

    def stop(self, name: str) -> None:
        """Stop one of the platform's services, as a crash would."""
        assert Process(name, self.paths.run, self.paths.logs).stop()

    def set_line(self, file: str, key: str, value: str) -> int:
        """Replace the value of `key:` in a YAML file; the line's number."""
        path = self.root / file
        lines = path.read_text().splitlines()
        number = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{key}:"))
        lines[number] = lines[number].split(key)[0] + f"{key}: {value}"
        path.write_text("\n".join(lines) + "\n")
        return number + 1

    def renew(self) -> None:
        """As when it was made, with its platform up, but for the process of the Prefect server.

        That one takes longest to start. Its objects are deleted one by one.
        """
        for name in ("google", "bigquery"):
            Process(name, self.paths.run, self.paths.logs).stop()
        for path in self.root.iterdir():
            if path != self.paths.state:
                _remove(path)
        self.paths.state.mkdir(exist_ok=True)
        for path in self.paths.state.iterdir():
            if path.name not in KEPT:
                _remove(path)
        _fill(self.root, self.ports)
        started = self.local("up")
        assert started.returncode == 0, started.stderr
        Checkout.variables.cache_clear()
        prefect_objects.delete_all(self.variables()["PREFECT_API_URL"])

    def _run(self, argv: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            cwd=self.root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
            stdin=subprocess.DEVNULL,
        )


def make(root: Path) -> Checkout:
    """Copy the project to `root` and give the copy free ports."""
    root.mkdir(parents=True)
    ports = (free_port(), free_port())
    _fill(root, ports)
    made = Checkout(root, ports)
    prefect_database.put(made.paths.prefect)
    return made


def _fill(root: Path, ports: tuple[int, int]) -> None:
    for part in PARTS:
        source = PROJECT / part
        if part == APART and not source.exists():
            continue
        if source.is_dir():
            left_out = LEFT_OUT_OF_DBT if part == "dbt" else LEFT_OUT
            shutil.copytree(source, root / part, ignore=left_out)
        else:
            shutil.copy2(source, root / part)
    (root / "local" / "emulator" / ".venv").symlink_to(PROJECT / "local" / "emulator" / ".venv")
    _environment(root / ".venv")
    file = root / "Pulumi.local.yaml"
    text = re.sub(r"(?m)^encryptionsalt:.*\n?", "", file.read_text())
    here = settings.load(file)
    for theirs, own in zip((here.google_port, here.prefect_port), ports, strict=True):
        assert f"http://127.0.0.1:{theirs}/" in text
        text = text.replace(f"http://127.0.0.1:{theirs}/", f"http://127.0.0.1:{own}/")
    file.write_text(text)


def _environment(directory: Path) -> None:
    """This Python's environment, but that Python is forked: the engine starts providers with it."""
    (directory / "bin").mkdir(parents=True)
    for path in (*Path(sys.prefix).glob("*"), *Path(sys.prefix, "bin").glob("*")):
        made = directory / path.relative_to(sys.prefix)
        if not made.exists():
            made.symlink_to(warm_python.pulumi() if path.name in ("python", "python3") else path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
