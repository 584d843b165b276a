"""docs/tutorial.md, command by command, in a copy of the project.

Its first command makes everything. It is stopped by Ctrl-C at several moments, and typed again.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.paths import PROJECT
from tests import checkout
from tests.checkout import Checkout
from tests.end_to_end import servers
from tests.signals import heed_ctrl_c

pytestmark = pytest.mark.real

# What a reader types, and what does the same in a copy that is set up already.
SET_UP = {"make demo": "python -m local demo", "make down": "python -m local down"}
MOMENTS = (
    "start the local platform",
    # Google's endpoints are up; Prefect is not yet.
    "google: up",
    "── pulumi up",
    # Half of the stack is there.
    "gcp:bigquery:Dataset dataset created",
    "flights: checked",
    # dbt builds.
    " START sql",
)
STOP_SECONDS = 300
# What the tutorial does not come to, and most of whose time goes to tests: test_lifecycle has all of it.
NOT_TOUCHED = (
    "models/exposures.yml",
    "models/*/*_unit_tests.yml",
    "models/marts/carrier_route_punctuality.*",
    "models/marts/daily_operations.*",
    "models/marts/weather_delays.*",
    "tests/assert_*.sql",
)
BLOCK = re.compile(r"^```sh( fails)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, bool]]:
    """Each block of commands, and whether it shall fail."""
    text = (PROJECT / "docs" / "tutorial.md").read_text()
    return [(found[2].strip(), bool(found[1])) for found in BLOCK.finditer(text)]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of its own, whose platform has not been up yet."""
    made = checkout.make(tmp_path_factory.mktemp("tutorial") / "a copy")
    for pattern in NOT_TOUCHED:
        found = list((made.root / "dbt").glob(pattern))
        assert found, pattern
        for path in found:
            path.unlink()
    try:
        yield made
    finally:
        assert made.local("down").returncode == 0


def interrupt(copy: Checkout, moment: str) -> int:
    """Start the job, press Ctrl-C when it has printed `moment`; its exit code."""
    log = copy.root / "demo.log"
    with log.open("w") as out:
        job = subprocess.Popen(
            [sys.executable, "-m", "local", "demo"],
            cwd=copy.root,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONFAULTHANDLER": "1"},
            start_new_session=True,
            preexec_fn=heed_ctrl_c,  # noqa: PLW1509
        )
        try:
            deadline = time.monotonic() + STOP_SECONDS
            while moment not in log.read_text() and job.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            assert job.poll() is None, log.read_text()
            # As a terminal does it: to every process of the foreground group.
            os.killpg(job.pid, signal.SIGINT)
            try:
                return job.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                # It prints where it is.
                job.send_signal(signal.SIGABRT)
                job.wait(STOP_SECONDS)
                pytest.fail(f"after {moment!r} it did not end:\n{log.read_text()}")
        finally:
            if job.poll() is None:
                os.killpg(job.pid, signal.SIGKILL)
                job.wait()


@pytest.fixture(scope="module")
def made(own: Checkout) -> Checkout:
    """The copy after the tutorial's first command, which went on each time where Ctrl-C had stopped it."""
    assert SET_UP[commands()[0][0]] == "python -m local demo"
    for moment in MOMENTS:
        code = interrupt(own, moment)
        printed = (own.root / "demo.log").read_text()
        assert code == 130, f"after {moment!r}: exit code {code}\n{printed}"
        # Pulumi shows what its own program was doing when it stopped it; nobody else shows such a thing.
        ours = [line for line in printed.splitlines() if "pulumi:pulumi:Stack" not in line]
        assert not [line for line in ours if "Traceback" in line], printed
    done = own.local("demo")
    assert done.returncode == 0, done.stderr
    return own


def test_the_job_goes_on_where_ctrl_c_stopped_it(made: Checkout) -> None:
    assert servers.rows(made, "demo_flights_local", "fct_flights") > 300_000
    # That nothing is left to change is what the tutorial's next step asserts.
    assert ("pulumi preview -s local --expect-no-changes", False) in commands()


def test_every_command_of_the_tutorial_does_what_it_says(made: Checkout) -> None:
    typed = commands()
    assert len(typed) > 10
    # The platform's variables, as after the tutorial's `eval`; the shell that starts it has none.
    python = shlex.quote(str(Path(sys.executable).parent))
    for command, fails in typed[1:]:
        words = SET_UP.get(command, command)
        done = made.run("bash", "-e", "-c", f"PATH={python}:$PATH; {words}", env=checkout.QUICK)
        shown = f"{command}\n{done.stdout}\n{done.stderr}"
        assert (done.returncode != 0) is fails, shown
        assert "Traceback" not in done.stderr, shown
        if "dbt show" in command:
            assert "United Air Lines" in done.stdout, shown
            assert "58665" in done.stdout, shown
        if command.startswith("pulumi destroy -s local"):
            assert servers.datasets(made) == set()
            assert servers.block_names(made) == set()
