"""Lists and maps, as Pulumi hands them over."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator


def _parsed(value: Any) -> Any:
    """Read the JSON text that Pulumi makes of a list or a map."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


Texts = Annotated[list[str], BeforeValidator(_parsed)]
FromJson = BeforeValidator(_parsed)
