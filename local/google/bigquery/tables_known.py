"""What the gateway knows of tables beside the emulator: options, materialized views, grants on one table.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local.google import errors
from local.google.bigquery import dataset_access
from local.google.bigquery.backend import raise_refusal
from local.google.iam import policies, roles
from local.google.iam.authorize import TableRef
from local.google.sql.rewrite.actions import Action, Describe, Grant, Located, Rename

if TYPE_CHECKING:
    from collections.abc import Collection

    from local.google.context import Gateway
    from local.google.iam.authorize import Caller
    from local.google.state import DatasetRecord

# The emulator keeps these itself.
_EMULATORS = ("description", "friendlyName", "labels", "clustering", "timePartitioning")
_KEPT_HERE = (
    "defaultRoundingMode",
    "enableChangeHistory",
    "encryptionConfiguration",
    "expirationTime",
    "materializedView",
    "maxStaleness",
    "rangePartitioning",
    "requirePartitionFilter",
    "resourceTags",
    "tableConstraints",
    "type",
)


def path_of(table: TableRef) -> str:
    """Give a table's path in the API."""
    return f"/bigquery/v2/projects/{table.project}/datasets/{table.dataset}/tables/{table.table}"


def shown(gateway: Gateway, answer: dict[str, Any]) -> dict[str, Any]:
    """Give a table, or an item of a list, with what is known here."""
    name = answer.get("tableReference") or {}
    record = _record(gateway, TableRef(name.get("projectId", ""), name.get("datasetId", ""), ""))
    known = record.tables.get(str(name.get("tableId"))) if record is not None else None
    if not known:
        return answer
    merged = answer | known
    if merged.get("type") == "MATERIALIZED_VIEW":
        merged.pop("view", None)
        merged["materializedView"] = {"lastRefreshTime": merged.get("lastModifiedTime", "0")} | merged.get(
            "materializedView", {}
        )
    return merged


def forget(gateway: Gateway, table: TableRef) -> bool:
    """Forget a table that is gone or made anew; tells whether anything was known."""
    record = _record(gateway, table)
    if record is None:
        return False
    known = record.tables.pop(table.table, None), record.grants.pop(table.table, None)
    return any(one is not None for one in known)


def note(gateway: Gateway, table: TableRef, fields: dict[str, Any]) -> None:
    """Keep the fields that the emulator does not; None takes one away. The caller saves the state."""
    record = _record(gateway, table)
    if record is None:
        return
    known = record.tables.setdefault(table.table, {})
    for name in _KEPT_HERE:
        if name not in fields:
            continue
        if fields[name] is None:
            known.pop(name, None)
        elif name == "materializedView":
            known[name] = known.get(name, {}) | fields[name]
        else:
            known[name] = fields[name]
    if not known:
        del record.tables[table.table]


async def do(
    gateway: Gateway, caller: Caller, actions: list[Action], taken_away: Collection[TableRef] = ()
) -> None:
    """Do what statements asked for that the emulator has no place for, in their order.

    ``taken_away`` are tables that the script may have dropped again, as dbt does with its temporary ones.
    """
    for action in actions:
        if isinstance(action, Describe):
            try:
                await _describe(gateway, caller, action)
            except errors.GoogleError as error:
                if error.code != 404 or action.table not in taken_away:
                    raise
                forget(gateway, action.table)
        elif isinstance(action, Grant):
            await _grant(gateway, caller, action)
        elif isinstance(action, Rename):
            _rename(gateway, action)
        elif isinstance(action, Located):
            _locate(gateway, action)
    if actions:
        gateway.store.save()


def _record(gateway: Gateway, table: TableRef) -> DatasetRecord | None:
    project = gateway.store.project(table.project)
    return project.datasets.get(table.dataset) if project is not None else None


async def _describe(gateway: Gateway, caller: Caller, action: Describe) -> None:
    fields = {
        name: await _value(gateway, caller, action.table.project, value)
        for name, value in action.fields.items()
    }
    if action.anew:
        forget(gateway, action.table)
    note(gateway, action.table, fields)
    sent = {name: fields[name] for name in _EMULATORS if name in fields}
    if sent.get("labels", ...) is None:
        sent["labels"] = {}
    existing: dict[str, Any] = {}
    if action.columns or action.required or "timePartitioning" in sent or not sent:
        existing = await gateway.backend.get(path_of(action.table), caller)
    if "timePartitioning" in sent:
        sent["timePartitioning"] = existing.get("timePartitioning", {}) | sent["timePartitioning"]
    if action.columns or action.required:
        columns = existing.get("schema", {}).get("fields", [])
        for column in columns:
            if column["name"] in action.columns:
                column["description"] = action.columns[column["name"]]
            if column["name"] in action.required:
                column["mode"] = "REQUIRED"
        sent["schema"] = {"fields": columns}
    if sent:
        raise_refusal(*await gateway.backend.call("PATCH", path_of(action.table), caller, body=sent))


async def _value(gateway: Gateway, caller: Caller, project: str, value: Any) -> Any:
    """Give an option's value: an expression is asked of the emulator, a time is in milliseconds."""
    if not isinstance(value, exp.Expr):
        return value
    sql = f"SELECT CAST(UNIX_MILLIS({value.sql(dialect='bigquery')}) AS STRING)"
    answer = await gateway.backend.ask(project, sql, caller)
    return answer["rows"][0]["f"][0]["v"]


async def _grant(gateway: Gateway, caller: Caller, action: Grant) -> None:
    project, dataset = action.dataset
    record = _record(gateway, TableRef(project, dataset, action.table))
    if record is None:
        raise errors.not_found(f"Not found: Dataset {project}:{dataset}")
    if not action.table:
        _grant_dataset(gateway, record, action)
        return
    table = TableRef(project, dataset, action.table)
    await gateway.backend.get(path_of(table), caller)  # a 404 where there is none
    if not roles.is_for_datasets(action.role):
        raise errors.invalid(
            f"IAM setPolicy failed for Table {table}: Role {action.role} is not supported for this resource."
        )
    for member in action.members:
        policies.check_member(member, gateway.store)
    held = record.grants.setdefault(action.table, {}).setdefault(action.role, [])
    for member in action.members:
        if action.revoke and member in held:
            held.remove(member)
        elif not action.revoke and member not in held:
            held.append(member)
    if not held:
        del record.grants[action.table][action.role]


def _grant_dataset(gateway: Gateway, record: DatasetRecord, action: Grant) -> None:
    entries = list(record.fields.get("access", []))
    for member in action.members:
        entry = {"role": action.role, "iamMember": member}
        named = dataset_access.normalised([entry], ":".join(action.dataset), gateway.store)[0]
        entries = [one for one in entries if one != named] + ([] if action.revoke else [named])
    record.fields["access"] = entries


def _rename(gateway: Gateway, action: Rename) -> None:
    record = _record(gateway, action.table)
    if record is None:
        return
    kept: dict[str, Any]
    for kept in (record.tables, record.grants):
        kept.pop(action.name, None)
        if action.table.table in kept:
            kept[action.name] = kept.pop(action.table.table)


def _locate(gateway: Gateway, action: Located) -> None:
    record = _record(gateway, TableRef(*action.dataset, ""))
    if record is not None and action.location:
        record.fields["location"] = action.location
