"""A Python that has Pulumi's SDK imported, for the programs and providers of tests.

Each preview and each `up` starts Python twice, for the program and for the dynamic provider, and half of what
such a command takes is there to import the SDK, the same each time. Here one process imports it once, and
forks for each start: all that the program and the provider do after it is theirs. The project's own code is
imported anew each time. Tests that kill processes, and the tutorial's, start Python as everybody does.
"""

from __future__ import annotations

import atexit
import functools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_HERE = Path(__file__).parent


@functools.cache
def command(*further: str) -> Path:
    """What Pulumi starts as Python so, by `PULUMI_PYTHON_CMD`, with further modules imported.

    It ends with this process.
    """
    directory = Path(tempfile.mkdtemp(prefix="warm-python-"))
    python = directory / "python"
    asking = shlex.join([sys.executable, "-I", "-S", str(_HERE / "asking.py"), str(directory / "socket")])
    python.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {shlex.quote(sys.executable)} "$@"\nexec {asking} "$@"\n'
    )
    python.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, _HERE / "serving.py", directory / "socket", *further],
            env=kept,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    atexit.register(_end, server, directory)
    assert server.stdout
    assert server.stdout.readline() == b"ready\n", (directory / "log").read_text()
    return python


def _end(server: subprocess.Popen[bytes], directory: Path) -> None:
    assert server.stdin
    server.stdin.close()
    server.wait(60)
    shutil.rmtree(directory)
