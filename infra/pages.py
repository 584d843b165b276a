"""Addresses to look at, for the stack's outputs."""

from __future__ import annotations

import os
import re

import pulumi

from infra.settings import Settings

_CLOUD_API = re.compile(r"https://api\.([^/]+)/api/accounts/([^/]+)/workspaces/([^/]+)")


def bigquery_page(settings: Settings) -> str:
    """BigQuery's page in the Google Cloud console, or the local endpoint that takes its place."""
    console = f"https://console.cloud.google.com/bigquery?project={settings.project}"
    return settings.api_endpoint or f"{console}&ws=!1m4!1m3!3m2!1s{settings.project}!2s{settings.dataset}"


def prefect_api() -> str:
    """The Prefect server's API, where the provider of the blocks finds it."""
    return (pulumi.Config("prefect").get("apiUrl") or os.environ.get("PREFECT_API_URL") or "").rstrip("/")


def prefect_page() -> str:
    """Prefect's page for people."""
    return page_url(prefect_api())


def page_url(api_url: str) -> str:
    """The address of Prefect's page for that of its API."""
    cloud = _CLOUD_API.fullmatch(api_url)
    if cloud:
        domain, account, workspace = cloud.groups()
        return f"https://app.{domain}/account/{account}/workspace/{workspace}"
    return api_url.removesuffix("/api")


def how_to_destroy(settings: Settings) -> str:
    """The commands that take the environment away. A protected one asks for a deliberate step before."""
    stack = settings.environment
    destroy = f"pulumi destroy -s {stack}"
    if settings.delete_contents_on_destroy:
        return destroy
    allow = f"pulumi config set projet-m2-bi:deleteContentsOnDestroy true -s {stack}"
    return f"{allow} && pulumi up -s {stack} && {destroy}"
