"""Kill a whole `pulumi up` or `destroy` at a random moment, recover as documented, and see what is there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from typing import Any

import psutil

from tests.providers.engine import Stack
from tests.providers.prefect_server import PrefectServer

PROGRAM = """
prefix, count = config.require("prefix"), config.require_int("count")
version = config.require("version")
for number in range(count):
    credentials = GcpCredentialsBlock(
        f"credentials-{number}",
        block_name=f"{prefix}c-{number}", project=version,
        service_account_info={"private_key": f"k-{number}-{version}"},
    )
    target = BigQueryTargetConfigsBlock(
        f"target-{number}", block_name=f"{prefix}t-{number}", schema=version, credentials=credentials.ref,
    )
    DbtCliProfileBlock(
        f"profile-{number}",
        block_name=f"{prefix}p-{number}", profile="p", target=version, target_configs=target.ref,
    )
"""


def prepare(stack: Stack, prefix: str, count: int) -> None:
    stack.program(PROGRAM)
    stack.config("prefix", prefix)
    stack.config("count", str(count))
    stack.config("version", "v0")


def kill_after(stack: Stack, seconds: float, *arguments: str) -> bool:
    """Run a command and kill all of it with SIGKILL so long after its start; whether it was still running."""
    process = stack.start(*arguments)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # The plugins are in process groups of their own: kill by parentage, parents first, so that nobody
        # tidies up.
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            try:
                os.kill(member.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.communicate()
        return True
    return False


def recover(stack: Stack, *arguments: str) -> Counter[str]:
    """The documented recovery: run it again; if it says that the stack is locked, `pulumi cancel` first."""
    needed: Counter[str] = Counter()
    code, output = stack.run(*arguments)
    if code != 0 and "pulumi cancel" in output:
        needed["cancel"] += 1
        stack.pulumi("cancel", "--yes")
        code, output = stack.run(*arguments)
    if "pending operations" in output:
        needed["pending operations"] += 1
    assert code == 0, output
    return needed


def declared(prefix: str, count: int, version: str) -> dict[str, Any]:
    """The blocks that the program declares: names, and data without what the server expands."""
    blocks: dict[str, Any] = {}
    for number in range(count):
        key = {"private_key": f"k-{number}-{version}"}
        blocks[f"{prefix}c-{number}"] = {"project": version, "service_account_info": key}
        blocks[f"{prefix}t-{number}"] = {"type": "bigquery", "schema": version}
        blocks[f"{prefix}p-{number}"] = {"name": "p", "target": version}
    return blocks


def held(prefect: PrefectServer, prefix: str) -> dict[str, Any]:
    """The blocks that the server holds, likewise."""
    found = prefect.documents(prefix)
    for number in (name.rpartition("-")[2] for name in found if name.startswith(f"{prefix}t-")):
        target, profile = found[f"{prefix}t-{number}"], found.get(f"{prefix}p-{number}")
        assert refers_to(target, "credentials") == found[f"{prefix}c-{number}"]["id"]
        assert profile is None or refers_to(profile, "target_configs") == target["id"]
    return {
        name: {
            key: value for key, value in one["data"].items() if key not in one["block_document_references"]
        }
        for name, one in found.items()
    }


def refers_to(block: dict[str, Any], field: str) -> str:
    reference = block["block_document_references"][field]["block_document"]["id"]
    assert isinstance(reference, str)
    return reference


def run(
    stack: Stack, prefect: PrefectServer, prefix: str, count: int, seed: int, longest: float
) -> Counter[str]:
    """One round: kill an `up` that changes every block and a `destroy`, and recover from each."""
    dice = random.Random(seed)
    counts: Counter[str] = Counter()
    version = f"v{seed}"
    stack.config("version", version)
    up = ("up", "--yes", "--skip-preview")
    counts["up killed"] += kill_after(stack, dice.uniform(0.5, longest), *up)
    counts += Counter({f"up: {what}": n for what, n in recover(stack, *up).items()})
    assert held(prefect, prefix) == declared(prefix, count, version)
    stack.pulumi("preview", "--expect-no-changes")
    destroy = ("destroy", "--yes", "--skip-preview")
    counts["destroy killed"] += kill_after(stack, dice.uniform(0.5, longest), *destroy)
    counts += Counter({f"destroy: {what}": n for what, n in recover(stack, *destroy).items()})
    assert held(prefect, prefix) == {}
    return counts


def longest_run(stack: Stack) -> float:
    """The seconds that an `up` of all takes here, to choose the moments to kill at; leaves nothing behind."""
    start = time.monotonic()
    stack.up()
    seconds = time.monotonic() - start
    stack.destroy()
    return seconds
