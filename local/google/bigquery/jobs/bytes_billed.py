"""What a query would be billed for, where it sets a limit: BigQuery refuses one above it before it runs.

Source: https://cloud.google.com/bigquery/docs/best-practices-costs (maximum bytes billed) and
https://cloud.google.com/bigquery/pricing: in whole MB for each table, and at least ten. BigQuery counts the
columns that are read, this counts whole tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.google import errors
from local.google.bigquery import queries

if TYPE_CHECKING:
    from local.google.context import Gateway
    from local.google.iam.authorize import Caller, TableRef
    from local.google.sql.access import SqlAccess

MB = 1 << 20
MINIMUM = 10 * MB


async def too_costly(
    gateway: Gateway, caller: Caller, query: dict[str, Any], access: SqlAccess
) -> errors.GoogleError | None:
    """Give BigQuery's refusal of a query above its `maximumBytesBilled`, None where it may run."""
    limit = int(query.get("maximumBytesBilled") or 0)
    if not limit:
        return None
    sizes = [await _size(gateway, caller, table) for table in _tables(gateway, access.reads())]
    billed = sum(max(MINIMUM, -(-size // MB) * MB) for size in sizes if size is not None)
    if billed <= limit:
        return None
    message = f"Query exceeded limit for bytes billed: {limit}. {billed} or higher required."
    return errors.GoogleError(400, "INVALID_ARGUMENT", "bytesBilledLimitExceeded", message)


def _tables(gateway: Gateway, names: set[TableRef]) -> set[TableRef]:
    """Give the tables behind the names, some of which are views."""
    found: set[TableRef] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or gateway.store.project(name.project) is None:
            continue
        view = queries.view(gateway, name)
        found.add(name)
        waiting += [type(name)(*read) for read in view.reads] if view else []
    return found


async def _size(gateway: Gateway, caller: Caller, table: TableRef) -> int | None:
    """Give a table's bytes; None for a view, or what is no table."""
    path = f"/bigquery/v2/projects/{table.project}/datasets/{table.dataset}/tables/{table.table}"
    status, answer = await gateway.backend.call("GET", path, caller)
    if status >= 400 or answer.get("type") != "TABLE":
        return None
    return int(answer.get("numBytes") or 0)
