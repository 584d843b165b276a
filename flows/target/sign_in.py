"""Sign in to Google just as dbt will, and say what is wrong where that fails.

dbt-bigquery does the same with the same profile (`dbt.adapters.bigquery.credentials`), but its errors name
neither who asked nor what to grant.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from flows.errors import NotSetUpError, NotYetError, PipelineError, UnreachableError
from flows.target import api_off, names
from flows.target.dbt_profile import ATTACHED

if TYPE_CHECKING:
    from flows.target.dbt_profile import DbtProfile

# What dbt-bigquery asks for; a person's login has the scopes that it was made with.
_SCOPES = (
    "https://www.googleapis.com/auth/bigquery",
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/drive",
    "https://www.googleapis.com/auth/userinfo.email",
)
_ADC = "GOOGLE_APPLICATION_CREDENTIALS"
_IAM_CREDENTIALS = "https://iamcredentials.googleapis.com"


def credentials(profile: DbtProfile) -> Any:
    """Return google-auth's credentials for the profile's identity; nothing is sent to Google's servers yet.

    Only a machine's own metadata server is asked who the machine is. Raises NotSetUpError if the key is none,
    if nobody is signed in on this machine, or if it is somebody whom the block does not mean.
    """
    if profile.way == "key":
        return _from_key(profile)
    source = _default(profile)
    if profile.way == "attached":
        _check_attached(profile, source)
        return source
    from google.auth.impersonated_credentials import Credentials  # noqa: PLC0415

    return Credentials(source, profile.output["impersonate_service_account"], list(_SCOPES))


def account(profile: DbtProfile, signed_in: Any = None) -> str:
    """Say who dbt is: an email, or for a machine's own identity whatever is known of it."""
    if profile.way == "key":
        return str(profile.output["keyfile_json"]["client_email"])
    if profile.way == "impersonation":
        return str(profile.output["impersonate_service_account"])
    return _email(signed_in) or "the identity of this machine"


def refused(profile: DbtProfile, signed_in: Any, error: Exception) -> PipelineError:
    """Return the error for a sign-in that Google answered with a refusal (google-auth's RefreshError)."""
    why = str(error.args[0] if error.args else error)
    if profile.way == "key":
        if getattr(error, "retryable", False):
            return unreachable(profile, why)
        return NotSetUpError(key_refused(profile, why))
    status, message = _answer(error)
    if status >= 500 or (not status and getattr(error, "retryable", False)):
        return unreachable(profile, message)
    if profile.way == "impersonation" and status:
        return NotYetError(_may_not_act(profile, signed_in, status, message))
    return NotSetUpError(
        f"the sign-in of this machine, which the target {profile.target} needs, is refused: {message}. "
        "Sign in again with `gcloud auth application-default login`, or, on a machine in Google Cloud, give "
        f"it the service account that `pulumi stack output serviceAccount -s {profile.target}` prints."
    )


def unreachable(profile: DbtProfile, why: str) -> UnreachableError:
    """Return the error for an endpoint of the sign-in that does not answer."""
    where = {
        "key": profile.output.get("keyfile_json", {}).get("token_uri"),
        "impersonation": f"{_IAM_CREDENTIALS}, or the endpoint that signs in this machine,",
        "attached": "this machine's metadata server",
    }[profile.way]
    return UnreachableError(
        f"BigQuery of the project {profile.output['project']} (target {profile.target}) cannot be reached: "
        f"{where} does not answer: {why}. For the local platform: `python -m local up`."
    )


def key_refused(profile: DbtProfile, why: str) -> str:
    """Say that the key in the block is not taken."""
    return (
        f"the key of {account(profile)} in the block {names.gcp_credentials(profile.target)} does not sign "
        f"in: {why}. Make a new one with {names.bring_up(profile.target)}."
    )


def _from_key(profile: DbtProfile) -> Any:
    from google.oauth2.service_account import Credentials  # noqa: PLC0415

    try:
        return Credentials.from_service_account_info(profile.key, scopes=_SCOPES[:1])
    except ValueError as error:
        raise NotSetUpError(key_refused(profile, "it is not a private key in PEM format")) from error


def _default(profile: DbtProfile) -> Any:
    import google.auth  # noqa: PLC0415
    from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415

    try:
        found, _ = google.auth.default(scopes=_SCOPES)
    except DefaultCredentialsError as error:
        where = f" ({_ADC}={os.environ[_ADC]})" if _ADC in os.environ else ""
        raise NotSetUpError(
            f"the target {profile.target} has no key (`identity: {profile.way}`), and nobody is signed in to "
            f"Google on this machine{where}: {error.args[0]} Sign in with `gcloud auth application-default "
            "login`, or run the flow on a machine that has a service account."
        ) from error
    return found


def _check_attached(profile: DbtProfile, source: Any) -> None:
    from google.auth import compute_engine, external_account  # noqa: PLC0415

    if isinstance(source, compute_engine.Credentials | external_account.Credentials):
        _check_account(profile, source)
        return
    who = f" ({_email(source)})" if _email(source) else ""
    raise NotSetUpError(
        f"the blocks of the target {profile.target} say that dbt has the identity of the machine that runs "
        f"it (`identity: attached`), but what is signed in here{who} comes from a file of credentials. Run "
        f"the flow on the worker (if this is one: `unset {_ADC}`, `gcloud auth application-default revoke`), "
        "or let people act as dbt's service account: `pulumi config set identity impersonation "
        f"-s {profile.target}`."
    )


def _check_account(profile: DbtProfile, source: Any) -> None:
    """Raise NotSetUpError unless the machine is the account that the block names: dbt would take any."""
    from google.auth import compute_engine  # noqa: PLC0415
    from google.auth.exceptions import RefreshError  # noqa: PLC0415
    from google.auth.transport.requests import Request  # noqa: PLC0415

    if isinstance(source, compute_engine.Credentials):
        try:
            # The metadata server tells its account along with a token, which the first request then uses.
            source.refresh(Request())
        except RefreshError as error:
            raise refused(profile, source, error) from error
    expected, found = profile.output[ATTACHED], _email(source)
    if found == expected:
        return
    raise NotSetUpError(
        f"the identity of this machine is {found or 'not that of a service account'}, but the blocks of the "
        f"target {profile.target} say that dbt is {expected} (`identity: attached`). Run the flow where that "
        "account is the machine's own, or give it to this machine: docs/identity.md says how."
    )


def _may_not_act(profile: DbtProfile, signed_in: Any, status: int, message: str) -> str:
    account_ = profile.output["impersonate_service_account"]
    if status == 404:
        return (
            f"the service account {account_}, as which dbt runs, does not exist: {message}. "
            f"Make it with {names.bring_up(profile.target)}."
        )
    off = api_off.advice(message, "iamcredentials.googleapis.com")
    if off:
        return f"nobody can act as {account_}: {message} {off}"
    source = signed_in._source_credentials
    email = _email(source)
    kind = "user" if not email or not email.endswith(".gserviceaccount.com") else "serviceAccount"
    return (
        f"{email or 'whoever is signed in on this machine'} may not act as {account_}: {message} It needs "
        "roles/iam.serviceAccountTokenCreator on that service account. Grant it with `pulumi config set "
        f"--path 'impersonators[0]' {kind}:{email or 'YOU@example.com'} -s {profile.target}` "
        f"(or the next free number), then {names.bring_up(profile.target)}; Google takes a minute or two."
    )


def _email(source: Any) -> str:
    """Return whom google-auth's credentials stand for, or "" where they don't say."""
    for name in ("service_account_email", "account"):
        found = getattr(source, name, None)
        if found and found != "default":
            return str(found)
    return ""


def _answer(error: Exception) -> tuple[int, str]:
    """Return HTTP status and message of a refusal; status 0 where there is no such answer."""
    body = error.args[1] if len(error.args) > 1 else None
    try:
        found: Any = json.loads(body) if isinstance(body, str) else body
        return int(found["error"]["code"]), str(found["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return 0, str(error.args[0] if error.args else error)
