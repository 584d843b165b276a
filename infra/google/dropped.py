"""Which datasets an update would drop, and what is in them: asked of BigQuery at preview."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from providers.api.errors import KeptError

GOOGLE = "https://bigquery.googleapis.com"
TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"  # noqa: S105  a variable's name
_SCOPES = ("https://www.googleapis.com/auth/bigquery",)
_SECONDS = 20.0


class _UnknownError(Exception):
    """BigQuery could not be asked."""


def check(olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    """Raise KeptError if the update from olds to news drops tables, meets somebody's dataset, or misses one.

    BigQuery is asked of the datasets that go and of those that come, and of no others. One that goes and
    can't be asked of counts as full; one that comes is left to `pulumi up` then. So is one that is only
    granted, and has to be there.
    """
    had, wanted = olds.get("datasets") or {}, news.get("datasets") or {}
    allowed = set(news.get("may_drop") or [])
    going = {
        path: location
        for path, location in had.items()
        if wanted.get(path) != location and not allowed & _spelt(path, location)
    }
    coming = [path for path in wanted if path not in had]
    granted = [path for path in news.get("there") or [] if path not in (olds.get("there") or [])]
    if not going and not coming and not granted:
        return
    with _BigQuery(news.get("api_endpoint") or GOOGLE) as bigquery:
        problems = [_dropped(path, going[path], news, bigquery) for path in going]
        problems += [_taken(path, news, bigquery) for path in coming]
        problems += [_missed(path, bigquery) for path in granted]
    if found := [problem for problem in problems if problem]:
        raise KeptError("\n".join(found))


def _dropped(path: str, location: str, news: Mapping[str, Any], bigquery: _BigQuery) -> str:
    try:
        tables = bigquery.tables(path)
        if not tables:
            return ""
        what = f"its {tables} table{'s' * (tables != 1)}"
    except _UnknownError as error:
        what = f"what is in it (BigQuery can't be asked: {error})"
    wanted = (news.get("datasets") or {}).get(path)
    why = f"its location is to be {wanted}" if wanted else "the settings no longer make it"
    name, stack = path.rpartition(".")[2], news.get("stack")
    say = f"`pulumi config set --path 'dropOnUpdate[0]' {name}@{location} -s {stack}`"
    switch = (news.get("protected") or {}).get(path)
    if switch:
        say = (
            f"set them back, `pulumi config set {switch} true -s {stack} && pulumi up -s {stack}`, "
            f"change them again, and {say}"
        )
    return (
        f"the dataset {name} in {location} would be dropped with {what}, because {why}. Nothing is changed. "
        f"To keep it, set the settings back. To lose it, this once: {say}"
    )


def _taken(path: str, news: Mapping[str, Any], bigquery: _BigQuery) -> str:
    try:
        dataset = bigquery.dataset(path)
    except _UnknownError:
        return ""
    labels = (news.get("labels") or {}).items()
    if dataset is None or labels <= (dataset.get("labels") or {}).items():
        return ""
    project, _, name = path.rpartition(".")
    told = ", ".join(f"{key}:{value}" for key, value in labels)
    return (
        f"the dataset {name} exists in the project {project} already, and is not this stack's. To let dbt "
        f"use it: `pulumi config set --path 'existingDatasets[0]' {name} -s {news.get('stack')}` (or "
        f"the next free number). To make it the stack's own: give it the labels {told} and import it "
        "(docs/datasets.md)"
    )


def _missed(path: str, bigquery: _BigQuery) -> str:
    try:
        if bigquery.dataset(path) is not None:
            return ""
    except _UnknownError:
        return ""
    project, _, name = path.rpartition(".")
    return (
        f"the dataset {name} does not exist in the project {project}: readDatasets and existingDatasets name "
        "what is there already, and the stack only grants it. Mend its name, make it first, or let the stack "
        "make it: name it in `datasets`"
    )


def _spelt(path: str, location: str) -> set[str]:
    return {f"{path}@{location}", f"{path.rpartition('.')[2]}@{location}"}


class _BigQuery:
    """Asks as whoever runs `pulumi`, for a few seconds."""

    def __init__(self, endpoint: str) -> None:
        url = urlsplit(endpoint)
        self._google = (url.hostname or "").endswith(".googleapis.com") and url.scheme == "https"
        self._http = httpx.Client(
            base_url=f"{endpoint.rstrip('/')}/bigquery/v2",
            timeout=_SECONDS,
            # No certificate is needed where there is no https, and to read them all takes 50 ms.
            verify=url.scheme == "https" or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=self._google,
        )
        self._token = ""

    def __enter__(self) -> _BigQuery:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def dataset(self, path: str) -> dict[str, Any] | None:
        """Return the dataset `project.name`; None where there is none. Raises _UnknownError."""
        return self._get(_url(path))

    def tables(self, path: str) -> int:
        """Return how many tables and views there are; 0 where the dataset is gone. Raises _UnknownError."""
        found = self._get(f"{_url(path)}/tables?maxResults=1")
        return int((found or {}).get("totalItems") or len((found or {}).get("tables", [])))

    def _get(self, url: str) -> dict[str, Any] | None:
        try:
            response = self._http.get(url, headers={"Authorization": f"Bearer {self._signed_in()}"})
            if response.status_code == httpx.codes.NOT_FOUND:
                return None
            if response.status_code != httpx.codes.OK:
                raise _UnknownError(f"HTTP {response.status_code}")
            found: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _UnknownError(type(error).__name__) from error
        return found

    def _signed_in(self) -> str:
        """Return a token: the variable's, which Pulumi's own provider takes too, else that of the login.

        A Google login is never sent to another server.
        """
        self._token = self._token or os.environ.get(TOKEN, "")
        if not self._token and self._google:
            import google.auth  # noqa: PLC0415  half a second, only where it is needed
            from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
            from google.auth.transport.requests import Request  # noqa: PLC0415

            try:
                credentials, _ = google.auth.default(scopes=_SCOPES)
                credentials.refresh(Request())
            except GoogleAuthError as error:
                raise _UnknownError(str(error).split("\n")[0]) from error
            self._token = str(credentials.token)
        if not self._token:
            raise _UnknownError(f"{TOKEN} is not set")
        return self._token


def _url(path: str) -> str:
    project, _, name = path.rpartition(".")
    return f"/projects/{project}/datasets/{name}"
