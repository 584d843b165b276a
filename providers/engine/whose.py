"""Whose an object is, and what is said of one that is not this stack's."""

from __future__ import annotations

from providers.api.errors import PrefectError
from providers.engine.claims import Claims
from providers.engine.sdk import say
from providers.kinds.kind import Connect, Found, Kind, Properties
from providers.kinds.marks import named
from providers.values import has_unknown


class Whose:
    """Tells a stack's objects of one kind from others: by marks, or by claims where there is no room."""

    def __init__(self, kind: Kind, connect: Connect, here: str, claims: Claims) -> None:
        self._kind = kind
        self._connect = connect
        self._here = here
        self._claims = claims

    def problems(self, inputs: Properties) -> list[str]:
        """Say at preview already that the name is somebody else's; and what would be taken over."""
        kind = self._kind
        if kind.refers or has_unknown([inputs.get(name) for name in kind.unique]):
            return []
        try:
            found = kind.find(self._connect(), inputs)
            if found is None or self.is_ours(inputs, found, begun=self.is_claimed(inputs)):
                return []
            if not inputs.get("adopt"):
                return [self.in_use(inputs, found)]
            say(
                f"adopt: {kind.label(inputs)}, {_made_by(found)}, is taken over: its settings are replaced, "
                "and `pulumi destroy` deletes it"
            )
            for line in kind.takes(self._connect(), found, inputs):
                say(f"adopt: {kind.label(inputs)}: {line}")
        except PrefectError as error:
            return [str(error)]
        return []

    def is_ours(self, props: Properties, found: Found, *, begun: bool) -> bool:
        """Tell whether this stack made it, in an `up` that was interrupted before its id was in the state."""
        if self._kind.marked:
            return found.owner is not None and found.owner == props.get("owner")
        return begun and (has_unknown(props) or self._kind.holds(found, props))

    def has_left(self, props: Properties, found: Found) -> bool:
        """Tell, and say, whether another stack has taken over what this one had."""
        left = found.owner not in {None, props.get("owner")}
        if left:
            say(f"{self._kind.label(props)} is now of {named(str(found.owner))}: left as it is")
        return left

    def claim(self, props: Properties) -> None:
        """Note, of a kind without marks, that the object is about to be made."""
        if not (self._kind.marked or self._kind.refers or self.is_claimed(props)):
            self._claims.add(self._claimed(props))

    def is_claimed(self, props: Properties) -> bool:
        """Tell whether that is noted."""
        return self._claimed(props) in self._claims

    def drop(self, props: Properties) -> None:
        """Forget it."""
        self._claims.drop(self._claimed(props))

    def _claimed(self, props: Properties) -> tuple[str, ...]:
        return str(props.get("owner")), self._here, self._kind.label(props)

    def in_use(self, props: Properties, found: Found) -> str:
        """Say that a name is taken, and by whom."""
        differs = "with the same settings" if self._kind.holds(found, props) else "with other settings"
        return (
            f"Prefect at {self._connect().server.api_url} already has {self._kind.label(props)}, {differs}, "
            f"{_made_by(found)}. Give this one another name, or set adopt=True to take that one over: its "
            "settings are then replaced, and `pulumi destroy` deletes it"
        )


def _made_by(found: Found) -> str:
    return f"of {named(found.owner)}" if found.owner else "which nothing shows to be this stack's"
