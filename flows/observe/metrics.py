"""Send the numbers of a run as OpenTelemetry metrics, where the environment names an exporter.

The variables are OpenTelemetry's own: OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_METRICS_ENDPOINT
switch it on, or OTEL_METRICS_EXPORTER (`otlp` or `console`); `none` switches it off. Without them, nothing is
imported.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.engine.results import PipelineReport

# How long a run waits for an exporter that does not answer.
SECONDS = 3.0
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")


def exporter_name() -> str | None:
    """Return `otlp` or `console`, whichever the environment asks for, or None."""
    named = os.environ.get("OTEL_METRICS_EXPORTER", "").strip().lower()
    if named:
        return None if named == "none" else named
    return "otlp" if any(os.environ.get(name) for name in _ENDPOINTS) else None


def export(report: PipelineReport, seconds: float, log: Callable[[int, str], None], *, failed: bool) -> None:
    """Send the metrics of a run that took ``seconds``. Never raises, and waits three seconds at most.

    They are `dbt.run.duration` (s) and, by command, kind and state of the nodes, `dbt.nodes`, `dbt.rows`,
    `dbt.bytes_processed` and `dbt.bytes_billed` (By). All have the attribute `target`. Nodes that an earlier
    run has done are that run's.
    """
    name = exporter_name()
    if name is None:
        return
    failure: list[str] = ["no answer"]

    def send() -> None:
        try:
            failure[:] = [] if _send(name, report, seconds, failed=failed) else ["the exporter refused them"]
        except Exception as error:  # metrics never break a run
            # What it says may quote an address with a password in it.
            failure[:] = [str(error) if isinstance(error, ValueError) else type(error).__name__]

    thread = threading.Thread(target=send, name="metrics", daemon=True)
    thread.start()
    thread.join(SECONDS)
    if failure:
        log(logging.WARNING, f"the run's metrics were not sent within {SECONDS:.0f} s: {failure[0]}")


def _send(name: str, report: PipelineReport, seconds: float, *, failed: bool) -> bool:
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - only who wants it pays for it
    from opentelemetry.sdk.metrics.export import MetricExportResult, MetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    exporter = _exporter(name)
    results = []

    class OneShot(MetricReader):
        def _receive_metrics(self, metrics_data: Any, *_: Any, **__: Any) -> None:
            results.append(exporter.export(metrics_data, timeout_millis=SECONDS * 1000))

        def shutdown(self, timeout_millis: float = 0, **_: Any) -> None:
            exporter.shutdown(timeout_millis=timeout_millis)

    reader = OneShot()
    service = os.environ.get("OTEL_SERVICE_NAME") or "pipeline-dbt-complet"
    resource = Resource.create({"service.name": service})
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    _record(provider.get_meter("flows.pipeline"), report, seconds, failed=failed)
    reader.collect()
    provider.shutdown()
    return results == [MetricExportResult.SUCCESS]


def _exporter(name: str) -> Any:
    if name == "console":
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415

        # Standard output is the report's, with --json.
        return ConsoleMetricExporter(out=sys.stderr)
    if name != "otlp":
        raise ValueError(f"OTEL_METRICS_EXPORTER={name} is not known here: use otlp, console or none")
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    )
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc  # noqa: PLC0415

        return grpc.OTLPMetricExporter()
    from opentelemetry.exporter.otlp.proto.http import metric_exporter as http  # noqa: PLC0415

    return http.OTLPMetricExporter()


def _record(meter: Any, report: PipelineReport, seconds: float, *, failed: bool) -> None:
    target = {"target": report["target"]}
    duration = meter.create_gauge("dbt.run.duration", "s", "time of the flow's work")
    duration.set(seconds, {**target, "state": "failed" if failed else "success"})
    nodes = meter.create_counter("dbt.nodes", "{node}", "nodes by state")
    sums = {
        "rows": meter.create_counter("dbt.rows", "{row}", "rows written"),
        "bytes_processed": meter.create_counter("dbt.bytes_processed", "By", "bytes that queries read"),
        "bytes_billed": meter.create_counter("dbt.bytes_billed", "By", "bytes that BigQuery bills"),
    }
    steps = {"freshness": report.get("freshness"), "run": report["run"], "test": report["test"]}
    for command, step in steps.items():
        for node in step["nodes"] if step else ():
            if node.get("earlier"):
                continue
            attributes = {**target, "command": command, "kind": node["kind"], "state": node["status"]}
            nodes.add(1, attributes)
            values: dict[str, Any] = {**node}
            for name, counter in sums.items():
                if name != "rows" or node["kind"] not in {"test", "source"}:
                    counter.add(values[name] or 0, attributes)
