"""Ctrl-C in the middle of the job, at several moments, and then the job again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import checkout
from tests.checkout import Checkout
from tests.end_to_end import servers
from tests.signals import heed_ctrl_c

pytestmark = pytest.mark.real

STOP_SECONDS = 300


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


def test_the_job_goes_on_where_ctrl_c_stopped_it(tmp_path: Path) -> None:
    copy = checkout.make(tmp_path / "copy")
    try:
        for moment in (
            "start the local platform",
            # Google's endpoints are up; Prefect is not yet.
            "google: up",
            "── pulumi up",
            # Half of the stack is there.
            "gcp:bigquery:Dataset dataset created",
            "flights: checked",
            # dbt builds.
            " START sql",
        ):
            code = interrupt(copy, moment)
            printed = (copy.root / "demo.log").read_text()
            assert code == 130, f"after {moment!r}: exit code {code}\n{printed}"
            # Pulumi shows what its own program was doing when it stopped it; nobody else shows such a thing.
            ours = [line for line in printed.splitlines() if "pulumi:pulumi:Stack" not in line]
            assert not [line for line in ours if "Traceback" in line], printed
        done = copy.local("demo")
        assert done.returncode == 0, done.stderr
        assert servers.rows(copy, "demo_flights_local", "fct_flights") > 300_000
        assert copy.pulumi("preview", "--expect-no-changes").returncode == 0
    finally:
        assert copy.local("down").returncode == 0
