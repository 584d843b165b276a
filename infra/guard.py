"""What a `pulumi destroy` meets first where the settings keep the tables."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from infra.pages import how_to_destroy
from infra.settings import Settings
from providers.resources import Refusal

# The engine's refusal shows this name, and nothing else that is ours.
NAME = "kept-unless-deleteContentsOnDestroy-is-true--see-stack-output-takeAway"


class Guard(pulumi.ComponentResource):
    """Refuses `pulumi destroy` as a whole, unless the settings let it drop the tables.

    The datasets are protected too, but Pulumi deletes what depends on them first: blocks, deployment and
    account would be gone by then. This depends on all of them, so it comes before. It is protected, so that
    the preview already refuses; and it refuses by itself, with the commands, where somebody has followed the
    engine's advice to `pulumi state unprotect`.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        keeps: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:Guard", name, None, opts)
        kept = not settings.delete_contents_on_destroy
        self.refusal = Refusal(
            NAME,
            why=refusal(settings) if kept else "",
            keeps=keeps,
            opts=pulumi.ResourceOptions(parent=self, protect=kept),
        )
        self.register_outputs({})


def refusal(settings: Settings) -> str:
    """Say that the environment is kept, and how it goes nevertheless."""
    return (
        f"nothing of {settings.environment} is taken away, because its tables would be lost "
        "(`projet-m2-bi:deleteContentsOnDestroy` is false). To lose them: "
        f"`{how_to_destroy(settings)}`"
    )
