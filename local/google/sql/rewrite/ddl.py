"""What the rewrites of statements share: names, options, and the plainest of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.google import errors
from local.google.iam.authorize import TableRef
from local.google.sql.tree import parts_of

if TYPE_CHECKING:
    from local.google.sql.rewrite.actions import Action


@dataclass
class Context:
    """Where names without a project or dataset lead, and what is to be done later."""

    project: str
    default: tuple[str, str] | None
    location: str
    actions: list[Action] = field(default_factory=list)

    def ref(self, table: exp.Table) -> TableRef | None:
        """Give a table's whole name; None where no dataset is known."""
        parts = parts_of(table)
        if len(parts) >= 3:
            return TableRef(".".join(parts[:-2]), parts[-2], parts[-1])
        if len(parts) == 2:
            return TableRef(self.project, *parts)
        return TableRef(*self.default, parts[0]) if parts and self.default else None


def changed(statement: exp.Update | exp.Delete) -> None:
    """Put the FROM before what DELETE names. Raises BigQuery's 400 where there is no WHERE."""
    named = statement.args.get("tables")
    if named and not statement.this:
        statement.set("this", named[0])
        statement.set("tables", None)
    if statement.args.get("where") is None:
        raise errors.invalid_query(f"{statement.key.upper()} must have a WHERE clause")


def dropped(statement: exp.Drop) -> None:
    """A materialized view is a view here."""
    if statement.args.get("materialized"):
        statement.set("materialized", None)


# Option -> the API's field. https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language
_FIELDS = {
    "description": "description",
    "friendly_name": "friendlyName",
    "labels": "labels",
    "tags": "resourceTags",
    "kms_key_name": "encryptionConfiguration",
    "expiration_timestamp": "expirationTime",
    "require_partition_filter": "requirePartitionFilter",
    "max_staleness": "maxStaleness",
    "enable_change_history": "enableChangeHistory",
    "default_rounding_mode": "defaultRoundingMode",
}


def fields_of(options: list[exp.Expr]) -> dict[str, Any]:
    """Give options as fields of the API's table."""
    found: dict[str, Any] = {}
    for option in options:
        name = option.this.name.lower() if isinstance(option.this, exp.Expr) else str(option.this).lower()
        value = option.args.get("value") or option.args.get("expression")
        given = value_of(value)
        if name in ("enable_refresh", "refresh_interval_minutes", "allow_non_incremental_definition"):
            view = found.setdefault("materializedView", {})
            if name == "enable_refresh":
                view["enableRefresh"] = given
            elif name == "refresh_interval_minutes":
                view["refreshIntervalMs"] = str(round(float(given) * 60_000))
            else:
                view["allowNonIncrementalDefinition"] = given
        elif name == "partition_expiration_days":
            days = None if given is None else str(round(float(given) * 86_400_000))
            found["timePartitioning"] = {"expirationMs": days}
        elif name in ("labels", "tags"):
            found[_FIELDS[name]] = None if given is None else dict(given)
        elif name == "kms_key_name":
            found[_FIELDS[name]] = None if given is None else {"kmsKeyName": given}
        elif name in _FIELDS:
            found[_FIELDS[name]] = given
    return found


def value_of(value: Any) -> Any:
    """Give an option's value in Python; an expression as itself."""
    if isinstance(value, exp.Null) or value is None:
        return None
    if isinstance(value, exp.Boolean):
        return value.this
    if isinstance(value, exp.Literal):
        return value.name if value.is_string else float(value.name) if "." in value.name else int(value.name)
    if isinstance(value, exp.Array | exp.Tuple | exp.Struct):
        return [value_of(one) for one in value.expressions]
    if isinstance(value, exp.Paren):
        return value_of(value.this)
    return value
