"""Patch: how much memory the process takes, whatever a query asks for.

DuckDB's own limit is for its buffers. One long string, one long array, and the rows that a query returns lie
beside them: `select array_length(generate_array(1, 1000000000))` took all that the machine had.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from pathlib import Path

MEGABYTE = 1_000_000
_PERIOD = 0.1  # seconds
_PAGE = resource.getpagesize()
# In pages: all, what is touched, three others, what is mapped as data, and one more. See proc(5).
_STATM = Path("/proc/self/statm")


def megabytes(variable: str, default: int) -> int:
    """Return what a variable of the environment says, in bytes."""
    value = os.environ.get(variable, str(default))
    if not value.isdecimal():
        sys.exit(f"error: {variable} is {value!r}, and should be a number of megabytes such as {default}")
    return int(value) * MEGABYTE


# Of DuckDB's buffers, by all queries together; what does not fit goes to files, which are bounded too.
DUCKDB = os.environ.get("LOCAL_BIGQUERY_MEMORY", "1GB")
FILES = os.environ.get("LOCAL_BIGQUERY_TEMPORARY_FILES", "4GB")
PROCESS = megabytes("LOCAL_BIGQUERY_PROCESS_MB", 3000)
EXCEEDED = (
    "Resources exceeded during query execution: The query could not be executed in the allotted memory. Here "
    f"that is {DUCKDB} for tables and intermediate rows (LOCAL_BIGQUERY_MEMORY), and "
    f"{PROCESS // MEGABYTE} MB for all (LOCAL_BIGQUERY_PROCESS_MB)"
)
# DuckDB says the first two; Python and Arrow say the others.
IS_EXCEEDED = (
    r"Out of Memory Error|failed to pin block|\bMemoryError\b|std::bad_alloc|\bmalloc of size \d+ failed"
)


def patch() -> None:
    """Let what is beyond the bound fail where it is asked for: that query ends, and no other.

    Linux bounds what is mapped, of which much is never touched: V8 and the allocators keep some in hand. So
    the bound is set anew all the time, to what is mapped and as much more as may yet be touched. macOS has
    neither the bound nor what tells it.
    """
    if _STATM.exists():
        _set_bound()
        threading.Thread(target=_keep_bound, daemon=True, name="memory").start()


def _keep_bound() -> None:
    while True:
        time.sleep(_PERIOD)
        _set_bound()


def _set_bound() -> None:
    _, touched, _, _, _, mapped, _ = map(int, _STATM.read_text(encoding="ascii").split())
    free = max(PROCESS - touched * _PAGE, 0)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    bound = mapped * _PAGE + free
    if most != resource.RLIM_INFINITY:
        bound = min(bound, most)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, most))
