from __future__ import annotations

import json

from flows import parameters
from flows.target import names


def test_the_deployments_declare_the_flows_parameters() -> None:
    declared = json.loads((names.PROJECT_ROOT / "infra" / "parameters.json").read_text())
    assert declared == parameters.schema(), "run `python -m flows.parameters > infra/parameters.json`"
