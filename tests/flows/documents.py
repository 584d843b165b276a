"""Block documents, dbt results and a key, as the tests of `flows` need them."""

from __future__ import annotations

from typing import Any

from flows.engine.lineage import Lineage, ParsedNode
from flows.engine.results import BatchResult, NodeResult, PipelineReport, StepResult, step_result

PEM = (
    "-----BEGIN PRIVATE KEY-----\n"
    "PlantedMarkerAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
    "PlantedMarkerBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
    "-----END PRIVATE KEY-----\n"
)


def key(**changes: Any) -> dict[str, Any]:
    return {
        "type": "service_account",
        "project_id": "demo-flights",
        "private_key_id": "0123",
        "private_key": PEM,
        "client_email": "dbt-dev@demo-flights.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
        **changes,
    }


def configs(**changes: Any) -> dict[str, Any]:
    return {
        "type": "bigquery",
        "project": "demo-flights",
        "schema": "demo_flights_dev",
        "threads": 4,
        "extras": {"location": "EU", "job_retries": 1},
        "allow_field_overrides": False,
        "credentials": {
            "service_account_info": key(),
            "service_account_file": None,
            "project": "demo-flights",
        },
        **changes,
    }


def document(target: str = "dev", **changes: Any) -> dict[str, Any]:
    return {
        "name": "projet_m2_bi",
        "target": target,
        "target_configs": configs(),
        "global_configs": None,
        **changes,
    }


def node(name: str, status: str = "success", **changes: Any) -> NodeResult:
    result = NodeResult(
        id=f"model.tiny.{name}",
        name=name,
        kind="model",
        status=status,
        seconds=1.0,
        message=None,
        rows=None,
        failures=None,
        bytes_processed=None,
        bytes_billed=None,
    )
    return {**result, **changes}  # type: ignore[typeddict-item]


def batch(year: int, status: str = "success", message: str | None = None, **changes: Any) -> BatchResult:
    result = BatchResult(
        start=f"{year}-01-01T00:00:00+00:00",
        end=f"{year + 1}-01-01T00:00:00+00:00",
        status=status,
        seconds=1.0,
        message=message,
        rows=10 if status == "success" else None,
        bytes_processed=None,
        bytes_billed=None,
    )
    return {**result, **changes}  # type: ignore[typeddict-item]


def parsed(node_id: str, reads: tuple[str, ...] = (), **changes: Any) -> ParsedNode:
    kind, package, name = node_id.split(".", 2)
    kind = "hook" if kind == "operation" else kind
    return ParsedNode(
        **{"id": node_id, "kind": kind, "package": package, "name": name, "reads": reads, **changes}
    )


def lineage(*nodes: ParsedNode) -> Lineage:
    return Lineage(nodes)


def report(run: StepResult | None = None, test: StepResult | None = None) -> PipelineReport:
    return {
        "target": "dev",
        "run": run or step_result([node("greetings", rows=3)], 1.5),
        "test": test or step_result([node("unique_id", "pass", kind="test")], 0.5),
    }
