"""The whole job, as a user would do it by hand, step by step with the time that each takes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.paths import user_cache
from local.platform import environment, tables
from local.pulumi_cli import find, stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from local.platform.lifecycle import Platform
    from local.platform.settings import Settings

STEP_SECONDS = 1800
# After Ctrl-C: Pulumi finishes what is under way and writes its state.
GRACE_SECONDS = 120
FIRST_TIME = (
    "The first time takes longer: a minute or two where the Pulumi CLI can be downloaded, some six minutes "
    "where it has to be built, which uses every core. After that, all of it takes about a minute."
)
PYTHON = (sys.executable, "-m", "local.platform.step")
# What needs no platform goes on beside its start. The step that loads the data tells what went wrong.
FETCH = (*PYTHON, "demo.raw_data")
FETCH_SECONDS = 300
END_SECONDS = 10


@dataclass(frozen=True)
class Step:
    """One command of the job."""

    title: str
    argv: Sequence[str]


STEPS = (
    Step(
        "pulumi up -s local",
        ("pulumi", "up", "--stack=local", "--yes", "--skip-preview", "--non-interactive"),
    ),
    Step("load raw data", (*PYTHON, "demo.ingest", "--target=local")),
    Step("run the flow", (*PYTHON, "flows.pipeline", "--target=local")),
)


def steps(root: Path) -> list[Step]:
    """The steps that there are: only the flights, which `demo/` holds, have data to load."""
    return [step for step in STEPS if "demo.ingest" not in step.argv or (root / "demo").is_dir()]


def run(platform: Platform) -> int:
    """Do what is left to do of the job; 0, or the exit code of the step that failed."""
    times: list[tuple[str, float]] = []
    if find.existing(user_cache(), platform.say) is None:
        platform.say(FIRST_TIME)
    with timed("start the local platform", times, platform.say), beside(FETCH, platform.paths.root):
        platform.up()
    env = environment.process_environment(platform.variables())
    for step in steps(platform.paths.root):
        with timed(step.title, times, platform.say):
            if step.argv[0] == "pulumi":
                stack.recover(platform.paths, env, platform.say)
            code = attended(step.argv, env, platform)
        if code != 0:
            platform.say(f"error: {step.title} failed (exit code {code}); `make demo` goes on from there")
            return code
    print(summary(platform.settings(), env["GOOGLE_OAUTH_ACCESS_TOKEN"], times))
    return 0


def attended(argv: Sequence[str], env: Mapping[str, str], platform: Platform) -> int:
    """Run a command to its end, also after Ctrl-C, which the terminal sends to it as well."""
    child = subprocess.Popen(list(argv), env=dict(env), cwd=platform.paths.root, stdin=subprocess.DEVNULL)
    try:
        return child.wait(STEP_SECONDS)
    except KeyboardInterrupt:
        platform.say("interrupted: waiting for the command under way to leave everything in order")
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.wait(GRACE_SECONDS)
        raise
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


@contextlib.contextmanager
def beside(argv: Sequence[str], root: Path) -> Iterator[None]:
    """Run a command without a word while something else is done, and wait for it then."""
    child = subprocess.Popen(
        list(argv), cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(FETCH_SECONDS)
    finally:
        if child.poll() is None:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(END_SECONDS)
            # What it fetches appears whole or not at all.
            child.kill()
            child.wait()


@contextlib.contextmanager
def timed(title: str, times: list[tuple[str, float]], say: Callable[[str], None]) -> Iterator[None]:
    """Announce a step and add its seconds to `times`."""
    say(f"\n── {title}")
    started = time.monotonic()
    yield
    times.append((title, time.monotonic() - started))


def summary(config: Settings, token: str, times: list[tuple[str, float]]) -> str:
    """What exists now, how long it took, and where to look."""
    lines = ["", "What exists now (BigQuery, with row counts):"]
    lines += [f"  {name:<52} {kind:<10} {rows}" for name, kind, rows in tables.listing(config, token)]
    lines += ["", "How long it took, in seconds:"]
    lines += [f"  {title:<52} {seconds:6.1f}" for title, seconds in times]
    lines += [
        "",
        "Where to look:",
        f"  {config.prefect_page:<52} Prefect: the flow run, its blocks, its artifact",
        f"  {config.google_url:<52} BigQuery: datasets, tables, accounts, who may what",
        "",
        "What to do next:",
        '  eval "$(.venv/bin/python -m local env)"              makes these commands talk to this platform:',
        "  pulumi preview -s local                              shows that nothing is left to change",
        "  python -m flows.pipeline --target local              runs the flow again",
        "  make down                                            stops the platform",
    ]
    return "\n".join(lines)
