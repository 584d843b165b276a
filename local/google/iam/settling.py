"""Grants need their time: a new one counts after a delay, at Google after two to seven minutes at times.

Source: https://cloud.google.com/iam/docs/access-change-propagation
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.google.state import State, Store

# Where, what, whom.
Grant = tuple[str, str, str]


class Settling:
    """When each grant was made. Those that were there at the start are old."""

    def __init__(self, store: Store, delay: float) -> None:
        """``delay`` is in seconds."""
        self._delay = delay
        self._since = dict.fromkeys(_grants(store.state), 0.0)
        if delay:
            store.on_save = self.note

    def note(self, state: State) -> None:
        """Look what is new. What comes with a new dataset, whose creator has to go on, counts at once."""
        now = time.time()
        places = {place for place, _, _ in self._since}
        self._since = {
            grant: self._since.get(grant, now if grant[0] in places or ":" not in grant[0] else 0.0)
            for grant in _grants(state)
        }

    def counts(self, place: str, role: str, member: str) -> bool:
        """Tell whether a grant counts by now."""
        return not self._delay or time.time() >= self._since.get((place, role, member), 0.0) + self._delay


def member_of(entry: dict[str, Any]) -> str:
    """Name whom an entry of a dataset's access list is for."""
    return next((f"{name}:{entry[name]}" for name in sorted(entry) if name != "role"), "")


def dataset_place(project_id: str, dataset_id: str) -> str:
    """Name a dataset as the place of grants."""
    return f"{project_id}:{dataset_id}"


def _grants(state: State) -> Iterator[Grant]:
    for project_id, project in state.projects.items():
        yield from _bound(project_id, project.bindings)
        for account in project.accounts.values():
            yield from _bound(account.unique_id, account.bindings)
        for dataset_id, dataset in project.datasets.items():
            for entry in dataset.fields.get("access", []):
                place = dataset_place(project_id, dataset_id)
                yield place, str(entry.get("role", "")), member_of(entry)


def _bound(place: str, bindings: list[dict[str, Any]]) -> Iterator[Grant]:
    for binding in bindings:
        for member in binding.get("members", []):
            yield place, binding["role"], member
