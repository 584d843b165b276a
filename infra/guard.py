"""What a `pulumi destroy` meets first where the settings keep the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from infra.component import Component
from providers.resources import Refusal

# The engine's refusal shows this name, and nothing else that is ours.
NAME = "kept-with-its-tables--see-stack-output-takeAway"
# In states that were written when there was one such setting.
FORMER = "kept-unless-deleteContentsOnDestroy-is-true--see-stack-output-takeAway"


@dataclass(frozen=True)
class GuardArgs:
    """What is kept, and how it goes nevertheless.

    Attributes:
        environment: for the message.
        switches: the settings that are false, and so keep tables; none where all may go.
        take_away: the commands that take the environment away.
        keeps: what has to stay.
    """

    environment: str
    switches: Sequence[str]
    take_away: str
    keeps: Sequence[pulumi.Resource]

    @property
    def refusal(self) -> str:
        """Say that the environment is kept, and how it goes; nothing where it may go."""
        if not self.switches:
            return ""
        which = " and ".join(f"`{name}`" for name in self.switches)
        verb = "is" if len(self.switches) == 1 else "are"
        return (
            f"nothing of {self.environment} is taken away, because its tables would be lost ({which} {verb} "
            f"false). To lose them: `{self.take_away}`"
        )


class Guard(Component):
    """Refuses `pulumi destroy` as a whole, unless the settings let it drop the tables.

    The datasets are protected too, but Pulumi deletes what depends on them first: blocks, deployment and
    account would be gone by then. This depends on all of them, so it comes before. It is protected, so that
    the preview already refuses; and it refuses by itself, with the commands, where somebody has followed the
    engine's advice to `pulumi state unprotect`.
    """

    def __init__(self, name: str, args: GuardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.refusal = Refusal(
            NAME,
            why=args.refusal,
            keeps=args.keeps,
            opts=pulumi.ResourceOptions(
                parent=self, protect=bool(args.switches), aliases=[pulumi.Alias(name=FORMER)]
            ),
        )
        self.register_outputs({})
