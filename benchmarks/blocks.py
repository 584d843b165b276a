"""`python -m benchmarks.blocks`: blocks by this provider, by its nearest peer, and by plain HTTP.

All against the same real Prefect server, one after the other, whole processes, medians. The peer is OpenTofu
with the Terraform provider for Prefect, taken from the directory `--peers` (tofu.xz,
terraform-provider-prefect.xz, chain.tf); where that is absent it is skipped, saying so.
"""

from __future__ import annotations

import argparse
import functools
import lzma
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks import program
from local.paths import user_cache
from local.pulumi_cli import find
from providers.api.http import Requests
from providers.api.prefect_client import PrefectClient
from providers.api.server import Server
from providers.engine.lifecycle import Lifecycle
from providers.kinds.block import KIND
from tests import faults
from tests.providers import kills, prefect_server, programs
from tests.providers.chains import CREDENTIALS, TARGET, schema
from tests.providers.engine import OWN_PYTHON, Stack
from tests.providers.prefect_server import PrefectServer
from tests.providers.stand_in import WORKSPACE, stand_in

PROJECT = Path(__file__).parents[1]
PROFILE = "dbt-cli-profile"
# As Prefect Cloud is: far away, and with a database that has many writers.
FAR_SECONDS = 0.05
EMPTY = "import pulumi\npulumi.export('nothing', 1)\n"
# What Pulumi itself takes for as many resources of a dynamic provider that does nothing. A module of its own:
# a class of the main program is pickled with all it holds, which Pulumi's SDK can't do more than 300 times.
NOTHING = """
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Nothing(ResourceProvider):
    def create(self, props):
        return CreateResult("nothing", props)

class Bare(Resource, module="bare", name="Bare"):
    pass
"""
BARE = """
from nothing import Bare, Nothing

for number in range({count}):
    Bare(Nothing(), f"nothing-{{number}}", {{"data": {{"a": "b"}}}})
"""
Times = dict[str, list[float]]


def timed(times: Times, name: str, action: Callable[[], object]) -> None:
    """Add the seconds that an action takes to what is known by its name."""
    start = time.perf_counter()
    action()
    times.setdefault(name, []).append(time.perf_counter() - start)
    print(f"  {name}: {times[name][-1]:.2f} s", flush=True)


def ours(times: Times, stack: Stack, chains: int) -> None:
    """One round of this project's provider, and of the same program without blocks."""
    stack.program(EMPTY)
    stack.pulumi("up", "--yes", "--skip-preview")
    timed(times, "no blocks: no-op up", lambda: stack.pulumi("up", "--yes", "--skip-preview"))
    bare_program(stack, chains)
    stack.pulumi("up", "--yes", "--skip-preview")
    timed(times, "bare resources: no-op up", lambda: stack.pulumi("up", "--yes", "--skip-preview"))
    stack.pulumi("destroy", "--yes", "--skip-preview")
    kills.prepare(stack, "ours-", chains)
    timed(times, "ours: up", lambda: stack.pulumi("up", "--yes", "--skip-preview"))
    timed(times, "ours: no-op up", lambda: stack.pulumi("up", "--yes", "--skip-preview"))
    timed(times, "ours: refresh", lambda: stack.pulumi("refresh", "--yes", "--skip-preview"))
    timed(times, "ours: destroy", lambda: stack.pulumi("destroy", "--yes", "--skip-preview"))


def bare_program(stack: Stack, chains: int) -> None:
    """Write the program of as many resources that do nothing as the chains have blocks."""
    (stack.root / "program" / "nothing.py").write_text(NOTHING)
    stack.program(BARE.format(count=3 * chains))


def side_by_side(times: Times, stack: Stack, place: str) -> None:
    """Bring a program up in this place and take it away, then the same one by one."""
    for name, options in (("", ()), (", one by one", ("--parallel=1",))):
        timed(times, f"{place}{name}: up", functools.partial(stack.pulumi, *kills.UP, *options))
        timed(times, f"{place}{name}: destroy", functools.partial(stack.pulumi, *kills.DESTROY, *options))


def grown(times: Times, stack: Stack, server: PrefectServer, chains: int) -> None:
    """What ten times as many chains take, against what Pulumi takes for ten times as many bare resources."""
    for name, number in (("", chains), (", ten times as many", 10 * chains)):
        bare_program(stack, number)
        timed(times, f"bare resources{name}: up", lambda: stack.pulumi("up", "--yes", "--skip-preview"))
        timed(
            times,
            f"bare resources{name}: destroy",
            lambda: stack.pulumi("destroy", "--yes", "--skip-preview"),
        )
    kills.prepare(stack, "grown-", 10 * chains)
    timed(times, "ours, ten times as many: up", lambda: stack.pulumi("up", "--yes", "--skip-preview"))
    timed(
        times, "ours, ten times as many: destroy", lambda: stack.pulumi("destroy", "--yes", "--skip-preview")
    )
    with closing(Requests(Server(server.url))) as http:
        inside(times, "provider, ten times as many", http, 10 * chains)


def inside(times: Times, name: str, http: Requests, chains: int) -> None:
    """Time what the provider does, without Pulumi: one block after the other."""
    provider = Lifecycle(KIND, lambda: http)
    held: dict[str, dict[str, object]] = {}

    def create() -> None:
        for number in range(chains):
            for slug, data in bodies(number).items():
                given = {"block_type": slug, "block_name": f"inside-{slug}-{number}", "data": data}
                document_id, outputs = provider.create(provider.check({}, given).inputs)
                held[document_id] = outputs

    def delete() -> None:
        for document_id, props in reversed(held.items()):
            provider.delete(document_id, props)

    timed(times, f"{name}: create", create)
    # Another run's, as for Pulumi: within one run, what was created is not deleted.
    provider = Lifecycle(KIND, lambda: http)
    timed(times, f"{name}: read", lambda: [provider.read(*one) for one in held.items()])
    timed(times, f"{name}: delete", delete)


def plain_http(times: Times, server: PrefectServer, chains: int) -> None:
    """The same blocks by one request each, one after the other: inside the provider, and without it."""
    with closing(Requests(Server(server.url))) as http:
        client = PrefectClient(http.server, http)
        kinds = {slug: schema(client, slug) for slug in (CREDENTIALS, TARGET, PROFILE)}
        inside(times, "provider", http, chains)
        made: list[str] = []

        def by_http() -> None:
            for number in range(chains):
                for slug, data in bodies(number).items():
                    ids = {"block_type_id": kinds[slug].block_type_id, "block_schema_id": kinds[slug].id}
                    body = {"name": f"http-{slug}-{number}", "data": data, **ids}
                    made.append(server.call("POST", "/block_documents/", json=body)["id"])

        timed(times, "plain HTTP: create", by_http)
        secrets = "?include_secrets=true"
        timed(
            times,
            "plain HTTP: read",
            lambda: [server.call("GET", f"/block_documents/{one}{secrets}") for one in made],
        )
        timed(
            times,
            "plain HTTP: delete",
            lambda: [server.call("DELETE", f"/block_documents/{one}") for one in made],
        )


def bodies(number: int) -> dict[str, dict[str, object]]:
    """The data of one chain's blocks, without their references."""
    return {
        CREDENTIALS: {"project": "demo", "service_account_info": {"private_key": f"xx{number}"}},
        TARGET: {"type": "bigquery", "schema": f"ds{number}", "threads": 4, "project": "demo"},
        PROFILE: {
            "name": "projet_m2_bi",
            "target": "dev",
            "target_configs": {"type": "bigquery", "schema": "ds"},
        },
    }


class Peer:
    """OpenTofu and its provider for Prefect, unpacked into a directory."""

    def __init__(self, peers: Path, directory: Path, url: str, chains: int) -> None:
        self.directory, self.chains = directory, chains
        for name in ("tofu", "terraform-provider-prefect"):
            (directory / name).write_bytes(lzma.decompress((peers / f"{name}.xz").read_bytes()))
            (directory / name).chmod(0o755)
        override = f'dev_overrides {{ "prefecthq/prefect" = "{directory}" }}'
        (directory / "rc").write_text(f"provider_installation {{\n {override}\n direct {{}}\n}}\n")
        (directory / "work").mkdir()
        program = re.sub(r'endpoint = "[^"]*"', f'endpoint = "{url}"', (peers / "chain.tf").read_text())
        (directory / "work" / "main.tf").write_text(program)

    def run(self, command: str, *options: str) -> None:
        """Run one of tofu's commands; it must succeed."""
        approve = [] if command == "plan" else ["-auto-approve"]
        arguments = [
            str(self.directory / "tofu"),
            command,
            *approve,
            f"-var=n={self.chains}",
            "-no-color",
            *options,
        ]
        environment = {**os.environ, "TF_CLI_CONFIG_FILE": str(self.directory / "rc")}
        subprocess.run(
            arguments, cwd=self.directory / "work", env=environment, check=True, capture_output=True
        )

    def round(self, times: Times, name: str, *options: str) -> None:
        """Create, plan without changes, delete."""
        timed(times, f"{name}: up", lambda: self.run("apply", *options))
        timed(times, f"{name}: plan", lambda: self.run("plan", *options))
        timed(times, f"{name}: destroy", lambda: self.run("destroy", *options))


RATIOS = (
    ("program with its blocks: no-op up", "program without blocks: no-op up"),
    ("ours: no-op up", "bare resources: no-op up"),
    ("ours: no-op up", "no blocks: no-op up"),
    ("peer: up", "ours: up"),
    ("peer: destroy", "ours: destroy"),
    ("ours: up", "peer at its best: up"),
    ("ours: refresh", "peer at its best: plan"),
    ("ours: destroy", "peer at its best: destroy"),
    ("provider: create", "plain HTTP: create"),
    ("provider: read", "plain HTTP: read"),
    ("provider: delete", "plain HTTP: delete"),
    ("far away: up", "far away, one by one: up"),
    ("far away: destroy", "far away, one by one: destroy"),
    ("cloud's stand-in: up", "cloud's stand-in, one by one: up"),
    ("cloud's stand-in: destroy", "cloud's stand-in, one by one: destroy"),
    ("ours, ten times as many: up", "ours: up"),
    ("ours, ten times as many: destroy", "ours: destroy"),
    ("bare resources, ten times as many: up", "bare resources: up"),
    ("bare resources, ten times as many: destroy", "bare resources: destroy"),
    ("provider, ten times as many: create", "provider: create"),
    ("provider, ten times as many: read", "provider: read"),
    ("provider, ten times as many: delete", "provider: delete"),
)


def report(times: Times, chains: int) -> None:
    """Print the medians and the ratios."""
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    print(
        f"\n{chains} chains, {3 * chains} blocks, {os.cpu_count()} cores: median seconds (lowest to highest, "
        "rounds)"
    )
    for name, seconds in times.items():
        print(f"  {name:42} {medians[name]:7.2f}  ({min(seconds):.2f} to {max(seconds):.2f}, {len(seconds)})")
    print("\nratios")
    for one, other in RATIOS:
        if one in medians and other in medians:
            print(f"  {f'{one} / {other}':54} {medians[one] / medians[other]:6.2f}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blocks", description=__doc__)
    parser.add_argument("--chains", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=5, help="of the peer as installed, minutes each")
    parser.add_argument("--grown-rounds", type=int, default=5, help="of ten times as many chains")
    parser.add_argument("--peers", type=Path, default=PROJECT.parent / "shared" / "peers")
    options = parser.parse_args()
    times: Times = {}
    with tempfile.TemporaryDirectory() as root:
        directory = Path(root)
        with prefect_server.running(
            directory / "prefect", PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED="true"
        ) as server:
            plain_http({}, server, 1)  # registers the types, and warms the server up
            stack = Stack(
                directory / "stack", server.url, find.directory(user_cache(), print), {**OWN_PYTHON}
            )
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", flush=True)
                ours(times, stack, options.chains)
                plain_http(times, server, options.chains)
            late = faults.Plan(share=1.0, faults=("slow answer",), slow=FAR_SECONDS)
            with faults.proxy(server.url, late, WORKSPACE.removeprefix("/api")) as away:
                stack = Stack(directory / "far", away.url, stack.cli, {**OWN_PYTHON})
                kills.prepare(stack, "far-", options.chains)
                for _ in range(options.rounds):
                    side_by_side(times, stack, "far away")
            with stand_in(WORKSPACE, "Bearer k", FAR_SECONDS) as standing:
                stack = Stack(
                    directory / "cloud", f"http://127.0.0.1:{standing.server_port}{WORKSPACE}", stack.cli
                )
                stack.environment |= {**OWN_PYTHON, "PREFECT_API_KEY": "k"}
                # These need not wait for each other.
                stack.program(programs.APART.format(count=3 * options.chains))
                for _ in range(options.rounds):
                    side_by_side(times, stack, "cloud's stand-in")
            for _ in range(options.grown_rounds):
                grown(times, stack, server, options.chains)
            if (options.peers / "tofu.xz").exists():
                (directory / "peer").mkdir()
                peer = Peer(options.peers, directory / "peer", server.url, options.chains)
                for _ in range(options.rounds):
                    peer.round(times, "peer at its best", "-parallelism=1")
                for _ in range(options.slow_rounds):
                    peer.round(times, "peer")
            else:
                print(
                    f"the peer is skipped: {options.peers} has no tofu.xz (give its directory with --peers)"
                )
    with tempfile.TemporaryDirectory() as root:
        print("the project's own program", flush=True)
        program.no_op_ups(Path(root) / "copy", options.rounds, functools.partial(timed, times))
    report(times, options.chains)


if __name__ == "__main__":
    main()
