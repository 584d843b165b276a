"""What every Pulumi class of a kind of object has in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.engine.owner import owner
from providers.engine.provider import PrefectProvider

_PACKAGE = str(Path(__file__).parents[1]) + os.sep


class PrefectResource(Resource):
    """An object in Prefect, of a kind that `providers.kinds.registry` knows.

    Beside its inputs, its provider is told whose it is, whether this is a preview, and for its errors which
    line of the program declares it.
    """

    def __init__(
        self, kind: str, resource_name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None
    ) -> None:
        told = {"owner": owner(), "dry_run": pulumi.runtime.is_dry_run(), "declared_at": _place()}
        super().__init__(PrefectProvider(kind), resource_name, {**inputs, **told}, opts)


def _place() -> str | None:
    """Return file and line of the first caller that is not of this package."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_PACKAGE):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return f"{os.path.relpath(frame.f_code.co_filename)}:{frame.f_lineno}"
