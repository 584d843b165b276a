"""Who calls, and what the caller may do: roles from project policies and from datasets' own access lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.google import errors
from local.google.iam import roles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.google.state import DatasetRecord, ProjectRecord, Store


@dataclass(frozen=True)
class Caller:
    """Somebody who signed in. The platform's owner may do all, whatever the policies say.

    ``scopes`` are those of the token; None for one that may be used for everything.
    """

    email: str
    member: str
    is_owner: bool = False
    scopes: frozenset[str] | None = None

    def matches(self, member: str) -> bool:
        """Tell whether a member of an IAM policy is this caller."""
        return member in (self.member, "allUsers", "allAuthenticatedUsers")


@dataclass(frozen=True, order=True)
class TableRef:
    """A table, view or routine by its whole name."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.table}"


class Authorizer:
    """Answers whether a caller holds a permission, and raises Google's 403 where not."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def project(self, project_id: str) -> ProjectRecord:
        """Give a project for BigQuery. Raises a 404 where it is not served here."""
        record = self._store.project(project_id)
        if record is None:
            raise errors.not_found(f"Not found: Project {project_id}")
        return record

    def on_project(self, caller: Caller, project_id: str, permission: str) -> bool:
        """Tell whether the project's policy gives the permission."""
        if caller.is_owner:
            return True
        record = self._store.project(project_id)
        held = _project_roles(caller, record) if record is not None else ()
        return any(roles.grants(role, permission) for role in held)

    def on_dataset(self, caller: Caller, project_id: str, dataset_id: str, permission: str) -> bool:
        """Tell whether the project's policy or the dataset's access list gives the permission."""
        if self.on_project(caller, project_id, permission):
            return True
        record = self._store.project(project_id)
        dataset = record.datasets.get(dataset_id) if record is not None else None
        if record is None or dataset is None:
            return False
        held = _dataset_roles(caller, record, dataset.fields.get("access", []))
        # A role on a dataset says nothing about creating datasets.
        return permission != "bigquery.datasets.create" and any(
            roles.grants(role, permission) for role in held
        )

    def require_project(self, caller: Caller, project_id: str, permission: str) -> None:
        """Raise BigQuery's 404 or 403 unless the caller holds the permission on the project."""
        self.project(project_id)
        if not self.on_project(caller, project_id, permission):
            raise errors.access_denied(
                f"Access Denied: Project {project_id}: User does not have {permission} permission "
                f"in project {project_id}. {caller.email} lacks the role "
                f"{roles.missing_role(permission)} on project {project_id}."
            )

    def require_dataset(self, caller: Caller, project_id: str, dataset_id: str, permission: str) -> None:
        """Raise BigQuery's 403 unless the caller holds the permission on the dataset."""
        self.project(project_id)
        if not self.on_dataset(caller, project_id, dataset_id, permission):
            name = f"{project_id}:{dataset_id}"
            raise errors.access_denied(
                f"Access Denied: Dataset {name}: Permission {permission} denied on dataset {name} "
                f"(or it may not exist). {_lacks(caller, permission, name)}"
            )

    def require_table(self, caller: Caller, table: TableRef, permission: str) -> None:
        """Raise BigQuery's 403 unless the caller holds the permission on the table's dataset."""
        self.project(table.project)
        if self.on_dataset(caller, table.project, table.dataset, permission):
            return
        lacks = _lacks(caller, permission, f"{table.project}:{table.dataset}")
        if permission == "bigquery.tables.getData":
            raise errors.access_denied(
                f"Access Denied: Table {table}: User does not have permission to query table {table}, "
                f"or perhaps it does not exist. {lacks}"
            )
        raise errors.access_denied(
            f"Access Denied: Table {table}: Permission {permission} denied on table {table} "
            f"(or it may not exist). {lacks}"
        )

    def require_iam(self, caller: Caller, project_id: str, permission: str) -> None:
        """Raise IAM's 403 unless the caller holds the permission on the project."""
        if self._store.project(project_id) is None or not self.on_project(caller, project_id, permission):
            raise errors.permission_denied(
                f"Permission '{permission}' denied on resource '//cloudresourcemanager.googleapis.com/"
                f"projects/{project_id}' (or it may not exist). {caller.email} lacks the role "
                f"{roles.missing_role(permission)}."
            )


def view_is_authorized(view: TableRef, base: DatasetRecord) -> bool:
    """Tell whether a dataset's access list lets a view (or all views of its dataset) read it."""
    reference = {"projectId": view.project, "datasetId": view.dataset, "tableId": view.table}
    whole = {"projectId": view.project, "datasetId": view.dataset}
    return any(
        entry.get("view") == reference or entry.get("dataset", {}).get("dataset") == whole
        for entry in base.fields.get("access", [])
    )


def _lacks(caller: Caller, permission: str, dataset: str) -> str:
    return f"{caller.email} lacks the role {roles.missing_role(permission)} on dataset {dataset}."


def _project_roles(caller: Caller, project: ProjectRecord) -> Iterable[str]:
    for binding in project.bindings:
        if any(caller.matches(member) for member in binding.get("members", [])):
            yield binding["role"]


def _dataset_roles(caller: Caller, project: ProjectRecord, access: Iterable[dict[str, Any]]) -> Iterable[str]:
    basic = set(_project_roles(caller, project))
    for entry in access:
        group = entry.get("specialGroup", "")
        domain = entry.get("domain")
        if (
            entry.get("userByEmail") == caller.email
            or caller.matches(entry.get("iamMember", ""))
            or group == "allAuthenticatedUsers"
            or roles.SPECIAL_GROUPS.get(group) in basic
            or (domain is not None and caller.email.endswith(f"@{domain}"))
        ):
            yield entry.get("role", "")
