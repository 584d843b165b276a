"""Ask BigQuery, before dbt starts, whether it answers this identity.

dbt repeats a request to a BigQuery that is away for up to ten minutes, and when it gives up, it names neither
endpoint nor key.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from flows.engine import diagnosis
from flows.errors import NotSetUpError, NotYetError, UnreachableError, UsageError
from flows.target import api_off, names, sign_in
from flows.target.job_labels import job_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flows.target.dbt_profile import DbtProfile

GOOGLE = "https://bigquery.googleapis.com"
_SECONDS = 15.0
_PAUSES = (1.0, 2.0)
# A grant counts everywhere after so many seconds at the latest.
# Source: https://cloud.google.com/iam/docs/access-change-propagation
_GRANT_SECONDS = 420.0
GRANT_PATIENCE = "GRANT_PATIENCE"
_LONGEST_PAUSE = 15.0
# With 403, BigQuery refuses an identity, or says that it has too much to do.
# Source: https://cloud.google.com/bigquery/docs/error-messages
_BUSY = {"rateLimitExceeded", "jobRateLimitExceeded", "quotaExceeded", "backendError"}


def check(profile: DbtProfile) -> None:
    """Sign in as dbt will and read the target's dataset: two requests, at most 15 seconds each.

    What does not answer is asked three times within three seconds. An answer that BigQuery is busy or broken
    is left to dbt, which waits for better.

    Raises UnreachableError if the token endpoint or BigQuery does not answer, NotSetUpError if the sign-in is
    refused or the dataset is absent, NotYetError if the identity may not act as dbt or read it.
    """
    credentials = sign_in.credentials(profile)
    for pause in _PAUSES:
        try:
            return _ask(profile, credentials)
        except UnreachableError:
            time.sleep(pause)
    return _ask(profile, credentials)


def check_patiently(profile: DbtProfile, say: Callable[[str], None]) -> None:
    """`check`, again and again as long as a grant may not be in force yet."""
    try:
        check(profile)
    except NotYetError as error:
        wait_for_grants(profile, error, say)


def wait_for_grants(profile: DbtProfile, error: NotYetError, say: Callable[[str], None]) -> None:
    """Ask again after a refusal, for `patience` seconds at most, and tell what is waited for.

    Raises what `check` raises then.
    """
    limit, began, pause = patience(profile), time.monotonic(), 1.0
    while (waited := time.monotonic() - began) + pause <= limit:
        say(
            f"{error} If it was granted lately, Google may need some minutes: asking again, {waited:.0f} "
            f"seconds of {limit:.0f}"
        )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        try:
            return check(profile)
        except NotYetError as again:
            error = again
    raise error


def patience(profile: DbtProfile) -> float:
    """How many seconds a refusal may be that of a grant not in force yet: seven minutes at Google itself.

    GRANT_PATIENCE says otherwise. Raises UsageError where that is no number.
    """
    told = os.environ.get(GRANT_PATIENCE, "")
    try:
        return float(told) if told else 0 if profile.output.get("api_endpoint") else _GRANT_SECONDS
    except ValueError:
        raise UsageError(f"{GRANT_PATIENCE}={told!r} is no number of seconds, such as 0 or 420") from None


def _ask(profile: DbtProfile, credentials: Any) -> None:
    import requests  # noqa: PLC0415 - like those below, imported beside dbt, which needs them too
    from google.auth.exceptions import RefreshError, TransportError  # noqa: PLC0415
    from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415

    output = profile.output
    endpoint = str(output.get("api_endpoint") or GOOGLE).rstrip("/")
    url = f"{endpoint}/bigquery/v2/projects/{output['project']}/datasets/{output['schema']}"
    try:
        with AuthorizedSession(credentials) as session:
            response = session.get(url, timeout=_SECONDS, max_allowed_time=2 * _SECONDS)
    except RefreshError as error:
        raise sign_in.refused(profile, credentials, error) from error
    except TransportError as error:
        raise sign_in.unreachable(profile, _root(error)) from error
    except requests.RequestException as error:
        raise _unreachable(profile, endpoint, _root(error)) from error
    if response.status_code in {401, 403, 404} and _reason(response) not in _BUSY:
        raise _refusal(profile, endpoint, response.status_code, _message(response), credentials)


def session(profile: DbtProfile) -> Any:
    """Return a requests session that is signed in as dbt will be. Raises NotSetUpError."""
    from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415

    return AuthorizedSession(sign_in.credentials(profile))


def dataset(profile: DbtProfile, signed_in: Any, project: str, name: str) -> tuple[int, dict[str, Any]]:
    """Ask for a dataset: the HTTP status and the answer, or (0, {}) where that says nothing about access."""
    return _answer(profile, signed_in, "GET", f"projects/{project}/datasets/{name}")


def may_create(profile: DbtProfile, signed_in: Any, project: str, name: str) -> bool:
    """Say whether the identity may make a table in a dataset, by a query that is only checked, never run."""
    sql = f"create table `{project}`.`{name}`.dbt_may_create (id int64)"
    labels = job_labels(profile.target, "check")
    body: dict[str, Any] = {"query": sql, "useLegacySql": False, "dryRun": True, "labels": labels}
    if profile.output.get("location"):
        body["location"] = profile.output["location"]
    billed = profile.output.get("execution_project") or profile.output["project"]
    return _answer(profile, signed_in, "POST", f"projects/{billed}/queries", body)[0] != 403


def _answer(
    profile: DbtProfile, signed_in: Any, method: str, path: str, body: Any = None
) -> tuple[int, dict[str, Any]]:
    import requests  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

    endpoint = str(profile.output.get("api_endpoint") or GOOGLE).rstrip("/")
    try:
        response = signed_in.request(
            method,
            f"{endpoint}/bigquery/v2/{path}",
            json=body,
            timeout=_SECONDS,
            max_allowed_time=2 * _SECONDS,
        )
        if _reason(response) in _BUSY:
            return 0, {}
        found = response.json()
    except (GoogleAuthError, requests.RequestException, ValueError):
        return 0, {}  # dbt asks again, and longer
    return response.status_code, found if isinstance(found, dict) else {}


def query(profile: DbtProfile, sql: str, seconds: float, labels: Mapping[str, str]) -> dict[str, Any]:
    """Run a query as dbt would and return BigQuery's answer. Raises what google-auth and requests raise.

    Within the profile's `maximum_bytes_billed`; its job carries the labels. An answer not complete within
    ``seconds`` is an error.
    """
    from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415

    output = profile.output
    endpoint = str(output.get("api_endpoint") or GOOGLE).rstrip("/")
    body = {"query": sql, "useLegacySql": False, "timeoutMs": int(seconds * 1000), "labels": dict(labels)}
    if output.get("location"):
        body["location"] = output["location"]
    if output.get("maximum_bytes_billed"):
        body["maximumBytesBilled"] = str(output["maximum_bytes_billed"])
    with AuthorizedSession(sign_in.credentials(profile)) as session:
        # As dbt: jobs may be of, and billed to, another project than the tables.
        project = output.get("execution_project") or output["project"]
        url = f"{endpoint}/bigquery/v2/projects/{project}/queries"
        response = session.post(url, json=body, timeout=seconds + 5, max_allowed_time=2 * seconds)
    if response.status_code != 200:
        raise RuntimeError(_message(response))
    answer: dict[str, Any] = response.json()
    if not answer.get("jobComplete", True):
        raise TimeoutError(f"BigQuery took longer than {seconds:.0f} s")
    return answer


def _unreachable(profile: DbtProfile, url: str, why: str) -> UnreachableError:
    return UnreachableError(
        f"BigQuery of the project {profile.output['project']} (target {profile.target}) cannot be reached: "
        f"{url} does not answer: {why}. For the local platform: `python -m local up`."
    )


def _refusal(profile: DbtProfile, endpoint: str, status: int, message: str, signed_in: Any) -> NotSetUpError:
    dataset = f"{profile.output['project']}.{profile.output['schema']}"
    repair = names.bring_up(profile.target)
    if status == 401:
        return NotSetUpError(_token_refused(profile, message, signed_in))
    off = api_off.advice(message, "bigquery.googleapis.com") if status == 403 else ""
    if off:
        return NotYetError(f"the dataset {dataset} can't be read: {message} {off}")
    if status == 403:
        grant = diagnosis.missing_grant(message) or "roles/bigquery.dataEditor on that dataset"
        return NotYetError(
            f"{sign_in.account(profile, signed_in)} may not read the dataset {dataset}: {message} It needs "
            f"{grant}. Grant it with {repair}."
        )
    return NotSetUpError(f"the dataset {dataset} does not exist at {endpoint}. Create it with {repair}.")


def _token_refused(profile: DbtProfile, message: str, signed_in: Any) -> str:
    if profile.way == "key":
        return sign_in.key_refused(profile, message)
    return f"BigQuery does not take the token of {sign_in.account(profile, signed_in)}: {message}"


def _reason(response: Any) -> str:
    try:
        return str(response.json()["error"]["errors"][0]["reason"])
    except (ValueError, LookupError, TypeError):
        return ""


def _message(response: Any) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return str(response.text[:200])


def _root(error: BaseException) -> str:
    """Return the innermost reason; requests wraps `Connection refused` several times."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    reason = getattr(error, "reason", None)
    return str(reason if reason else error).rsplit(": ", 1)[-1].strip(" '\")")
