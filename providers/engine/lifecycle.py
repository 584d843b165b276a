"""What happens to an object at each step of Pulumi's engine. Knows neither HTTP nor the Pulumi SDK."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from providers.api.errors import ElsewhereError, NameTakenError, PrefectError, RejectedError
from providers.engine.claims import Claims
from providers.engine.whose import Whose
from providers.kinds.kind import FOUND, Connect, Kind, Properties
from providers.values import has_unknown

#: Where the program declares an object; known to one run, and kept nowhere.
PLACE = "declared_at"


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
    asked, so that a run that changes nothing loads no HTTP. `here` is the server's `place`, and `former`
    are those that the stack has moved away from.
    """

    def __init__(
        self,
        kind: Kind,
        connect: Connect,
        here: str = "",
        former: frozenset[str] = frozenset(),
        claims: Claims | None = None,
    ) -> None:
        self._kind = kind
        self._connect = connect
        self._here = here
        self._former = former
        self._whose = Whose(kind, connect, here, claims or Claims())
        self._lock = threading.Lock()
        # Objects that a resource of this run created or took over, and those that stay as they are.
        self._taken: set[str] = set()
        self._kept: set[str] = set()
        # Objects that a resource of this run has begun to create, by their labels.
        self._begun: set[str] = set()
        # Where the program declares each object, by its label.
        self._places: dict[str, str] = {}

    def check(self, olds: Properties, news: Properties) -> Checked:
        """Validate the inputs, unknowns understood, and set what the program leaves out.

        Where something is new, Prefect is asked whether it is there, and of a block type that only Prefect
        knows; of an object that the program refers to, always.
        """
        kind = self._kind
        given = {name: value for name, value in news.items() if value is not None}
        preview, place = given.pop("dry_run", False), given.pop(PLACE, None)
        inputs = self._placed({"adopt": False, **kind.defaults, **given}, olds)
        problems = []
        try:
            self._stay_here(olds)
            inputs = kind.complete(self._connect, inputs)
        except PrefectError as error:
            problems = [str(error)]
        if not olds or self._changed(olds, inputs):
            problems = problems or self._problems(inputs)
        if not olds or kind.refers or self._changed(olds, inputs):
            problems = problems or self._absent(inputs)
        if olds and self._same_name(olds, inputs):
            self._whose.claim(inputs)
        elif preview and not problems:
            problems = self._whose.problems(inputs)
        if place:
            self._places[kind.label(inputs)] = place
            problems = [f"{problem} ({place})" for problem in problems]
        return Checked(kind.sealed(olds, inputs), problems)

    def diff(self, object_id: str, olds: Properties, news: Properties) -> Difference:
        """Compare what the object was last known to be with what it shall be."""
        kind = self._kind
        replaces = [
            name
            for name in kind.replaces
            if name in olds and self._kind.differ(olds.get(name), news.get(name))
        ]
        if kind.refers and news.get(FOUND, object_id) != object_id:
            # Somebody has made it anew.
            return Difference(changes=True, replaces=[FOUND])
        if not replaces:
            self._keep(object_id, news)
        changes = bool(replaces) or self._changed(olds, news)
        return Difference(changes, replaces, bool(replaces) and self._same_name(olds, news))

    def create(self, props: Properties) -> tuple[str, Properties]:
        """Create the object, or take it over; return its id and outputs."""
        with self._told_where(props):
            return self._create(props)

    def _create(self, props: Properties) -> tuple[str, Properties]:
        kind, http = self._kind, self._connect()
        self._begin(props)
        begun = self._whose.is_claimed(props)
        self._whose.claim(props)
        found = None if kind.names_are_unique else kind.find(http, props)
        made = None if found else kind.create(http, props)
        if made is not None:
            # Whatever else there is to say of it: its id has to get into the state.
            self._take(made.id, props)
            return made.id, self._outputs(props, props, made.properties)
        found = found or kind.find(http, props)
        if found is None:
            raise NameTakenError(f"Prefect at {http.server.api_url} declines a second {kind.label(props)}")
        # What the program only refers to is somebody else's by right.
        ours = self._whose.is_ours(props, found, begun=begun)
        if not (kind.refers or props.get("adopt") or ours):
            if not begun:
                self._whose.drop(props)
            raise NameTakenError(self._whose.in_use(props, found))
        self._take(found.id, props)
        computed = None
        if not kind.holds(found, props) or (kind.marked and found.owner != props.get("owner")):
            if ours:
                computed = kind.update(http, found.id, props, props)
            else:
                computed = kind.take_over(http, found.id, props)
        return found.id, self._outputs(props, props, found.properties | (computed or {}))

    def read(self, object_id: str, props: Properties) -> Properties | None:
        """Return the properties as they are in Prefect, or None where the object is gone."""
        kind = self._kind
        self._stay_here(props)
        found = kind.read(self._connect(), object_id, props)
        if found is None or self._whose.has_left(props, found):
            return None
        settled = kind.as_given({"adopt": False, **kind.defaults, **props}, found.properties)
        return kind.sealed(props, self._placed(settled, props))

    def update(self, object_id: str, olds: Properties, news: Properties) -> Properties:
        """Make the object as the new properties say; return the outputs."""
        self._stay_here(olds)
        with self._told_where(news):
            computed = self._kind.update(self._connect(), object_id, olds, news)
        return self._outputs(olds, news, olds | (computed or {}))

    def delete(self, object_id: str, props: Properties) -> None:
        """Delete the object; fine if it is gone. Not done if another resource of this run took it over.

        The latter is what renaming a resource in the program without an alias looks like, or `pulumi up
        --replace`.
        """
        self._stay_here(props)
        with self._lock:
            if object_id in self._taken:
                return
        kind, http = self._kind, self._connect()
        found = kind.read(http, object_id, props) if kind.marked else None
        if found is None or not self._whose.has_left(props, found):
            kind.delete(http, object_id, props)
        self._whose.drop(props)

    def _outputs(self, olds: Properties, props: Properties, there: Properties) -> Properties:
        computed = {name: there[name] for name in self._kind.computed if name in there}
        return self._kind.sealed(olds, props | computed)

    @contextmanager
    def _told_where(self, props: Properties) -> Iterator[None]:
        """Name the line of the program whose object Prefect declines."""
        try:
            yield
        except RejectedError as error:
            label = self._kind.label(props)
            place = self._places.get(label)
            raise RejectedError(f"{error} ({label}, {place})" if place else str(error)) from error

    def _placed(self, props: Properties, olds: Properties) -> Properties:
        """Return the properties with the server that the object is on, if that is known."""
        server = self._here or olds.get("server")
        return props | {"server": server} if server else props

    def _stay_here(self, props: Properties) -> None:
        """Raise ElsewhereError for an object on another server. An older version's state names none."""
        there = props.get("server")
        if not there or not self._here or there in {self._here, *self._former}:
            return
        raise ElsewhereError(
            f"{self._kind.label(props)} is on Prefect at {there}, but this run talks to {self._here}: "
            "nothing is done to it. Set prefect:apiUrl, or PREFECT_API_URL, back to where it is. If that "
            "server itself has moved, or you leave it behind on purpose: "
            f"`PREFECT_MOVED_FROM={there} pulumi up --refresh`, once"
        )

    def _same_name(self, olds: Properties, news: Properties) -> bool:
        return all(olds.get(name) == news.get(name) for name in self._kind.unique)

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
            found = self._kind.find(http, inputs)
            if found is None:
                return [str(self._kind.gone(inputs, http.server.api_url))]
            inputs[FOUND] = found.id
        except PrefectError as error:
            return [str(error)]
        return []

    def _changed(self, olds: Properties, news: Properties) -> bool:
        names = (olds.keys() | news.keys()) - {"adopt", "owner", *self._kind.hints, *self._kind.computed}
        # What an older version's state lacks is no change.
        names -= {name for name in ("server", *self._kind.added) if name not in olds}
        return any(
            has_unknown(news.get(name)) or self._kind.differ(olds.get(name), news.get(name)) for name in names
        )

    def _begin(self, props: Properties) -> None:
        """Raise NameTakenError for a run's second, whose like may be in Prefect and yet without an id."""
        label = self._kind.label(props)
        with self._lock:
            if label in self._begun:
                raise NameTakenError(self._twice(props))
            self._begun.add(label)

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
