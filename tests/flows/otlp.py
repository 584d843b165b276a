"""Sinks for OpenTelemetry metrics, over HTTP and over gRPC."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from tests.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

Point = tuple[str, frozenset[tuple[str, str]]]


class Sink:
    """Keeps what it was sent, raw and as values by name and attributes."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []

    def points(self) -> dict[Point, float]:
        found = {}
        for body in self.bodies:
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for metric in (one for scope in resource.scope_metrics for one in scope.metrics):
                    data = metric.gauge if metric.HasField("gauge") else metric.sum
                    for point in data.data_points:
                        labels = frozenset((one.key, one.value.string_value) for one in point.attributes)
                        found[metric.name, labels] = point.as_double or float(point.as_int)
        return found


@contextmanager
def sink() -> Iterator[Sink]:
    made = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            made.bodies.append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    with served(server):
        yield made


@contextmanager
def grpc_sink() -> Iterator[Sink]:
    made = Sink()

    class Collector(metrics_service_pb2_grpc.MetricsServiceServicer):
        def Export(  # noqa: N802 - the service's own name
            self, request: ExportMetricsServiceRequest, context: grpc.ServicerContext
        ) -> ExportMetricsServiceResponse:
            made.bodies.append(request.SerializeToString())
            return ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    add = metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server
    add(Collector(), server)  # type: ignore[no-untyped-call]
    made.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield made
    finally:
        server.stop(None).wait()
