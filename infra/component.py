"""What the program's components have in common."""

from __future__ import annotations

import pulumi

# In states that were written when the types still had the project's name, so that a new name made all anew.
_FORMER = "projet-m2-bi"


class Component(pulumi.ComponentResource):
    """A part of the program, as a type of its own: `dbt:infra:Warehouse`."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        kind = f"infra:{type(self).__name__}"
        former = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=f"{_FORMER}:{kind}")])
        super().__init__(f"dbt:{kind}", name, None, pulumi.ResourceOptions.merge(former, opts))

    def child(self, *after: pulumi.Resource, **more: object) -> pulumi.ResourceOptions:
        """Options of a resource that is the component's own and comes after others."""
        return pulumi.ResourceOptions(parent=self, depends_on=[*after], **more)  # type: ignore[arg-type]
