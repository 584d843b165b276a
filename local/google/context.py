"""What every route needs, held by the app: the state, the tokens, and the way to BigQuery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from local.google.sign_in import scopes

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.google.bigquery.backend import Backend
    from local.google.bigquery.jobs.running import RunningJobs
    from local.google.bigquery.jobs.seen import JobsSeen
    from local.google.bigquery.jobs.writers import Writers
    from local.google.iam.apis import Apis
    from local.google.iam.authorize import Authorizer, Caller, TableRef
    from local.google.sign_in.tokens import Tokens
    from local.google.state import Store


@dataclass
class Gateway:
    """The parts of one running gateway. ``base_url`` is its own address, without a slash at the end."""

    base_url: str
    store: Store
    tokens: Tokens
    authorizer: Authorizer
    backend: Backend
    jobs: JobsSeen
    running: RunningJobs
    writers: Writers
    apis: Apis
    # Projects whose datasets were compared with the emulator's since the start.
    synced: set[str] = field(default_factory=set)
    # Tables that exist in just this case, as far as queries have asked.
    tables_seen: set[TableRef] = field(default_factory=set)
    # Machine -> the email of the service account that it has.
    machines: dict[str, str] = field(default_factory=dict)


def gateway_of(request: Request) -> Gateway:
    """Give the gateway that serves this request."""
    return cast("Gateway", request.app.state.gateway)


def caller_of(request: Request) -> Caller:
    """Give who sends this request, and note it for the access log.

    Raises Google's 401, or its 403 where the API is off or the token's scopes are for other things.
    """
    caller = gateway_of(request).tokens.caller(request.headers.get("authorization", ""))
    request.state.caller = caller.email
    gateway_of(request).apis.require(request.url.path)
    scopes.require(caller, request.method, request.url.path)
    return caller
