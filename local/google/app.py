"""The gateway as a FastAPI app: ``create_app`` puts its parts together."""

from __future__ import annotations

import logging
import secrets
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import JSONResponse

from local.google import errors, page
from local.google.access_log import AccessLog
from local.google.bigquery import datasets, tables
from local.google.bigquery.backend import Backend
from local.google.bigquery.jobs import begun, starting, uploads
from local.google.bigquery.jobs.running import RunningJobs
from local.google.bigquery.jobs.seen import JobsSeen
from local.google.bigquery.jobs.writers import Writers
from local.google.context import Gateway
from local.google.iam import accounts as iam
from local.google.iam import resource_manager, service_usage
from local.google.iam.apis import Apis
from local.google.iam.authorize import Authorizer, Caller
from local.google.sign_in import iam_credentials, metadata, oauth, tls_front
from local.google.sign_in.tokens import Tokens
from local.google.state import StateError, Store
from local.guard import Guard
from local.secret_file import write_secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    import httpx
    from starlette.requests import Request

OWNER_EMAIL = "owner@example.com"
OWNER_TOKEN_FILE = "owner-token"  # noqa: S105  a file's name


def create_app(
    *,
    state_dir: Path,
    bigquery_url: str,
    projects: Sequence[str],
    base_url: str,
    owner_email: str = OWNER_EMAIL,
    transport: httpx.AsyncBaseTransport | None = None,
    key_delay: float = 0,
    grant_delay: float = 0,
) -> FastAPI:
    """Build the app.

    ``base_url`` is where it is served (``http://127.0.0.1:19050``): keys name ``<base_url>/token`` as their
    token_uri. ``transport`` takes the place of the network to BigQuery. ``key_delay`` is how many seconds a
    new key stays unknown to the token endpoint, ``grant_delay`` how many a new grant, or an
    API that was switched on, does not count yet.
    Raises StateError for a bad state.
    """
    owner = Caller(owner_email, f"user:{owner_email}", is_owner=True)
    base_url = base_url.rstrip("/")
    store = Store(state_dir, projects, owner.member)
    tokens = Tokens(store, owner_token(state_dir), owner, f"{base_url}/token", key_delay)
    backend = Backend(bigquery_url, base_url, transport)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await backend.close()

    app = FastAPI(title="Google on this machine", lifespan=lifespan, openapi_url=None)
    app.state.gateway = Gateway(
        base_url,
        store,
        tokens,
        Authorizer(store, grant_delay),
        backend,
        JobsSeen(),
        RunningJobs(),
        Writers(),
        Apis(store, grant_delay),
    )
    # What lies in a dataset comes last: its path takes whatever is left.
    for room in (
        page,
        oauth,
        iam_credentials,
        metadata,
        iam,
        resource_manager,
        service_usage,
        starting,
        begun,
        uploads,
        datasets,
        tables,
    ):
        app.include_router(room.router)
    app.add_route("/health", _health, methods=["GET"])
    app.add_exception_handler(errors.GoogleError, _refuse)
    app.add_exception_handler(errors.OAuthError, _refuse)
    app.add_exception_handler(StateError, _cannot_save)
    app.add_exception_handler(404, _no_such_path)
    app.add_exception_handler(405, _no_such_path)
    # What comes through the TLS front has the name that google-auth asks for.
    app.add_middleware(Guard, origin=base_url, names=(tls_front.SERVED,))
    app.add_middleware(AccessLog)
    return app


def owner_token(state_dir: Path) -> str:
    """Give the platform owner's token, made on first use, for its owner's eyes only. Raises StateError."""
    path = state_dir / OWNER_TOKEN_FILE
    try:
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(32))
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"cannot read {path}: {error}. Fix its permissions, or remove it.") from error
    if not token:
        raise StateError(f"{path} is empty. Remove it, so that a new token is made: rm {path}")
    return token


def log_to_stderr() -> None:
    """Write one line for each request, and the errors of this program, to stderr."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)


async def _health(request: Request) -> JSONResponse:
    projects = request.app.state.gateway.store.project_ids()
    return JSONResponse({"status": "ok", "projects": projects})


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.GoogleError | errors.OAuthError)  # noqa: S101
    return error.response()


async def _cannot_save(_: Request, error: Exception) -> JSONResponse:
    return errors.GoogleError(500, "INTERNAL", "internal", str(error)).response()


async def _no_such_path(request: Request, _: Exception) -> JSONResponse:
    return errors.not_found(f"Not found: {request.method} {request.url.path} is not served here.").response()
