"""`PrefectBlock`: any block of Prefect as a Pulumi resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import Input, Output
from pulumi.dynamic import Resource

from providers.catalog.schemas import committed
from providers.engine.block_provider import PrefectBlockProvider
from providers.values import is_open, is_reference, reference


class PrefectBlock(Resource, module="prefect", name="Block"):
    """A block in Prefect: a named document of a block type.

    Args:
        resource_name: the resource's name in Pulumi.
        block_type: the block type's slug, such as `slack-webhook`. Changing it replaces the block.
        block_name: the block's name in Prefect: lowercase letters, digits, dashes. Changing it replaces it.
        data: the block's fields. A field may be secret or an output; `other_block.ref` refers to
            another. Fields whose schema does not declare a plain scalar are made secret by themselves.
        adopt: take over a block of this type and name that exists. Without it, such a block is an error.
        opts: as for every resource.
    """

    block_type: Output[str]
    block_name: Output[str]
    data: Output[dict[str, Any]]
    adopt: Output[bool]

    def __init__(
        self,
        resource_name: str,
        *,
        block_type: Input[str],
        block_name: Input[str],
        data: Input[Mapping[str, Input[Any]]],
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "block_type": block_type,
            "block_name": block_name,
            "data": protect(data, block_type),
            "adopt": adopt,
            "schema": None,
        }
        super().__init__(PrefectBlockProvider(), resource_name, properties, opts)

    @property
    def ref(self) -> Output[dict[str, Any]]:
        """What another block's field holds to refer to this block."""
        return self.id.apply(reference)


def protect(data: Input[Mapping[str, Input[Any]]], block_type: Input[str]) -> Any:
    """Make secret what the block type's schema does not declare a plain scalar; references stay readable."""
    if not isinstance(data, Mapping):
        return Output.secret(data)
    kind = committed(block_type) if isinstance(block_type, str) else None
    fields = kind.fields if kind else None
    return {field: value if is_open(field, fields) else _secret(value) for field, value in data.items()}


def _secret(value: Input[Any]) -> Any:
    if isinstance(value, Output):
        return value.apply(lambda known: known if is_reference(known) else Output.secret(known))
    return value if is_reference(value) else Output.secret(value)
