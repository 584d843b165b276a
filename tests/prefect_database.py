"""The database of a new Prefect server, made once: its migrations take longer than all the rest of a start.

The types of blocks that a server registers at its start are in it, too. It is kept in `.local/tests`, one for
each version of Prefect. The tutorial's test starts without it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from local.paths import PROJECT
from tests import warm_python

NAME = "prefect.db"
MAKING_SECONDS = 600
# What Prefect's server does at its start before it serves (`prefect.server.api.server` of 3.9).
MAKE = """
import asyncio
from prefect.server.database import provide_database_interface
from prefect.server.models.block_registration import run_block_auto_registration

async def make():
    database = provide_database_interface()
    await database.create_db()
    async with await database.session() as session:
        await run_block_auto_registration(session=session)

asyncio.run(make())
"""
# As `local/platform/services.py` has it.
_MAKING = {"PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
# A quarter of a start is to register types of blocks, which the database has.
SETTINGS = {**_MAKING, "PREFECT_API_BLOCKS_REGISTER_ON_START": "false"}


def put(home: Path) -> None:
    """Give `home`, a server's PREFECT_HOME, the database of a server that nothing was ever sent to."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / NAME).exists():
        shutil.copyfile(_made(), home / NAME)


def put_without_block_types(home: Path) -> None:
    """Give `home` such a database, but with none of the types of blocks."""
    put(home)
    with closing(sqlite3.connect(home / NAME)) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM block_type")


def _made() -> Path:
    kept = PROJECT / ".local" / "tests"
    kept.mkdir(parents=True, exist_ok=True)
    made = kept / f"prefect-{version('prefect')}-types.db"
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
        [warm_python.prefect(), "-c", MAKE],
        env=kept | _MAKING | {"PREFECT_HOME": str(home)},
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=MAKING_SECONDS,
    )
    with closing(sqlite3.connect(home / NAME)) as database:
        # Into the one file that is copied.
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
