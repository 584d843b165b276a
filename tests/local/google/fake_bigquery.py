"""A BigQuery emulator small enough to read: datasets in a dict, and every request that came through."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_DATASETS = re.compile(r"/bigquery/v2/projects/([^/]+)/datasets(?:/([^/]+))?")


class _Unread(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


@dataclass
class FakeBigQuery:
    """Answers datasets; gives `answers[path]` for other paths, or what that makes of a request, else `{}`."""

    datasets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[httpx.Request] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.seen.append(request)
        answer = self._answer(request)
        # A content that httpx has not read yet, as from the network.
        return httpx.Response(answer.status_code, headers=answer.headers, stream=_Unread(answer.content))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        match = _DATASETS.fullmatch(request.url.path)
        if match:
            return self._datasets(request, match[1], match[2])
        if request.method == "DELETE":
            return httpx.Response(204)
        answer = self.answers.get(request.url.path, {})
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json=answer)

    def sql(self) -> str:
        """Give the SQL that came last."""
        body = json.loads(self.seen[-1].content)
        return str(body["query"] if "query" in body else body["configuration"]["query"]["query"])

    def _datasets(self, request: httpx.Request, project: str, dataset: str | None) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        if request.method == "POST":
            dataset = body["datasetReference"]["datasetId"]
            if (project, dataset) in self.datasets:
                return httpx.Response(409, json={"error": {"message": "there"}})
            self.datasets[project, dataset] = {
                "datasetReference": {"projectId": project, "datasetId": dataset},
                "creationTime": "1700000000000",
                "lastModifiedTime": "1700000000000",
                "location": body.get("location", "US"),
            }
        if dataset is None:
            return httpx.Response(
                200, json={"datasets": [kept for (at, _), kept in self.datasets.items() if at == project]}
            )
        if (project, dataset) not in self.datasets:
            return httpx.Response(404, json={"error": {"message": "no dataset"}})
        if request.method == "DELETE":
            del self.datasets[project, dataset]
            return httpx.Response(204)
        return httpx.Response(200, json=self.datasets[project, dataset])
