"""Lists and maps, as Pulumi hands them over; how a model is read from them."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel


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
# Names as in a stack's file, and no others. An error shows no value, which may be a secret.
AS_WRITTEN = ConfigDict(
    frozen=True,
    extra="forbid",
    alias_generator=to_camel,
    populate_by_name=True,
    hide_input_in_errors=True,
)
