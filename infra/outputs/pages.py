"""Addresses to look at, for the stack's outputs."""

from __future__ import annotations

import re

import pulumi
from pulumi.runtime.config import get_config

from providers.api.errors import PrefectError
from providers.api.server import locate, ui_url

_CLOUD_API = re.compile(r"https://api\.([^/]+)/api/accounts/([^/]+)/workspaces/([^/]+)")
_CONSOLE = "https://console.cloud.google.com"


def bigquery_page(project: str, dataset: str, api_endpoint: str | None = None) -> str:
    """A dataset's page in the Google Cloud console, or its place on the local endpoint's page."""
    page = f"{_CONSOLE}/bigquery?project={project}&ws=!1m4!1m3!3m2!1s{project}!2s{dataset}"
    return f"{api_endpoint}/#{dataset}" if api_endpoint else page


def service_account_page(
    project: str, unique_id: pulumi.Input[str], api_endpoint: str | None = None
) -> pulumi.Output[str]:
    """A service account's page in the same console, by its number, or likewise on the local page."""
    if api_endpoint:
        return pulumi.Output.concat(f"{api_endpoint}/#", unique_id)
    accounts = f"{_CONSOLE}/iam-admin/serviceaccounts/details/"
    return pulumi.Output.concat(accounts, unique_id, f"?project={project}")


def prefect_api() -> str:
    """The Prefect server's API, where the provider finds it, without a password.

    Raises RunError where there is none: before anything is made.
    """
    try:
        return locate(get_config).api_url
    except PrefectError as error:
        raise pulumi.RunError(str(error)) from error


def prefect_page() -> str:
    """Prefect's page for people: where `prefect:uiUrl` or PREFECT_UI_URL says, else beside its API."""
    try:
        return ui_url(get_config) or page_url(prefect_api())
    except PrefectError as error:
        raise pulumi.RunError(str(error)) from error


def object_page(kind: str, key: pulumi.Input[str]) -> pulumi.Output[str]:
    """The page of one of Prefect's objects, as Prefect itself makes links (`prefect.utilities.urls`).

    ``kind`` is `deployment`, `automation` or `work-pool`; ``key`` an id, or for a work pool its name.
    """
    return pulumi.Output.concat(f"{prefect_page()}/{kind}s/{kind}/", key)


def page_url(api_url: str) -> str:
    """The address of Prefect's page for that of its API."""
    cloud = _CLOUD_API.fullmatch(api_url)
    if cloud:
        domain, account, workspace = cloud.groups()
        return f"https://app.{domain}/account/{account}/workspace/{workspace}"
    return api_url.removesuffix("/api")
