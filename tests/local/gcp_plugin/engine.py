"""The real Pulumi engine on a small program, with one gcp plugin and a backend of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import pulumi_stack, warm_python
from tests.local.gcp_plugin.platform import Google

COMMAND_SECONDS = 300
PASSPHRASE = "contract"
LOGGED = ("up", "preview", "refresh", "destroy")
_HEAD = "import pulumi\nimport pulumi_gcp as gcp\n"


@dataclass(frozen=True)
class Plugin:
    """An installed plugin: its name in test ids, and the PULUMI_HOME that holds it."""

    name: str
    home: Path


@dataclass(frozen=True)
class Ran:
    """What a pulumi command gave, and did to each resource, in order, by its name in the program."""

    code: int
    output: str
    operations: dict[str, list[str]]

    def ok(self) -> Ran:
        assert self.code == 0, self.output
        return self

    def failed(self) -> Ran:
        assert self.code != 0, self.output
        return self


@dataclass
class Stack:
    """A program and its state. `plugin` may be changed between commands."""

    root: Path
    plugin: Plugin
    google: Google
    pulumi_bin: Path
    token: str
    config: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.root / "state").mkdir(parents=True)
        (self.root / "Pulumi.yaml").write_text("name: contract\nruntime: python\n")
        pulumi_stack.new(self.root, self.root / "state", "test", PASSPHRASE, self.pulumi_bin)
        self.configure(**self.google.config())

    def configure(self, **settings: str) -> None:
        """Set `gcp:` keys."""
        self.config |= settings
        lines = [f"  gcp:{key}: {json.dumps(value)}" for key, value in self.config.items()]
        salt = (self.root / "Pulumi.test.yaml").read_text().splitlines()[0]
        (self.root / "Pulumi.test.yaml").write_text("\n".join([salt, "config:", *lines]) + "\n")

    def program(self, text: str) -> None:
        """Write the program; the imports are given."""
        (self.root / "__main__.py").write_text(_HEAD + text)

    def up(self, text: str | None = None, *arguments: str) -> Ran:
        if text is not None:
            self.program(text)
        return self.pulumi("up", "--yes", "--skip-preview", *arguments)

    def preview(self, text: str | None = None, *arguments: str) -> Ran:
        if text is not None:
            self.program(text)
        return self.pulumi("preview", "--diff", *arguments)

    def refresh(self, *arguments: str) -> Ran:
        return self.pulumi("refresh", "--yes", "--skip-preview", *arguments)

    def destroy(self) -> Ran:
        return self.pulumi("destroy", "--yes", "--skip-preview")

    def steps(self, text: str | None = None) -> dict[str, list[str]]:
        """Preview: logical name -> operations that the engine plans, without `same` and the stack itself."""
        if text is not None:
            self.program(text)
        planned = self.pulumi("preview").ok().operations
        return {name: ops for name, ops in planned.items() if ops != ["same"]}

    def resources(self) -> dict[str, dict[str, Any]]:
        """Logical name -> the resource in the state, secrets shown."""
        text = self.pulumi("stack", "export", "--show-secrets").ok().output
        found = json.loads(text)["deployment"].get("resources", [])
        return {r["urn"].rpartition("::")[2]: r for r in found if not r["type"].startswith("pulumi:")}

    def raw_state(self) -> str:
        """The state as it lies on disk."""
        return next((self.root / "state").rglob("test.json")).read_text()

    def pulumi(self, *arguments: str) -> Ran:
        env = os.environ | {
            "PATH": os.pathsep.join(
                [str(Path(sys.executable).parent), str(self.pulumi_bin), os.environ["PATH"]]
            ),
            "PULUMI_HOME": str(self.plugin.home),
            "PULUMI_BACKEND_URL": (self.root / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PYTHONPATH": str(pulumi_stack.QUICK_PIP),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "GOOGLE_OAUTH_ACCESS_TOKEN": self.token,
            # Without it there is no `--event-log`.
            "PULUMI_DEBUG_COMMANDS": "true",
            **pulumi_stack.QUICK_GO,
            "PULUMI_PYTHON_CMD": str(warm_python.pulumi()),
        }
        for name in (
            "GOOGLE_PROJECT",
            "GOOGLE_CLOUD_PROJECT",
            "PULUMI_CONFIG_PASSPHRASE_FILE",
            "PULUMI_STACK",
        ):
            env.pop(name, None)
        log = self.root / "events"
        log.write_text("")
        logged = ["--event-log", str(log)] if arguments[0] in LOGGED else []
        ran = subprocess.run(
            ["pulumi", *arguments, "--stack", "test", "--non-interactive", "--color=never", *logged],
            cwd=self.root,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        output = ran.stdout + (ran.stderr if ran.returncode or not ran.stdout else "")
        done: dict[str, list[str]] = {}
        for urn, operation in pulumi_stack.operations(log):
            if "::pulumi:" not in urn:
                done.setdefault(urn.rpartition("::")[2], []).append(operation)
        return Ran(ran.returncode, output, done)
