"""Who calls, and what the caller may do: roles from project policies and from datasets' own access lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.google import errors
from local.google.iam import conditions, roles
from local.google.iam.settling import Settling, dataset_place, member_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.google.state import AccountRecord, DatasetRecord, ProjectRecord, Store


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

    def __init__(self, store: Store, grant_delay: float = 0) -> None:
        """``grant_delay`` is how long a new grant does not count yet, in seconds."""
        self._store = store
        self._settling = Settling(store, grant_delay)

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
        held = self._project_roles(caller, project_id, record) if record is not None else ()
        return any(roles.grants(role, permission) for role in held)

    def require_grantable(self, caller: Caller, project_id: str, role: str) -> None:
        """Raise IAM's 403 unless the caller may grant this role, where conditions say which."""
        project = self.project(project_id)
        for binding in () if caller.is_owner else project.bindings:
            limit = conditions.grantable(binding)
            if (
                [*self._bound(caller, project_id, [binding])]
                and roles.grants(binding["role"], conditions.SET_POLICY)
                and (limit is None or role in limit)
            ):
                return
        if not caller.is_owner:
            raise errors.permission_denied(
                f"Policy update access denied. {caller.email} may not grant or revoke {role}: a condition of "
                f"its own roles on project {project_id} says which it may."
            )

    def on_account(self, caller: Caller, project_id: str, account: AccountRecord, permission: str) -> bool:
        """Tell whether the account's own policy or its project's gives the permission, also to the owner."""
        project = self._store.project(project_id)
        held = [*self._bound(caller, account.unique_id, account.bindings)]
        held += self._project_roles(caller, project_id, project) if project is not None else []
        return any(roles.grants(role, permission) for role in held)

    def on_dataset(self, caller: Caller, project_id: str, dataset_id: str, permission: str) -> bool:
        """Tell whether the project's policy or the dataset's access list gives the permission."""
        if self.on_project(caller, project_id, permission):
            return True
        record = self._store.project(project_id)
        dataset = record.datasets.get(dataset_id) if record is not None else None
        if record is None or dataset is None:
            return False
        held = self._dataset_roles(caller, project_id, record, dataset_id)
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
        """Raise BigQuery's 403 unless the caller holds the permission on the table or its dataset."""
        self.project(table.project)
        if self.on_dataset(caller, table.project, table.dataset, permission):
            return
        if any(roles.grants(role, permission) for role in self._table_roles(caller, table)):
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

    def _project_roles(self, caller: Caller, project_id: str, project: ProjectRecord) -> Iterable[str]:
        return self._bound(caller, project_id, project.bindings)

    def _bound(self, caller: Caller, place: str, bindings: Iterable[dict[str, Any]]) -> Iterable[str]:
        for binding in filter(conditions.holds, bindings):
            for member in binding.get("members", []):
                if caller.matches(member) and self._settling.counts(place, binding["role"], member):
                    yield binding["role"]

    def _dataset_roles(
        self, caller: Caller, project_id: str, project: ProjectRecord, dataset_id: str
    ) -> Iterable[str]:
        basic = set(self._project_roles(caller, project_id, project))
        place = dataset_place(project_id, dataset_id)
        for entry in project.datasets[dataset_id].fields.get("access", []):
            group = entry.get("specialGroup", "")
            domain = entry.get("domain")
            if (
                entry.get("userByEmail") == caller.email
                or caller.matches(entry.get("iamMember", ""))
                or group == "allAuthenticatedUsers"
                or roles.SPECIAL_GROUPS.get(group) in basic
                or (domain is not None and caller.email.endswith(f"@{domain}"))
            ) and self._settling.counts(place, str(entry.get("role", "")), member_of(entry)):
                yield entry.get("role", "")

    def _table_roles(self, caller: Caller, table: TableRef) -> Iterable[str]:
        dataset = self.project(table.project).datasets.get(table.dataset)
        granted = dataset.grants.get(table.table, {}) if dataset is not None else {}
        return (role for role, members in granted.items() if any(map(caller.matches, members)))


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
