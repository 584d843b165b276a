"""What the lifecycle has to know of one kind of object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from providers.api.errors import GoneError, RejectedError
from providers.values import canonical, precise

if TYPE_CHECKING:
    import httpx

    from providers.api.http import Requests

Properties = dict[str, Any]
#: Makes the connection to Prefect, or returns the one there is.
Connect = Callable[[], "Requests"]
#: Of an object that the program only refers to: the id that it has by now.
FOUND = "found"
MISSING = frozenset({404})
CONFLICT = frozenset({409})


@dataclass(frozen=True)
class Found:
    """An object as Prefect has it, in the words of the resource's inputs."""

    id: str
    properties: Properties
    #: The stack that has marked it as its own.
    owner: str | None = None


class Kind(ABC):
    """One kind of object: its inputs, and the conversation with Prefect about it.

    The methods that take `http` may raise any `providers.api.errors.PrefectError`.
    """

    title: ClassVar[str]
    #: JSON Schema of the inputs, beside what `problems` looks at.
    schema: ClassVar[Mapping[str, Any]]
    #: Inputs that are set where the program leaves them out.
    defaults: ClassVar[Mapping[str, Any]] = {}
    #: Inputs whose change replaces the object.
    replaces: ClassVar[tuple[str, ...]] = ("name",)
    #: Inputs that no two objects of this kind may share on a server. Where a replacement keeps them, the old
    #: object has to go first.
    unique: ClassVar[tuple[str, ...]] = ("name",)
    #: Inputs that people change in Prefect's page, such as whether something is paused. Prefect's value
    #: counts as theirs, and only what the program itself changes is written.
    states: ClassVar[tuple[str, ...]] = ()
    #: Inputs for messages and previews alone: what differs in them is no change.
    hints: ClassVar[tuple[str, ...]] = ()
    #: What `complete` adds to the inputs. That an older version's state lacks it is no change.
    added: ClassVar[tuple[str, ...]] = ()
    #: Outputs that Prefect gives out, which are no inputs: `create` and `find` tell them, and `update` those
    #: that may be others then.
    computed: ClassVar[tuple[str, ...]] = ()
    #: Whether Prefect has room for the mark of the stack that owns one: `create` and `update` write the input
    #: `owner`, and what finds one tells it.
    marked: ClassVar[bool] = False
    #: Whether Prefect refuses to create a second one of a name. Else it has to be looked for before.
    names_are_unique: ClassVar[bool] = True
    #: Whether the program only refers to the object, which has to be there before.
    refers: ClassVar[bool] = False
    #: The input that makes `states` the program's alone.
    manages: ClassVar[str] = "manage_state"

    def label(self, inputs: Properties) -> str:
        """Name the object in a message."""
        return f"{self.title} {inputs.get('name')!r}"

    def complete(self, _connect: Connect, inputs: Properties) -> Properties:
        """Return the inputs with what follows from them. May ask Prefect."""
        return inputs

    def sealed(self, _olds: Properties, props: Properties) -> Properties:
        """Return the properties with secrets marked as the engine reads them; `olds` are those before."""
        return props

    def problems(self, _inputs: Properties) -> list[str]:
        """List what is wrong with the inputs beyond their schema. Unknown values are right."""
        return []

    @abstractmethod
    def find(self, http: Requests, inputs: Properties) -> Found | None:
        """Look the object up by what identifies it to people."""

    @abstractmethod
    def read(self, http: Requests, object_id: str, inputs: Properties) -> Found | None:
        """Read the object by its id; None where it is gone."""

    @abstractmethod
    def create(self, http: Requests, inputs: Properties) -> Found | None:
        """Create it. None where Prefect says that its name is taken."""

    @abstractmethod
    def update(self, http: Requests, object_id: str, olds: Properties, news: Properties) -> Properties | None:
        """Make it as `news` says, and return what of `computed` may be another now. Raises GoneError."""

    def takes(self, _http: Requests, _found: Found, _inputs: Properties) -> list[str]:
        """Say what of an object that is taken over goes on beside what the program says."""
        return []

    def take_over(self, http: Requests, object_id: str, inputs: Properties) -> Properties | None:
        """Make somebody else's object as the program says; return what `update` does."""
        return self.update(http, object_id, inputs, inputs)

    @abstractmethod
    def delete(self, http: Requests, object_id: str, inputs: Properties) -> None:
        """Delete it; fine if it is gone."""

    def as_given(self, given: Properties, actual: Properties) -> Properties:
        """Return what is there, in the program's words where it means the same: what differs has drifted."""
        settled = dict(given)
        for name, value in actual.items():
            kept = self._is_theirs(name, given) or self.means(name, given.get(name), value)
            if not kept:
                settled[name] = value
        return settled

    def means(self, name: str, given: Any, actual: Any) -> bool:
        """Tell whether two values of an input are the same to Prefect."""
        if name == "tags":
            return sorted(given or []) == sorted(actual or [])
        return canonical(given or None) == canonical(actual or None)

    def holds(self, found: Found, inputs: Properties) -> bool:
        """Tell whether an object is as the program says."""
        settled = self.as_given(inputs, found.properties)
        return not any(
            self.differ(settled.get(name), inputs.get(name))
            for name in found.properties
            if name not in self.computed
        )

    def differ(self, old: Any, new: Any) -> bool:
        """Tell whether two values of an input are different to the program."""
        return precise(old) != precise(new)

    def to_write(self, olds: Properties, news: Properties) -> tuple[str, ...]:
        """Return the states to write: all if the program manages them, else those that it has changed."""
        if news.get(self.manages):
            return self.states
        return tuple(name for name in self.states if name in olds and olds[name] != news.get(name))

    def gone(self, inputs: Properties, api_url: str) -> GoneError:
        """Return the error for an object that is no longer there to be changed."""
        return GoneError(
            f"{self.label(inputs)} is no longer in Prefect at {api_url}: run `pulumi up --refresh`, which "
            "sees that and creates it anew"
        )

    def _is_theirs(self, name: str, given: Properties) -> bool:
        return name in self.states and not given.get(self.manages)


def cloud_only(connect: Connect, what: str) -> None:
    """Raise RejectedError at preview already where Prefect is a server of one's own."""
    server = connect().server
    if not server.is_cloud:
        raise RejectedError(
            f"Prefect at {server.api_url} has no {what}: only Prefect Cloud has. Leave them out of this "
            "stack, or point prefect:apiUrl to a workspace there"
        )


def only(properties: Mapping[str, Any], *names: str) -> Properties:
    """Return some of the properties, null where they are not set."""
    return {name: properties.get(name) for name in names}


def post_once(
    http: Requests, path: str, body: Properties, there: str, accept: frozenset[int] = frozenset()
) -> httpx.Response | None:
    """Create something whose name is unique, though an answer may be lost; None where the name is taken.

    After a lost answer, what is at the path `there` may be what was asked for, and is returned.
    """
    lost = False

    def look() -> httpx.Response | None:
        nonlocal lost
        lost = True
        response = http.send("GET", there, accept=MISSING)
        return None if response.status_code == 404 else response

    response = http.send("POST", path, json=body, accept=accept | CONFLICT, look=look)
    if response.status_code != 409:
        return response
    return look() if lost else None
