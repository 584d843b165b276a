"""The tiny dbt project of the tests, and a query that keeps it busy."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent / "flows" / "tiny_dbt"
# Some seconds of the emulator's time on any machine.
SLOW = (
    "select count(*) as id from unnest(generate_array(1, 4000)) a, unnest(generate_array(1, 100000)) b "
    "where mod(a * 7 + b, 11) = 3"
)
