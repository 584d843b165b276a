"""GRANT and REVOKE: the gateway's own IAM serves them.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.google import errors
from local.google.sql.names import find_names
from local.google.sql.rewrite.actions import Grant

if TYPE_CHECKING:
    from local.google.sql.rewrite.ddl import Context

_STATEMENT = re.compile(
    r"\s*(?P<verb>grant|revoke)\s+(?P<roles>`[^`]+`(?:\s*,\s*`[^`]+`)*)\s+on\s+"
    r"(?P<kind>schema|table|view|materialized[\s_]view|external\s+table)\s+(?P<name>.+?)"
    r"\s+(?:to|from)\s+(?P<members>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_MEMBER = re.compile(r"""["']([^"']+)["']""")


def done(text: str, context: Context) -> str:
    """Note what is granted; give what is sent in its place."""
    found = _STATEMENT.match(text)
    names = find_names(found["name"]) if found else []
    if found is None or len(names) != 1 or not _MEMBER.search(found["members"]):
        raise errors.invalid(f"Syntax error: a GRANT or REVOKE that can't be read: {text[:100]}")
    parts = names[0].parts
    members = tuple(_MEMBER.findall(found["members"]))
    schema = found["kind"].lower() == "schema"
    if schema:
        dataset, table = (parts[-2] if len(parts) > 1 else context.project, parts[-1]), ""
    else:
        dataset, table = (parts[-3] if len(parts) > 2 else context.project, parts[-2]), parts[-1]
    for role in re.findall(r"`([^`]+)`", found["roles"]):
        revoke = found["verb"].lower() == "revoke"
        context.actions.append(Grant(dataset, table, role, members, revoke))
    return "SELECT 1 AS done LIMIT 0"
