"""Serves the provider to the engine, with errors a user can read.

`pulumi.provider.experimental.server.main` answers every error with a traceback; this one does without.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc.aio
from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from local.gcp_plugin.errors import PluginError

_CALLS: Final = (
    "CheckConfig",
    "DiffConfig",
    "Configure",
    "Check",
    "Diff",
    "Create",
    "Read",
    "Update",
    "Delete",
    "Invoke",
    "GetSchema",
    "Parameterize",
)
_Call = Callable[[Any, Any, Any], Awaitable[Any]]


class ReadableServicer(ProviderServicer):
    """The SDK's servicer, whose errors are one readable message."""


def _readable(call: _Call) -> _Call:
    async def answer(self: Any, request: Any, context: Any) -> Any:
        try:
            return await call(self, request, context)
        except NotImplementedError as error:
            return await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except Exception as error:
            # The SDK raises a new error whose text holds the traceback; ours is its context.
            return await context.abort(grpc.StatusCode.UNKNOWN, message_of(error.__context__ or error))

    return answer


for _name in _CALLS:
    setattr(ReadableServicer, _name, _readable(getattr(ProviderServicer, _name)))


def message_of(error: BaseException) -> str:
    """Return what to tell the user: a PluginError's own text, or for a bug its place but not its values."""
    if isinstance(error, PluginError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"bug in the local gcp plugin: {type(error).__name__} in {place.filename}:{place.lineno}"


def serve(provider: Provider, version: str, engine_address: str) -> None:
    """Serve on a free port of 127.0.0.1, print that port, and wait for the engine to end the process."""
    asyncio.run(_serve(provider, version, engine_address))


async def _serve(provider: Provider, version: str, engine_address: str) -> None:
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    servicer = ReadableServicer([], version, provider, engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()
