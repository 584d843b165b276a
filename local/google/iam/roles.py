"""The permissions that each role holds, as far as BigQuery, IAM and Resource Manager are served here.

Source: https://cloud.google.com/bigquery/docs/access-control and https://cloud.google.com/iam/docs/roles-overview#basic
"""

from __future__ import annotations

import re

EVERYTHING = "*"
# What no basic role holds, not even an owner's: who wants to act as a service account needs a role for it.
_NEVER_IN_OWNER = frozenset({"iam.serviceAccounts.getAccessToken"})

_METADATA = frozenset(
    {
        "bigquery.datasets.get",
        "bigquery.datasets.getIamPolicy",
        "bigquery.models.getMetadata",
        "bigquery.models.list",
        "bigquery.routines.get",
        "bigquery.routines.list",
        "bigquery.tables.get",
        "bigquery.tables.list",
    }
)
_VIEWER = _METADATA | {"bigquery.models.getData", "bigquery.tables.export", "bigquery.tables.getData"}
# At the level of a project, dataEditor also creates datasets; at the level of a dataset that means nothing.
_EDITOR = _VIEWER | {
    "bigquery.datasets.create",
    "bigquery.models.create",
    "bigquery.models.delete",
    "bigquery.models.updateMetadata",
    "bigquery.routines.create",
    "bigquery.routines.delete",
    "bigquery.routines.update",
    "bigquery.tables.create",
    "bigquery.tables.delete",
    "bigquery.tables.update",
    "bigquery.tables.updateData",
}
_OWNER = _EDITOR | {
    "bigquery.datasets.delete",
    "bigquery.datasets.setIamPolicy",
    "bigquery.datasets.update",
    "bigquery.rowAccessPolicies.create",
    "bigquery.rowAccessPolicies.delete",
    "bigquery.rowAccessPolicies.list",
    "bigquery.rowAccessPolicies.update",
    "bigquery.tables.setIamPolicy",
}
_JOB_USER = frozenset({"bigquery.jobs.create", "resourcemanager.projects.get"})
_USER = _JOB_USER | {
    "bigquery.datasets.create",
    "bigquery.datasets.get",
    "bigquery.datasets.getIamPolicy",
    "bigquery.jobs.list",
    "bigquery.models.list",
    "bigquery.routines.list",
    "bigquery.tables.list",
}
_JOBS_ADMIN = frozenset({"bigquery.jobs.get", "bigquery.jobs.list", "bigquery.jobs.listAll"})
_ACCOUNT_VIEWER = frozenset(
    {"iam.serviceAccounts.get", "iam.serviceAccounts.list", "resourcemanager.projects.get"}
)
_KEY_ADMIN = _ACCOUNT_VIEWER | {
    "iam.serviceAccountKeys.create",
    "iam.serviceAccountKeys.delete",
    "iam.serviceAccountKeys.get",
    "iam.serviceAccountKeys.list",
}
_ACCOUNT_EDITOR = _ACCOUNT_VIEWER | {
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.disable",
    "iam.serviceAccounts.enable",
    "iam.serviceAccounts.update",
}
_PROJECT_VIEWER = frozenset({"resourcemanager.projects.get", "resourcemanager.projects.getIamPolicy"})

_SERVICES_VIEWER = frozenset({"serviceusage.services.get", "serviceusage.services.list"})
_SERVICES_ADMIN = _SERVICES_VIEWER | {"serviceusage.services.disable", "serviceusage.services.enable"}

ROLES: dict[str, frozenset[str]] = {
    "roles/owner": frozenset({EVERYTHING}),
    # The basic roles reach a dataset's content through projectWriters and projectReaders in its access list.
    "roles/editor": _JOB_USER
    | _JOBS_ADMIN
    | _PROJECT_VIEWER
    | _ACCOUNT_EDITOR
    | _KEY_ADMIN
    | _SERVICES_ADMIN
    | {"bigquery.datasets.create"},
    "roles/viewer": _JOB_USER | _JOBS_ADMIN | _PROJECT_VIEWER | _ACCOUNT_VIEWER | _SERVICES_VIEWER,
    "roles/browser": _PROJECT_VIEWER,
    "roles/bigquery.admin": _OWNER | _USER | _JOBS_ADMIN | {"bigquery.jobs.update", "bigquery.jobs.delete"},
    "roles/bigquery.dataEditor": _EDITOR | {"resourcemanager.projects.get"},
    "roles/bigquery.dataOwner": _OWNER | {"resourcemanager.projects.get"},
    "roles/bigquery.dataViewer": _VIEWER | {"resourcemanager.projects.get"},
    "roles/bigquery.jobUser": _JOB_USER,
    "roles/bigquery.metadataViewer": _METADATA | {"resourcemanager.projects.get"},
    "roles/bigquery.resourceViewer": _JOBS_ADMIN | {"resourcemanager.projects.get"},
    "roles/bigquery.user": _USER,
    "roles/iam.serviceAccountAdmin": _ACCOUNT_EDITOR
    | {"iam.serviceAccounts.getIamPolicy", "iam.serviceAccounts.setIamPolicy"},
    "roles/iam.serviceAccountKeyAdmin": _KEY_ADMIN,
    "roles/iam.serviceAccountTokenCreator": _ACCOUNT_VIEWER | {"iam.serviceAccounts.getAccessToken"},
    "roles/resourcemanager.projectIamAdmin": _PROJECT_VIEWER | {"resourcemanager.projects.setIamPolicy"},
    "roles/serviceusage.serviceUsageAdmin": _SERVICES_ADMIN,
}

# Roles that exist but give nothing of what is served here, by service. Of other services any name is taken.
# Source: https://cloud.google.com/iam/docs/roles-permissions
KNOWN_ELSEWHERE = frozenset(
    f"roles/{service}.{name}"
    for service, names in {
        "bigquery": "connectionAdmin connectionUser dataPolicyAdmin filteredDataViewer objectRefAdmin "
        "objectRefReader readSessionUser resourceAdmin resourceEditor routineAdmin routineDataEditor "
        "routineMetadataViewer routineViewer securityAdmin studioAdmin studioUser",
        "iam": "denyAdmin denyReviewer oauthClientAdmin oauthClientViewer operationViewer "
        "organizationRoleAdmin organizationRoleViewer "
        "principalAccessBoundaryAdmin principalAccessBoundaryUser "
        "principalAccessBoundaryViewer roleAdmin roleViewer securityAdmin securityReviewer "
        "serviceAccountApiKeyBindingAdmin serviceAccountCreator serviceAccountDeleter "
        "serviceAccountOpenIdTokenCreator serviceAccountUser serviceAccountViewer "
        "workforcePoolAdmin workforcePoolEditor workforcePoolViewer workloadIdentityPoolAdmin "
        "workloadIdentityPoolViewer workloadIdentityUser",
        "resourcemanager": "folderAdmin folderCreator folderEditor folderIamAdmin folderMover folderViewer "
        "lienModifier organizationAdmin organizationViewer projectCreator projectDeleter projectMover "
        "tagAdmin tagHoldAdmin tagUser tagViewer",
        "run": "admin builder developer invoker jobsExecutor jobsExecutorWithOverrides servicesInvoker "
        "sourceDeveloper sourceViewer viewer",
        "secretmanager": "admin secretAccessor secretVersionAdder secretVersionManager viewer",
        "serviceusage": "apiKeysAdmin apiKeysViewer serviceUsageConsumer serviceUsageViewer",
        "storage": "admin folderAdmin hmacKeyAdmin insightsCollectorService legacyBucketOwner "
        "legacyBucketReader legacyBucketWriter legacyObjectOwner legacyObjectReader objectAdmin "
        "objectCreator objectUser objectViewer",
    }.items()
    for name in names.split()
)
_LISTED_SERVICES = frozenset(role.partition(".")[0] for role in (*KNOWN_ELSEWHERE, *ROLES) if "." in role)
_SERVICE_ROLE = re.compile(r"roles/[a-z][a-z0-9]*(?:\.[A-Za-z0-9]+)+")
_CUSTOM_ROLE = re.compile(r"(?:projects|organizations)/[^/]+/roles/[A-Za-z0-9_.]{3,64}")
# The lowest resource of these is a project.
_PROJECT_ONLY = frozenset(
    f"roles/bigquery.{name}"
    for name in (
        "connectionAdmin",
        "connectionUser",
        "jobUser",
        "readSessionUser",
        "resourceAdmin",
        "resourceEditor",
        "resourceViewer",
        "studioAdmin",
        "studioUser",
    )
)

# BigQuery stores and returns these three under their old names.
LEGACY_NAMES = {
    "roles/bigquery.dataOwner": "OWNER",
    "roles/bigquery.dataEditor": "WRITER",
    "roles/bigquery.dataViewer": "READER",
}
FULL_NAMES = {legacy: full for full, legacy in LEGACY_NAMES.items()}

# The special groups of a dataset's access list, and the project role that makes a member of one.
SPECIAL_GROUPS = {
    "projectOwners": "roles/owner",
    "projectWriters": "roles/editor",
    "projectReaders": "roles/viewer",
}

# The least role that holds a permission, in the order in which to suggest one.
_SUGGESTIONS = (
    "roles/bigquery.jobUser",
    "roles/bigquery.metadataViewer",
    "roles/bigquery.dataViewer",
    "roles/bigquery.dataEditor",
    "roles/bigquery.dataOwner",
    "roles/bigquery.admin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountTokenCreator",
    "roles/resourcemanager.projectIamAdmin",
    "roles/serviceusage.serviceUsageAdmin",
)


def permissions(role: str) -> frozenset[str]:
    """Give the permissions of a role, also under its old BigQuery name; none for a role unknown here."""
    return ROLES.get(FULL_NAMES.get(role, role), frozenset())


def grants(role: str, permission: str) -> bool:
    """Tell whether a role holds a permission."""
    held = permissions(role)
    return permission in held or (EVERYTHING in held and permission not in _NEVER_IN_OWNER)


def is_known(role: str) -> bool:
    """Tell whether Google would take this role in a policy; a misspelt one is not taken."""
    if role in ROLES or role in KNOWN_ELSEWHERE or _CUSTOM_ROLE.fullmatch(role):
        return True
    return role.partition(".")[0] not in _LISTED_SERVICES and _SERVICE_ROLE.fullmatch(role) is not None


def is_for_datasets(role: str) -> bool:
    """Tell whether BigQuery takes this role in a dataset's access list: no project's, no other service's."""
    if role in FULL_NAMES or _CUSTOM_ROLE.fullmatch(role):
        return True
    return role.startswith("roles/bigquery.") and is_known(role) and role not in _PROJECT_ONLY


def missing_role(permission: str) -> str:
    """Name the least role that would give this permission."""
    if permission == "bigquery.datasets.create":
        return "roles/bigquery.user"
    return next((role for role in _SUGGESTIONS if permission in ROLES[role]), "roles/owner")
