"""Base job templates as the real worker classes define them, committed as JSON: `<work pool type>.json`.

Importing the classes to ask them takes seconds, and two of them need libraries that only their workers
have. `python -m providers.catalog.job_templates` writes the files anew; a test compares them with the
libraries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: Work pool type to its worker's class.
WORKERS = {
    "process": "prefect.workers.process:ProcessWorker",
    "docker": "prefect_docker.worker:DockerWorker",
    "kubernetes": "prefect_kubernetes.worker:KubernetesWorker",
    "cloud-run-v2": "prefect_gcp.workers.cloud_run_v2:CloudRunWorkerV2",
}


def committed(pool_type: str) -> dict[str, Any]:
    """Return the template of a work pool's type. Raises KeyError for a type that there is none of."""
    if pool_type not in WORKERS:
        raise KeyError(pool_type)
    template: dict[str, Any] = json.loads((HERE / f"{pool_type}.json").read_text(encoding="utf-8"))
    return template


def filled(pool_type: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template with defaults for some of its variables: values, outputs, references to blocks.

    Raises KeyError for a variable that the template does not have.
    """
    template = committed(pool_type)
    properties = template["variables"]["properties"]
    for name, value in values.items():
        properties[name] = {**properties[name], "default": value}
    required = [name for name in template["variables"].get("required", []) if name not in values]
    template["variables"]["required"] = required
    return template
