"""Kill a whole `pulumi up` or `destroy` at a random moment, recover as documented, and see what is there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from tests.providers.engine import OWN_PYTHON, Stack
from tests.providers.prefect_server import PrefectServer

UP = ("up", "--yes", "--skip-preview")
DESTROY = ("destroy", "--yes", "--skip-preview")
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


def kill(stack: Stack, moment: Callable[[], bool], *arguments: str) -> bool:
    """Run a command and kill all of it with SIGKILL as soon as the moment has come; whether it ever came."""
    # The program and the provider are to be the engine's own children.
    stack.environment |= OWN_PYTHON
    process = stack.start(*arguments)
    while True:
        try:
            process.communicate(timeout=0.02)
        except subprocess.TimeoutExpired:
            if not moment():
                continue
            # The plugins are in process groups of their own: kill by parentage, parents first, so that nobody
            # tidies up.
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            for member in family:
                with suppress(ProcessLookupError):
                    os.kill(member.pid, signal.SIGKILL)
            process.communicate()
            return True
        return False


def after(seconds: float) -> Callable[[], bool]:
    """The moment so many seconds from now."""
    then = time.monotonic() + seconds
    return lambda: time.monotonic() >= then


def recover(stack: Stack, *arguments: str) -> Counter[str]:
    """The documented recovery: run it again, after what its message asks for."""
    needed: Counter[str] = Counter()
    code, output = stack.run(*arguments)
    if code != 0 and "failed to load checkpoint: EOF" in output:
        needed["empty metadata"] += 1
        stack.metadata.unlink()
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


@dataclass(frozen=True)
class Longest:
    """Until how many seconds after its start a command is killed: about what it takes if it is not."""

    up: float
    destroy: float


def run(
    stack: Stack, prefect: PrefectServer, prefix: str, count: int, seed: int, longest: Longest
) -> Counter[str]:
    """One round: kill an `up` that makes or changes every block, and a `destroy`; recover from each."""
    version = f"v{seed}"
    stack.config("version", version)

    def all_there() -> None:
        assert held(prefect, prefix) == declared(prefix, count, version)

    def none_there() -> None:
        assert held(prefect, prefix) == {}

    return both(stack, seed, longest, all_there, none_there)


def both(
    stack: Stack,
    seed: int,
    longest: Longest,
    all_there: Callable[[], None],
    none_there: Callable[[], None],
) -> Counter[str]:
    """Kill an `up` and a `destroy`, each at a random moment; recover from each, and see what is there."""
    dice = random.Random(seed)
    counts: Counter[str] = Counter()
    counts["up killed"] += kill(stack, after(dice.uniform(0.5, longest.up)), *UP)
    counts += Counter({f"up: {what}": n for what, n in recover(stack, *UP).items()})
    all_there()
    stack.pulumi("preview", "--expect-no-changes")
    counts["destroy killed"] += kill(stack, after(dice.uniform(0.5, longest.destroy)), *DESTROY)
    counts += Counter({f"destroy: {what}": n for what, n in recover(stack, *DESTROY).items()})
    none_there()
    return counts


def longest(stack: Stack) -> Longest:
    """Measure an `up` of all and a `destroy`, which leaves nothing behind."""
    start = time.monotonic()
    stack.pulumi(*UP)
    made = time.monotonic()
    stack.pulumi(*DESTROY)
    return Longest(made - start, time.monotonic() - made)
