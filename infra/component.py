"""What the program's components have in common."""

from __future__ import annotations

import pulumi

# In states that were written when the types still had the project's name, so that a new name made all anew.
_FORMER = "projet-m2-bi"
# Of all attributes, only the time is known to every service:
# https://cloud.google.com/iam/docs/conditions-attribute-reference#date-time
_ALWAYS = 'request.time > timestamp("2020-01-01T00:00:00Z")'


class Component(pulumi.ComponentResource):
    """A part of the program, as a type of its own: `dbt:infra:Warehouse`."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        kind = f"infra:{type(self).__name__}"
        former = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=f"{_FORMER}:{kind}")])
        super().__init__(f"dbt:{kind}", name, None, pulumi.ResourceOptions.merge(former, opts))

    def child(self, *after: pulumi.Resource, **more: object) -> pulumi.ResourceOptions:
        """Options of a resource that is the component's own and comes after others."""
        return pulumi.ResourceOptions(parent=self, depends_on=[*after], **more)  # type: ignore[arg-type]


def own(title: str) -> dict[str, str]:
    """A condition that always holds: its title sets a stack's own grant apart from its equals.

    Role, member and condition are one grant in a policy. Without a condition, whoever takes an equal one away
    takes it from all.
    """
    return {
        "title": title,
        "description": "Always holds: it keeps this grant apart from others of the role to the member.",
        "expression": _ALWAYS,
    }
