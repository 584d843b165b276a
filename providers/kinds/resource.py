"""What every Pulumi class of a kind of object has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.engine.owner import owner
from providers.engine.provider import PrefectProvider


class PrefectResource(Resource):
    """An object in Prefect, of a kind that `providers.kinds.registry` knows.

    Beside its inputs, its provider is told whose it is, and whether this is a preview.
    """

    def __init__(
        self, kind: str, resource_name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None
    ) -> None:
        told = {"owner": owner(), "dry_run": pulumi.runtime.is_dry_run()}
        super().__init__(PrefectProvider(kind), resource_name, {**inputs, **told}, opts)
