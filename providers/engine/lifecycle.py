"""What happens to an object at each step of Pulumi's engine. Knows neither HTTP nor the Pulumi SDK."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from providers.api.errors import NameTakenError, PrefectError
from providers.kinds.kind import Connect, Found, Kind, Properties
from providers.values import has_unknown


@dataclass(frozen=True)
class Checked:
    """The inputs to go on with, and what is wrong with them."""

    inputs: Properties
    problems: list[str]


@dataclass(frozen=True)
class Difference:
    """What an update would have to do: nothing, update, or replace because of these inputs."""

    changes: bool
    replaces: list[str]
    #: Whether the old object has to go before the new one is made.
    delete_first: bool = False


class Lifecycle:
    """One provider process's view of one kind of object on one Prefect server. Safe to share between threads.

    `connect` makes the connection, or returns the one there is. It is called when something has to be
    asked, so that a run that changes nothing loads no HTTP.
    """

    def __init__(self, kind: Kind, connect: Connect) -> None:
        self._kind = kind
        self._connect = connect
        self._lock = threading.Lock()
        # Objects that a resource of this run created or took over, and those that stay as they are.
        self._taken: set[str] = set()
        self._kept: set[str] = set()

    def check(self, olds: Properties, news: Properties) -> Checked:
        """Validate the inputs, unknowns understood, and set what the program leaves out.

        Where something is new, Prefect is asked whether it is there, of an object that the program refers to,
        and of a block type that only Prefect knows.
        """
        kind = self._kind
        given = {name: value for name, value in news.items() if value is not None}
        inputs = {"adopt": False, **kind.defaults, **given}
        problems = []
        try:
            inputs = kind.complete(self._connect, inputs)
        except PrefectError as error:
            problems = [str(error)]
        if not olds or self._changed(olds, inputs):
            problems = problems or self._problems(inputs) or self._absent(inputs)
        return Checked(kind.sealed(olds, inputs), problems)

    def diff(self, object_id: str, olds: Properties, news: Properties) -> Difference:
        """Compare what the object was last known to be with what it shall be."""
        kind = self._kind
        replaces = [
            name
            for name in kind.replaces
            if name in olds and self._kind.differ(olds.get(name), news.get(name))
        ]
        if not replaces:
            self._keep(object_id, news)
        same_place = all(olds.get(name) == news.get(name) for name in kind.unique)
        changes = bool(replaces) or self._changed(olds, news)
        return Difference(changes, replaces, bool(replaces) and same_place)

    def create(self, props: Properties) -> tuple[str, Properties]:
        """Create the object, or take it over; return its id and outputs."""
        kind, http = self._kind, self._connect()
        found = None if kind.names_are_unique else kind.find(http, props)
        made = None if found else kind.create(http, props)
        if made is not None:
            # Whatever else there is to say of it: its id has to get into the state.
            self._take(made.id, props)
            return made.id, kind.sealed(props, props)
        found = found or kind.find(http, props)
        if found is None:
            raise NameTakenError(f"Prefect at {http.server.api_url} declines a second {kind.label(props)}")
        if self._drifted(props, found):
            if not props.get("adopt"):
                raise NameTakenError(self._in_use(props, http.server.api_url))
            self._take(found.id, props)
            kind.update(http, found.id, props, props)
        else:
            self._take(found.id, props)
        return found.id, kind.sealed(props, props)

    def read(self, object_id: str, props: Properties) -> Properties | None:
        """Return the properties as they are in Prefect, or None where the object is gone."""
        kind = self._kind
        found = kind.read(self._connect(), object_id, props)
        if found is None:
            return None
        settled = kind.as_given({"adopt": False, **kind.defaults, **props}, found.properties)
        return kind.sealed(props, settled)

    def update(self, object_id: str, olds: Properties, news: Properties) -> Properties:
        """Make the object as the new properties say; return the outputs."""
        self._kind.update(self._connect(), object_id, olds, news)
        return self._kind.sealed(olds, news)

    def delete(self, object_id: str, props: Properties) -> None:
        """Delete the object; fine if it is gone. Not done if another resource of this run took it over.

        The latter is what renaming a resource in the program without an alias looks like, or `pulumi up
        --replace`.
        """
        with self._lock:
            if object_id in self._taken:
                return
        self._kind.delete(self._connect(), object_id, props)

    def _problems(self, inputs: Properties) -> list[str]:
        from providers.checks.inputs import schema_problems  # noqa: PLC0415  where there is something new

        return schema_problems(inputs, self._kind.schema) or self._kind.problems(inputs)

    def _absent(self, inputs: Properties) -> list[str]:
        """Say at preview already what `up` would stop at with half a stack made.

        That there is no Prefect, that it lets nobody in, or that it lacks an object to refer to.
        """
        try:
            http = self._connect()
            http.reach()
            if not self._kind.refers or has_unknown(inputs):
                return []
            if self._kind.find(http, inputs) is None:
                return [str(self._kind.gone(inputs, http.server.api_url))]
        except PrefectError as error:
            return [str(error)]
        return []

    def _drifted(self, props: Properties, found: Found) -> bool:
        settled = self._kind.as_given(props, found.properties)
        return any(self._kind.differ(settled.get(name), props.get(name)) for name in found.properties)

    def _changed(self, olds: Properties, news: Properties) -> bool:
        names = (olds.keys() | news.keys()) - {"adopt", *self._kind.hints}
        names -= {name for name in self._kind.added if name not in olds}
        return any(
            has_unknown(news.get(name)) or self._kind.differ(olds.get(name), news.get(name)) for name in names
        )

    def _take(self, object_id: str, props: Properties) -> None:
        with self._lock:
            if object_id in self._taken | self._kept:
                raise NameTakenError(self._twice(props))
            self._taken.add(object_id)

    def _keep(self, object_id: str, props: Properties) -> None:
        with self._lock:
            if object_id in self._taken:
                raise NameTakenError(self._twice(props))
            self._kept.add(object_id)

    def _twice(self, props: Properties) -> str:
        return (
            f"two resources of this program declare the same {self._kind.label(props)}: give one of them "
            "another name"
        )

    def _in_use(self, props: Properties, api_url: str) -> str:
        return (
            f"Prefect at {api_url} already has {self._kind.label(props)}, with other settings. Give this one "
            "another name, or set adopt=True to take that one over: its settings are then replaced, and "
            "`pulumi destroy` deletes it"
        )
