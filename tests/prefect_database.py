"""The database of a new Prefect server, made once: its migrations take longer than all the rest of a start.

It is kept in `.local/tests`, one for each version of Prefect. The tutorial's test starts without it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from local.paths import PROJECT

NAME = "prefect.db"
MAKING_SECONDS = 600
# As `local/platform/services.py` has it.
SETTINGS = {"PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


def put(home: Path) -> None:
    """Give `home`, a server's PREFECT_HOME, the database of a server that nothing was ever sent to."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / NAME).exists():
        shutil.copyfile(_made(), home / NAME)


def _made() -> Path:
    kept = PROJECT / ".local" / "tests"
    kept.mkdir(parents=True, exist_ok=True)
    made = kept / f"prefect-{version('prefect')}.db"
    with (kept / "lock").open("w") as lock:
        # The processes of tests wait for the one that makes it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=kept) as home:
                _make(Path(home))
                (Path(home) / NAME).rename(made)
    return made


def _make(home: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    subprocess.run(
        [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"],
        env=kept | SETTINGS | {"PREFECT_HOME": str(home)},
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=MAKING_SECONDS,
    )
    with sqlite3.connect(home / NAME) as database:
        # Into the one file that is copied.
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
