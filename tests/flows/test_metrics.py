from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from flows.engine.results import not_run, step_result
from flows.observe import metrics
from tests.flows import otlp
from tests.flows.documents import node
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from flows.engine.results import PipelineReport

RUN = step_result(
    [{**node("a"), "rows": 3, "bytes_billed": 10}, {**node("b"), "rows": 4, "bytes_billed": 20}], 1.0
)
REPORT: PipelineReport = {"target": "dev", "run": RUN, "test": not_run("skipped", "")}


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OTEL_METRICS_EXPORTER",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("protocol", "sink"), [("http/protobuf", otlp.sink), ("grpc", otlp.grpc_sink)])
def test_a_run_is_sent_to_the_exporter_that_is_set(
    monkeypatch: pytest.MonkeyPatch, protocol: str, sink: Callable[[], AbstractContextManager[otlp.Sink]]
) -> None:
    lines: list[str] = []
    with sink() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        metrics.export(REPORT, 12.5, lambda _level, line: lines.append(line), failed=False)
    labels = frozenset({"target": "dev", "command": "run", "kind": "model", "state": "success"}.items())
    points = received.points()
    assert lines == []
    assert points["dbt.run.duration", frozenset({("target", "dev"), ("state", "success")})] == 12.5
    assert points["dbt.nodes", labels] == 2
    assert points["dbt.rows", labels] == 7
    assert points["dbt.bytes_billed", labels] == 30


def test_stale_sources_are_told_and_earlier_work_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    done = node("a", rows=3, bytes_billed=10, earlier=True)
    stale = node("s", "fail", kind="source", rows=1, bytes_billed=5)
    report: PipelineReport = {
        "target": "dev",
        "freshness": step_result([stale], 1.0),
        "run": step_result([done, node("b", rows=4, bytes_billed=20)], 1.0),
        "test": not_run("skipped", ""),
    }
    with otlp.sink() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        metrics.export(report, 1.0, lambda _level, line: pytest.fail(line), failed=True)
    points = {
        (name, *sorted(dict(labels).values())): value for (name, labels), value in received.points().items()
    }
    assert points["dbt.run.duration", "dev", "failed"] == 1.0
    assert points["dbt.nodes", "dev", "fail", "freshness", "source"] == 1
    assert points["dbt.bytes_billed", "dev", "fail", "freshness", "source"] == 5
    assert ("dbt.rows", "dev", "fail", "freshness", "source") not in points
    assert points["dbt.nodes", "dev", "model", "run", "success"] == 1
    assert points["dbt.rows", "dev", "model", "run", "success"] == 4
    assert points["dbt.bytes_billed", "dev", "model", "run", "success"] == 20


def test_the_console_is_not_the_reports(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "console")
    metrics.export(REPORT, 12.5, lambda _level, line: pytest.fail(line), failed=False)
    printed = capsys.readouterr()
    assert printed.out == ""
    scopes = json.loads(printed.err)["resource_metrics"][0]["scope_metrics"]
    assert "dbt.rows" in {metric["name"] for metric in scopes[0]["metrics"]}


def test_nothing_is_imported_or_sent_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert metrics.exporter_name() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    assert metrics.exporter_name() == "otlp"
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    assert metrics.exporter_name() is None
    code = "import sys; from flows.observe.metrics import export; export({}, 1.0, print, failed=False)\n"
    code += "print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "flows.observe.metrics" in done.stdout.split()
    assert not [name for name in done.stdout.split() if name.startswith("opentelemetry")]


def test_a_dead_exporter_costs_three_seconds_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:  # takes connections and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for port in (silent.getsockname()[1], free_port()):
            lines: list[str] = []
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
            began = time.monotonic()
            metrics.export(REPORT, 1.0, lambda _level, line, lines=lines: lines.append(line), failed=False)  # type: ignore[misc]
            assert time.monotonic() - began < metrics.SECONDS + 2
            assert lines[0].startswith("the run's metrics were not sent within 3 s")


def test_an_unknown_exporter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "prometheus")
    metrics.export(REPORT, 1.0, lambda _level, line: lines.append(line), failed=False)
    assert "OTEL_METRICS_EXPORTER=prometheus is not known here" in lines[0]
