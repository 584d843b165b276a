"""The tiny dbt project of the tests, and a query that keeps it busy."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent / "flows" / "tiny_dbt"


def slow(hundred_thousands: int) -> str:
    """A query that counts so many times 100,000 rows."""
    return (
        f"select count(*) as id from unnest(generate_array(1, {hundred_thousands})) a, "
        "unnest(generate_array(1, 100000)) b where mod(a * 7 + b, 11) = 3"
    )
