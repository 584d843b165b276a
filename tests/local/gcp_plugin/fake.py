"""A service that answers from a function, and the provider on top of it, for tests without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx

from local.gcp_plugin.config import Config
from local.gcp_plugin.google_api import Google

T = TypeVar("T")
CONFIG = Config(
    project="demo-flights",
    access_token="ya29.token",
    endpoints={
        "bigquery": "http://service/bigquery/v2",
        "iam": "http://service/v1",
        "resourcemanager": "http://service/v1",
        "serviceusage": "http://service/v1",
    },
)


def google(answer: Callable[[httpx.Request], httpx.Response]) -> Google:
    """A client whose service is `answer`."""

    async def later(request: httpx.Request) -> httpx.Response:
        # Calls at the same time get mixed, as they would on a network.
        await asyncio.sleep(0)
        return answer(request)

    return Google(CONFIG, httpx.MockTransport(later))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's value."""
    return asyncio.run(coroutine)


def refusal(status: int, message: str = "no", reason: str = "because") -> httpx.Response:
    """An error in Google's format."""
    return httpx.Response(
        status, json={"error": {"code": status, "message": message, "errors": [{"reason": reason}]}}
    )


def body(request: httpx.Request) -> Any:
    """A request's JSON."""
    return json.loads(request.content)
