"""`python -m flows.parameters`: print the flow's parameters as JSON Schema, for `infra/parameters.json`."""

from __future__ import annotations

import json
from typing import Any

from flows.pipeline import dbt_full_pipeline
from flows.run import insides


def schema() -> dict[str, Any]:
    """Return the schema by which Prefect checks and shows the parameters of a run."""
    return insides.parameters_of(dbt_full_pipeline)


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))
