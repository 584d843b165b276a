"""`python -m benchmarks.provider_faults`: lost answers by the hundred, kills by the dozen, on a real server.

With one object of each kind, blocks by chains, and another stack beside on the same server. Stops at the
first duplicate, orphan, false conflict or wrong datum, or where the other stack's objects have changed; else
prints what was done and what it took.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.paths import user_cache
from local.pulumi_cli import find
from tests.faults import Plan, proxy
from tests.providers import chains, kills, object_kills, object_mixtures, prefect_server
from tests.providers.engine import Stack
from tests.providers.objects_there import There
from tests.providers.prefect_server import PrefectServer


def mixtures(server: PrefectServer, runs: int) -> Counter[str]:
    """Put chains of blocks, then the other objects, through seeded faults; the requests and the faults."""
    counts: Counter[str] = Counter()
    with proxy(server.url, Plan(seed=0, share=0)) as before:
        for what, run in (("blocks", chains.run), ("objects", object_mixtures.run)):
            for seed in range(runs):
                counts += run(before, server, "mix-", seed).counts
                print(f"\r{seed + 1} of {runs} mixtures of faults: {what}", end="", flush=True)
            print()
    return counts


def other_stack(server: PrefectServer, directory: Path) -> tuple[Stack, There]:
    """Bring up another stack that has one of each kind, too."""
    stack = Stack(directory, server.url, find.directory(user_cache(), print))
    object_kills.prepare(stack, "other-")
    stack.up()
    return stack, There(server, "other-")


def untouched(stack: Stack, there: There, before: list[Any]) -> Counter[str]:
    """Compare the other stack's objects with those before; and see what the stack itself says of them."""
    assert there.everything() == before
    code, output = stack.run("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes")
    assert code == 0, output
    return Counter({"objects of the other stack, untouched": len(before)})


Round = Callable[[int, kills.Longest], Counter[str]]


def killings(stack: Stack, round_: Round, wanted: int, what: str) -> Counter[str]:
    """Kill `up` and `destroy`, each `wanted` times, and recover; what the recovery asked for."""
    longest = kills.longest(stack)
    counts: Counter[str] = Counter()
    # A command may be done before the moment comes, so that it takes some rounds more.
    for seed in range(3 * wanted):
        counts += round_(seed, longest)
        done = min(counts["up killed"], counts["destroy killed"])
        print(f"\r{done} of {wanted} kills of each: {what}", end="", flush=True)
        if done == wanted:
            break
    print()
    return counts


def of_blocks(server: PrefectServer, directory: Path, wanted: int, count: int) -> Counter[str]:
    """Kill a program of `count` chains of three blocks."""
    stack = Stack(directory, server.url, find.directory(user_cache(), print))
    kills.prepare(stack, "kill-", count)
    return killings(
        stack,
        lambda seed, longest: kills.run(stack, server, "kill-", count, seed, longest),
        wanted,
        "blocks",
    )


def of_objects(server: PrefectServer, directory: Path, wanted: int) -> Counter[str]:
    """Kill a program of one object of each other kind."""
    stack = Stack(directory, server.url, find.directory(user_cache(), print))
    object_kills.prepare(stack, "kill-")
    there = There(server, "kill-")
    return killings(
        stack, lambda seed, longest: object_kills.run(stack, there, seed, longest), wanted, "objects"
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.provider_faults", description=__doc__)
    parser.add_argument("--mixtures", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20, help="of an up, and of a destroy")
    parser.add_argument(
        "--chains", type=int, default=4, help="chains of three blocks in the program that is killed"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, prefect_server.running(Path(root) / "prefect") as server:
        stack, there = other_stack(server, Path(root) / "other")
        before = there.everything()
        print(dict(mixtures(server, options.mixtures)))
        print(dict(of_blocks(server, Path(root) / "blocks", options.kills, options.chains)))
        print(dict(of_objects(server, Path(root) / "objects", options.kills)))
        print(dict(untouched(stack, there, before)))


if __name__ == "__main__":
    main()
