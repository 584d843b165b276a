"""Google's own answers to the program: who runs it, and whether an API or a grant is in force yet.

Both are asked with the provider's sign-in, so that it is the same caller as for the resources.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_gcp as gcp

# What was switched on or granted may need so many seconds until it counts everywhere.
# Source: https://cloud.google.com/iam/docs/access-change-propagation
PATIENCE = 420
LONGEST_PAUSE = 15
_ANSWER = 20
_SCOPE = "https://www.googleapis.com/auth/bigquery"
_CREDENTIALS = ("https://iamcredentials.googleapis.com/v1/", "iamCredentialsCustomEndpoint")
_ACT = "projects/-/serviceAccounts/{email}:generateAccessToken"
# The services' own addresses, the setting that names another, and something that is cheap to ask.
_PROBES = {
    "bigquery": (
        "https://bigquery.googleapis.com/bigquery/v2/",
        "bigQueryCustomEndpoint",
        "projects/{project}/datasets?maxResults=1",
    ),
    "cloudresourcemanager": (
        "https://cloudresourcemanager.googleapis.com/v1/",
        "resourceManagerCustomEndpoint",
        "projects/{project}",
    ),
    "iam": (
        "https://iam.googleapis.com/v1/",
        "iamCustomEndpoint",
        "projects/{project}/serviceAccounts?pageSize=1",
    ),
    "iamcredentials": (*_CREDENTIALS, _ACT.format(email="nobody@{project}.iam.gserviceaccount.com")),
    "run": (
        "https://run.googleapis.com/v2/",
        "cloudRunV2CustomEndpoint",
        "projects/{project}/locations/europe-west1/jobs?pageSize=1",
    ),
}


def who_runs_this() -> str:
    """The member that Google knows the provider's sign-in as: `user:…` or `serviceAccount:…`.

    Raises RunError where Google does not say.
    """
    try:
        email = gcp.organizations.get_client_open_id_user_info().email
        why = "the sign-in has no email"
    except Exception as error:  # the SDK raises a plain one
        email, why = "", " ".join(str(error).split())
    if not email:
        stack = pulumi.get_stack()
        raise pulumi.RunError(
            "`impersonators` is empty, so whoever runs this is to act as dbt's service account, but Google "
            f"does not say who that is: {why}. Sign in with `gcloud auth application-default login`, or name "
            f"who it is: `pulumi config set --path 'impersonators[0]' user:YOU@example.com -s {stack}`"
        )
    kind = "serviceAccount" if email.endswith(".gserviceaccount.com") else "user"
    return f"{kind}:{email}"


def token() -> str:
    """The provider's own access token; none in a preview, which waits for nothing."""
    if pulumi.runtime.is_dry_run():
        return ""
    return gcp.organizations.get_client_config().access_token or ""


async def api_in_force(service: str, project: str, access: str) -> None:
    """Wait until an API that is switched on answers everywhere; warn where it does not in time.

    ``access`` is a token; without one there is nothing to wait for.
    """
    known = _PROBES.get(service)
    if known is None or not (base := _address(*known[:2])):
        return
    url = base + known[2].format(project=project)

    def ask() -> str:
        # A token of nobody's is asked for as one asks for tokens; the rest is read.
        body = {"scope": [_SCOPE]} if service == "iamcredentials" else None
        status, error = _ask("POST" if body else "GET", url, access, body)
        # Any other answer, a refusal too, is the API's.
        return str(error.get("message", "")) if status == 403 and _is_off(error) else ""

    await _until(ask, f"the API {service}.googleapis.com of {project}", access)


async def grant_in_force(email: str, member: str, access: str) -> None:
    """Wait until the caller, who was just let act as a service account, may; warn where not in time."""
    base = _address(*_CREDENTIALS)
    if not base:
        return

    def ask() -> str:
        status, error = _ask("POST", base + _ACT.format(email=email), access, {"scope": [_SCOPE]})
        if _is_off(error):
            # What the stack switches on was waited for.
            pulumi.log.warn(f"{member} can't act as {email}: {error.get('message')}{_command(error)}")
            return ""
        return str(error.get("message", "")) if status in {403, 404} else ""

    await _until(ask, f"the right of {member} to act as {email}", access)


async def _until(ask: Callable[[], str], what: str, access: str) -> None:
    """Ask until there is no reason why not any more, and tell of it."""
    if not access:
        return
    began, pause = time.monotonic(), 1
    while why := (await asyncio.to_thread(ask)).rstrip("."):
        waited = time.monotonic() - began
        if waited + pause > PATIENCE:
            pulumi.log.warn(f"{what} is not in force after {waited:.0f} seconds: {why}")
            return
        pulumi.log.info(f"waiting for {what}, {waited:.0f} seconds of {PATIENCE}: {why}")
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _address(default: str, setting: str) -> str:
    """A service's address; none where others are not Google's own, and this is not said."""
    google = pulumi.Config("gcp")
    return google.get(setting) or ("" if google.get("bigQueryCustomEndpoint") else default)


def _ask(method: str, url: str, access: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    """Return HTTP status, and what Google says of an error; status 0 where nothing answers."""
    headers = {"Authorization": f"Bearer {access}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - Google's, or as set
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER) as answer:  # noqa: S310
            return int(answer.status), {}
    except urllib.error.HTTPError as error:
        try:
            return error.code, dict(json.load(error)["error"])
        except (ValueError, KeyError, TypeError):
            return error.code, {}
    except OSError:
        return 0, {}


def _command(error: dict[str, Any]) -> str:
    """What switches an API on, where Google says which one it is, and of which project."""
    told = [
        one.get("metadata", {}) for one in error.get("details", []) if one.get("reason") == "SERVICE_DISABLED"
    ]
    if not told or not {"service", "consumer"} <= told[0].keys():
        return ""
    project = str(told[0]["consumer"]).removeprefix("projects/")
    return f" Switch it on with `gcloud services enable {told[0]['service']} --project {project}`."


def _is_off(error: dict[str, Any]) -> bool:
    """Tell whether Google says that the API is off. Source: google.rpc.ErrorInfo, and BigQuery's reasons."""
    reasons = [one.get("reason") for name in ("details", "errors") for one in error.get(name, [])]
    return bool({"SERVICE_DISABLED", "accessNotConfigured"}.intersection(reasons))
