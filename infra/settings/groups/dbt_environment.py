"""Variables that dbt's `env_var` finds in a run."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from infra.settings.values import FromJson

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What the flow itself is told by: by then it would be too late, or wrong.
_TAKEN = re.compile(
    r"PREFECT_.*|STACK_NAME_PREFIX|DBT_PROJECT_DIR|DBT_PROFILES_DIR|DBT_ENV_SECRET_BIGQUERY_.*"
)


def _as_texts(values: Any) -> Any:
    """Write numbers and booleans as YAML does: a variable of the environment is text."""
    if not isinstance(values, dict):
        return values
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _check(values: dict[str, str]) -> dict[str, str]:
    for name, value in values.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a variable: letters, digits and _")
        if _TAKEN.fullmatch(name):
            raise ValueError(f"{name} is not dbt's but this program's own variable")
        if "\0" in value:
            raise ValueError(f"{name} holds a character that no variable can: NUL")
    return values


Variables = Annotated[dict[str, str], BeforeValidator(_as_texts), FromJson, AfterValidator(_check)]
