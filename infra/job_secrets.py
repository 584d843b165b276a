"""Prefect's key in the jobs of Cloud Run: from Secret Manager, or no job."""

from __future__ import annotations

import pulumi
from pulumi.runtime.config import get_config

from infra.settings import Settings
from infra.settings.groups.sign_in import CLOUD_RUN
from providers.api.errors import PrefectError
from providers.api.server import locate


def no_key_in_clear(settings: Settings) -> None:
    """Raise RunError where a worker would write Prefect's key or password into each job, for all to read.

    Source: prefect_gcp.workers.cloud_run_v2, which warns and does it.
    """
    if settings.work_pool_type != CLOUD_RUN:
        return
    try:
        server = locate(get_config)
    except PrefectError:
        return  # which the outputs tell, with what to do
    for what, held, setting, name in (
        ("API key", server.api_key, "prefectApiKeySecret", settings.prefect_api_key_secret),
        ("password", server.auth_string, "prefectAuthStringSecret", settings.prefect_auth_string_secret),
    ):
        if held and not name:
            stack = settings.environment
            raise pulumi.RunError(
                f"this Prefect wants its {what} ({server.credentials}), and a worker writes it in clear into "
                "each job on Cloud Run, for whoever sees the jobs, unless a secret holds it. Make one with "
                "`gcloud secrets create prefect-key --data-file=-`, which takes it from standard input, then "
                f"`pulumi config set {setting} prefect-key -s {stack}`"
            )
