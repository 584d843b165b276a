"""The real Pulumi engine, on a program with a directory, a state and a passphrase of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import pulumi_stack, warm_python

PROJECT = Path(__file__).parents[2]
PYTHON = Path(sys.executable).parent
COMMAND_SECONDS = 300
PASSPHRASE = "correct horse"
# In a stack's environment: its commands start Python themselves, as everybody's do.
OWN_PYTHON = {"PULUMI_PYTHON_CMD": sys.executable}
PROGRAM_HEAD = "import pulumi\nfrom providers import *\nconfig = pulumi.Config()\n"


@dataclass(frozen=True)
class Operations:
    """What one command did to each resource, in order, by its name in the program."""

    code: int
    output: str
    done: dict[str, list[str]]

    def of(self, case: str) -> dict[str, int]:
        """How many of each operation there were on the resources whose names begin so."""
        found = Counter(one for name, ops in self.done.items() if name.startswith(case) for one in ops)
        assert found, self.output
        return dict(found)


@dataclass
class Stack:
    """One stack of one program."""

    root: Path
    api_url: str
    cli: Path
    environment: dict[str, str] = field(default_factory=dict)
    python: Path = PYTHON
    #: Another number is another stack, though it has the same name.
    number: int = 0

    def __post_init__(self) -> None:
        for name in ("program", "state", "home"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "passphrase").write_text(PASSPHRASE)
        (self.root / "program" / "Pulumi.yaml").write_text("name: try\nruntime: python\n")
        pulumi_stack.new(self.root / "program", self.root / "state", "dev", PASSPHRASE, self.cli, self.number)
        self.config("prefect:apiUrl", self.api_url)

    def variables(self) -> dict[str, str]:
        """The environment of every command."""
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))
        }
        return {
            **inherited,
            "PATH": os.pathsep.join([str(self.python), str(self.cli), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(PROJECT), str(pulumi_stack.QUICK_PIP)]),
            "PULUMI_HOME": str(self.root / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.root / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.root / "passphrase"),
            "PULUMI_STACK": "dev",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # The engine wants a plugin for every provider SDK that is installed, pulumi-gcp among them, and
            # would try for 2.5 s to download one that these programs don't use.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # Without it there is no `--event-log`.
            "PULUMI_DEBUG_COMMANDS": "true",
            **pulumi_stack.QUICK_GO,
            **({"PULUMI_PYTHON_CMD": str(warm_python.pulumi())} if self.python == PYTHON else {}),
            **self.environment,
        }

    def program(self, text: str) -> None:
        """Write the program, after its usual imports."""
        (self.root / "program" / "__main__.py").write_text(PROGRAM_HEAD + text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, so that all of it can be killed."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.root / "program",
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a command; its return code and all that it printed."""
        process = self.start(*arguments)
        try:
            output, _ = process.communicate(timeout=COMMAND_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
        return process.returncode, output

    def pulumi(self, *arguments: str) -> str:
        """Run a command that must succeed."""
        code, output = self.run(*arguments)
        assert code == 0, output
        return output

    def fails(self, *arguments: str) -> str:
        """Run a command that must fail."""
        code, output = self.run(*arguments)
        assert code != 0, output
        return output

    def config(self, key: str, value: str, *options: str) -> None:
        """Set a setting of the program, or of the namespace that the key names."""
        if options:
            self.pulumi("config", "set", key, value, *options)
        else:
            name = key if ":" in key else f"try:{key}"
            pulumi_stack.configure(self.root / "program" / "Pulumi.dev.yaml", {name: value})

    def up(self, *options: str) -> dict[str, int]:
        """Bring the stack up; how many resources of each operation it counted."""
        return self._counted("up", "--yes", "--skip-preview", *options)

    def refresh(self) -> dict[str, int]:
        return self._counted("refresh", "--yes", "--skip-preview")

    def destroy(self, *options: str) -> dict[str, int]:
        return self._counted("destroy", "--yes", "--skip-preview", *options)

    def operations(self, *arguments: str) -> Operations:
        """Run a command, whatever comes of it; what it did, or would do, to each of Prefect's objects."""
        log = self.root / "events"
        code, output = self.run(*arguments, "--event-log", str(log))
        done: dict[str, list[str]] = {}
        for urn, operation in pulumi_stack.operations(log):
            if "dynamic/prefect" in urn:
                done.setdefault(urn.split("::")[-1], []).append(operation)
        return Operations(code, output, done)

    def _counted(self, *arguments: str) -> dict[str, int]:
        self.pulumi(*arguments)
        last = pulumi_stack.last_update(self.root / "state", "try", "dev")
        changes: dict[str, int] = last.get("resourceChanges", {})
        return changes

    def state(self) -> str:
        """The state file's text, secrets encrypted."""
        return (self.root / "state/.pulumi/stacks/try/dev.json").read_text()

    @property
    def metadata(self) -> Path:
        """What the file backend keeps beside the state, and a killed pulumi may leave empty."""
        return self.root / "state/.pulumi/stacks/try/dev.json.attrs"

    def write_state(self, text: str) -> None:
        (self.root / "state/.pulumi/stacks/try/dev.json").write_text(text)

    def blocks(self) -> dict[str, dict[str, Any]]:
        """The block resources in the state by their names in the program, secrets in clear."""
        exported = json.loads(self.pulumi("stack", "export", "--show-secrets"))
        found = exported["deployment"].get("resources", [])
        return {one["urn"].split("::")[-1]: one for one in found if "dynamic/prefect" in one["type"]}

    def files(self) -> list[Path]:
        """Every file that the engine and the program left behind."""
        return [path for path in self.root.rglob("*") if path.is_file()]
