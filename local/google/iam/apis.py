"""Which Google API a call is of, and whether that is on in the project: one that is off refuses all calls.

What is served here is on from the start, as BigQuery's API is in a new project of Google's.
Source: https://cloud.google.com/service-usage/docs/enabled-service
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from local.google import errors

if TYPE_CHECKING:
    from local.google.state import ProjectRecord, Store

_PROJECT = "/v1/projects/(?P<project>[^/:]+)"
# The first that fits counts. Service Usage itself is never off: nobody could switch it on again.
_APIS = tuple(
    (re.compile(path), f"{name}.googleapis.com", title)
    for path, name, title in (
        ("(?:/upload)?/bigquery/v2/projects/(?P<project>[^/:]+)/.*", "bigquery", "BigQuery API"),
        (
            _PROJECT + "/serviceAccounts/[^/]+:generateAccessToken",
            "iamcredentials",
            "IAM Service Account Credentials API",
        ),
        (_PROJECT + "/serviceAccounts.*", "iam", "Identity and Access Management (IAM) API"),
        (_PROJECT + "(?::.*)?", "cloudresourcemanager", "Cloud Resource Manager API"),
    )
)
SERVED = frozenset(name for _, name, _ in _APIS) | {"serviceusage.googleapis.com"}


class Apis:
    """Which APIs are on, and since when: one that was switched on may need some minutes at Google."""

    def __init__(self, store: Store, delay: float) -> None:
        """``delay`` is how many seconds an API is not in force yet once it is on."""
        self._store = store
        self._delay = delay
        self._since: dict[tuple[str, str], float] = {}

    def require(self, path: str) -> None:
        """Raise Google's 403 where the API that serves this path is off, whoever calls."""
        for pattern, name, title in _APIS:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            project = self._project(found["project"])
            if project is not None and not self._is_in_force(project, name):
                raise errors.ApiOffError(name, title, project.number)
            return

    def is_on(self, project: ProjectRecord, name: str) -> bool:
        """Tell whether an API is switched on."""
        return name not in project.services_off and (name in SERVED or name in project.services)

    def names_on(self, project: ProjectRecord) -> list[str]:
        """Name the APIs that are on, in order."""
        return sorted(({*project.services} | SERVED) - {*project.services_off})

    def switch(self, project: ProjectRecord, names: list[str], *, on: bool) -> None:
        """Switch APIs on or off, for good."""
        changed = {name for name in names if self.is_on(project, name) != on}
        off = {*project.services_off}
        project.services_off = sorted(off - changed if on else off | (changed & SERVED))
        project.services = sorted({*project.services} | {*names} if on else {*project.services} - {*names})
        self._since.update(((project.number, name), time.time()) for name in changed)
        self._store.save()

    def _project(self, name: str) -> ProjectRecord | None:
        # A call on an account alone, projects/-, is of the account's project; one is served.
        return self._store.project(self._store.project_ids()[0] if name == "-" else name)

    def _is_in_force(self, project: ProjectRecord, name: str) -> bool:
        since = self._since.get((project.number, name), 0.0)
        return self.is_on(project, name) and time.time() >= since + self._delay
