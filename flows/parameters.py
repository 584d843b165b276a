"""`python -m flows.parameters`: print the flow's parameters as JSON Schema, for `infra/parameters.json`."""

from __future__ import annotations

import json
from typing import Any

from prefect.utilities.callables import parameter_schema

from flows.pipeline import dbt_full_pipeline


def schema() -> dict[str, Any]:
    """Return the schema by which Prefect checks and shows the parameters of a run."""
    found: dict[str, Any] = parameter_schema(dbt_full_pipeline).model_dump_for_openapi()
    return found


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))
