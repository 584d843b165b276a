"""dbt's documentation site, as `python -m flows.docs --serve` serves it."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.checkout import Checkout
from tests.signals import heed_ctrl_c

COMMAND = ("-m", "flows.docs", "--target", "local", "--serve")


@contextmanager
def served(project: Checkout) -> Iterator[str]:
    """Yield the address that the command prints; Ctrl-C ends it well."""
    process = subprocess.Popen(
        [sys.executable, *COMMAND],
        cwd=project.root,
        env=project.variables(),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509
    )
    assert process.stdout
    try:
        page, address = process.stdout.readline(), process.stdout.readline()
        assert page.strip().endswith("/docs/index.html")
        yield address.partition("/ ")[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def read(url: str) -> tuple[int, bytes]:
    """Return status and content."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
