"""The provider's own configuration: the official plugin's `gcp:*` keys, as far as needed here."""

from __future__ import annotations

import difflib
import functools
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.gcp_plugin.errors import PluginError

ENDPOINT_KEYS: Mapping[str, tuple[str, ...]] = {
    "bigquery": ("bigQueryCustomEndpoint",),
    # Up to 9.35 the official plugin reads iamBetaCustomEndpoint for service accounts; either name does here.
    "iam": ("iamCustomEndpoint", "iamBetaCustomEndpoint"),
    "resourcemanager": ("resourceManagerCustomEndpoint", "cloudResourceManagerCustomEndpoint"),
    "serviceusage": ("serviceUsageCustomEndpoint",),
}
"""Service -> the configuration keys that may name its address; the first one set counts."""

_VERSION_PATH = {"bigquery": "bigquery/v2", "iam": "v1", "resourcemanager": "v1", "serviceusage": "v1"}
_ENVIRONMENT = {
    "project": ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
    "accessToken": ("GOOGLE_OAUTH_ACCESS_TOKEN",),
}
_NO_ATTRIBUTION = ("false", "0")


@dataclass(frozen=True)
class Config:
    """What the kinds need to know. `endpoints` holds base addresses without a slash at the end."""

    project: str = ""
    access_token: str = field(default="", repr=False)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    default_labels: Mapping[str, str] = field(default_factory=dict)
    attribution_label: bool = True

    def endpoint(self, service: str) -> str:
        """Base address of `service`. Raises PluginError naming the key to set where there is none."""
        if problem := self.missing_endpoint(service):
            raise PluginError(problem)
        return self.endpoints[service]

    def missing_endpoint(self, service: str) -> str | None:
        """Say which key to set, if the address of `service` is not configured."""
        if service in self.endpoints:
            return None
        key = ENDPOINT_KEYS[service][0]
        return (
            f"gcp:{key} is not set, and the local gcp plugin never calls the real Google. "
            f"Set it: pulumi config set gcp:{key} http://127.0.0.1:PORT/{_VERSION_PATH[service]}/"
        )


def parse(inputs: Mapping[str, Any]) -> Config:
    """Read checked inputs; what is not given comes from the environment, as with the official plugin."""
    given = {key: value for key, value in inputs.items() if value is not None}
    endpoints = {}
    for service, keys in ENDPOINT_KEYS.items():
        if address := next((given[key] for key in keys if given.get(key)), None):
            endpoints[service] = _base_address(service, address)
    return Config(
        project=_setting(given, "project"),
        access_token=_setting(given, "accessToken"),
        endpoints=endpoints,
        default_labels=_decoded(given.get("defaultLabels")) or {},
        attribution_label=str(given.get("addPulumiAttributionLabel", "true")).lower() not in _NO_ATTRIBUTION,
    )


def problems(inputs: Mapping[str, Any]) -> list[str]:
    """Everything wrong with the configuration, each with the key and what to do."""
    found = []
    for key, value in inputs.items():
        if key.startswith("__") or key in ("version", "pluginDownloadURL"):
            continue
        if key not in known_keys():
            found.append(_unknown_key(key))
        elif key.endswith("CustomEndpoint") and (problem := _address_problem(key, str(value))):
            found.append(problem)
    if inputs.get("credentials") and not inputs.get("accessToken"):
        found.append(
            "gcp:credentials is not supported by the local gcp plugin: it signs in with an access token. "
            "Remove it (pulumi config rm gcp:credentials) and set GOOGLE_OAUTH_ACCESS_TOKEN."
        )
    return found


@functools.cache
def known_keys() -> frozenset[str]:
    """Every key the installed `pulumi_gcp` SDK knows, read from its text: importing it takes seconds."""
    spec = find_spec("pulumi_gcp")
    if spec is None or spec.origin is None:
        return frozenset(key for keys in ENDPOINT_KEYS.values() for key in keys) | {"project", "accessToken"}
    text = (Path(spec.origin).parent / "provider.py").read_text(encoding="utf-8")
    return frozenset(_camel_case(name) for name in re.findall(r'__props__\.__dict__\["(\w+)"\] =', text))


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _unknown_key(key: str) -> str:
    close = difflib.get_close_matches(key, known_keys(), n=1)
    hint = f" Did you mean `gcp:{close[0]}`?" if close else ""
    return (
        f"`gcp:{key}` is not a valid configuration key for the gcp provider.{hint} If the "
        "referenced key is not intended for the provider, please choose a different namespace from `gcp:`."
    )


def _address_problem(key: str, address: str) -> str | None:
    if not re.fullmatch(r"https?://[^/]+/(.*/)?", address):
        return (
            f"gcp:{key} must be an address that ends in a slash, not {address!r}. "
            f"Check `pulumi config get gcp:{key}`."
        )
    host = urlsplit(address).hostname or ""
    if host == "googleapis.com" or host.endswith(".googleapis.com"):
        return f"gcp:{key} names the real Google ({host}); the local gcp plugin only calls local endpoints."
    return None


def _base_address(service: str, address: str) -> str:
    base = address.rstrip("/")
    if service == "bigquery":
        return base
    # The official plugin's clients take the version off the end and put their own there.
    return re.sub(r"/v\d+(beta\d*)?$", "", base) + "/v1"


def _setting(given: Mapping[str, Any], key: str) -> str:
    if given.get(key):
        return str(given[key])
    return next((os.environ[name] for name in _ENVIRONMENT[key] if os.environ.get(name)), "")


def _decoded(value: Any) -> Any:
    """Structured settings arrive as JSON text, because a provider's configuration is a map of strings."""
    return json.loads(value) if isinstance(value, str) and value else value
