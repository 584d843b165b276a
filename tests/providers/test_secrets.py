"""Markers are planted wherever a secret can be, and then searched for in all that is left behind."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.faults import Plan, proxy
from tests.providers import programs
from tests.providers.engine import Stack
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real

MARKERS = (
    "first-key-marker",
    "second-key-marker",
    "third-key-marker",
    "hook-marker",
    "extras-marker",
    "api-key-marker",
    "job-marker",
)
PROGRAM = (
    programs.CHAIN.replace('extras={"location": "EU"}', 'extras={"keyfile_json": "extras-marker"}')
    # No word of a secret here: the block's own schema, or the lack of one, has to be enough.
    .replace("pulumi.Output.secret(json.dumps(key))", "key")
    + """
hook = {"url": "https://hook-marker"}
PrefectBlock("hook", block_type="slack-webhook", block_name=prefix + "hook", data=hook)
"""
)


class Arguments(threading.Thread):
    """Collects the command lines of a process's whole family while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__()
        self.process = process
        self.seen: set[str] = set()

    def run(self) -> None:
        while self.process.poll() is None:
            try:
                for member in psutil.Process(self.process.pid).children(recursive=True):
                    self.seen.add(" ".join(member.cmdline()))
            except psutil.Error:
                pass
            time.sleep(0.1)


class Watched:
    """A stack of which everything that is printed and every command line is kept."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.said: list[str] = []

    def run(self, *arguments: str) -> int:
        process = self.stack.start(*arguments)
        watcher = Arguments(process)
        watcher.start()
        output, _ = process.communicate(timeout=300)
        watcher.join()
        self.said += [output, *watcher.seen]
        return process.returncode

    def leaks(self) -> list[str]:
        """Where a marker is in clear, or as base64, in what was said or written."""
        program = self.stack.root / "program"
        # What this test itself says in clear, and Python's own form of it.
        source = {program / "__main__.py", *(program / "__pycache__").glob("__main__.*")}
        texts = {str(path): path.read_bytes() for path in self.stack.files() if path not in source}
        texts |= {f"said {index}": text.encode() for index, text in enumerate(self.said)}
        forms = [
            form for marker in MARKERS for form in (marker.encode(), base64.b64encode(marker.encode())[:-4])
        ]
        return [name for name, text in texts.items() if any(form in text for form in forms)]


def test_no_secret_in_clear_anywhere(
    tmp_path: Path, pulumi_bin: Path, prefect: PrefectServer, prefix: str
) -> None:
    with proxy(prefect.url, Plan(seed=7, share=0)) as before:
        stack = Stack(tmp_path, before.url, pulumi_bin)
        stack.environment["PREFECT_API_KEY"] = "api-key-marker"
        stack.config("prefix", prefix)
        stack.config("key", "first-key-marker", "--secret")
        stack.program(PROGRAM)
        watched = Watched(stack)
        before.plan = Plan(seed=7, share=0.25)
        assert watched.run("up", "--yes", "--diff") == 0
        stack.config("key", "second-key-marker", "--secret")
        assert watched.run("preview", "--diff") == 0
        assert watched.run("up", "--yes", "--diff") == 0
        drifted = {"service_account_info": {"private_key": "third-key-marker", "more": "third-key-marker"}}
        prefect.patch(prefect.documents(prefix)[f"{prefix}gcp-credentials"]["id"], drifted)
        assert watched.run("refresh", "--yes", "--diff") == 0
        assert watched.run("up", "--yes", "--diff") == 0
        before.plan = Plan(seed=7, share=0)
        fail(watched, prefect, prefix, before.url)
        assert watched.run("destroy", "--yes", "--diff") == 0
        assert prefect.documents(prefix) == {}
    assert watched.leaks() == []


def test_a_secret_of_a_job_is_one_for_pulumi(
    tmp_path: Path, pulumi_bin: Path, prefect: PrefectServer, prefix: str
) -> None:
    stack = Stack(tmp_path, prefect.url, pulumi_bin)
    stack.config("job", "job-marker", "--secret")
    stack.program(
        f"""
env = {{"TOKEN": config.require_secret("job"), "MODE": config.get("mode")}}
Deployment("d", name="{prefix}d", flow_name="{prefix}f", entrypoint="f.py:f", job_variables={{"env": env}})
"""
    )
    watched = Watched(stack)
    assert watched.run("up", "--yes", "--diff") == 0
    deployment = prefect.call("GET", f"/deployments/name/{prefix}f/{prefix}d")
    assert deployment["job_variables"]["env"]["TOKEN"] == "job-marker"
    stack.config("mode", "fast")
    assert watched.run("up", "--yes", "--diff") == 0
    theirs = {"job_variables": {"env": {"TOKEN": "job-marker", "MORE": "theirs"}}}
    prefect.call("PATCH", f"/deployments/{deployment['id']}", json=theirs)
    assert watched.run("refresh", "--yes", "--diff") == 0
    assert watched.run("up", "--yes", "--diff") == 0
    assert watched.run("destroy", "--yes", "--diff") == 0
    assert watched.leaks() == []


def fail(watched: Watched, prefect: PrefectServer, prefix: str, address: str) -> None:
    """Every way to fail, with the markers in what fails."""
    stack = watched.stack
    for wrong in (
        PROGRAM.replace("service_account_info=key", "service_account_info=json.dumps([key])"),
        PROGRAM.replace("service_account_info=key", "service_account_info=str(key)"),
        PROGRAM.replace('"https://hook-marker"}', '["https://hook-marker"], "urll": "hook-marker"}'),
    ):
        stack.program(wrong)
        assert watched.run("up", "--yes", "--diff") != 0
    stack.program(PROGRAM)
    document = prefect.documents(prefix)[f"{prefix}gcp-credentials"]["id"]
    prefect.call("DELETE", f"/block_documents/{document}")
    stack.config("key", "third-key-marker", "--secret")
    assert watched.run("up", "--yes", "--diff", "--skip-preview") != 0
    assert watched.run("up", "--yes", "--refresh") == 0
    stack.config("prefect:apiUrl", "http://127.0.0.1:9/api")
    stack.config("key", "first-key-marker", "--secret")
    assert watched.run("up", "--yes") != 0
    stack.config("prefect:apiUrl", address)
    assert watched.run("up", "--yes") == 0


def test_the_markers_would_be_found(stack: Stack, prefix: str) -> None:
    """The search itself works: `--show-secrets` leaves markers that it finds."""
    stack.config("prefix", prefix)
    stack.config("key", "first-key-marker", "--secret")
    stack.program(programs.ONE)
    stack.up()
    watched = Watched(stack)
    watched.run("stack", "export", "--show-secrets")
    assert watched.leaks() == ["said 0"]
    assert "first-key-marker" in json.dumps(stack.blocks())
    stack.destroy()
