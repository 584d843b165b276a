"""Which Prefect an object is on: an address without what does not tell servers apart."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

_USUAL_PORTS = {"http": 80, "https": 443}


def place(api_url: str | None) -> str:
    """Return `host:port/path` of an API's address; "" for none.

    For Prefect Cloud the path names account and workspace. Scheme, user and password, a usual port, slashes
    at the end, capitals in the host, and which of a machine's own names it is called by make no difference.
    """
    url = api_url or ""
    # As it stands in a state, without a scheme.
    parts = urlsplit(url if "//" in url else f"//{url}")
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    # IPv6 is written in brackets before a port.
    host = _own(host.rstrip("."))
    shown = f"[{host}]" if ":" in host else host
    if port not in {None, _USUAL_PORTS.get(parts.scheme)}:
        shown += f":{port}"
    return "/".join([shown, *(step for step in parts.path.split("/") if step)])


def _own(host: str) -> str:
    """Return `localhost` for each of a machine's own addresses."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "localhost" if host.endswith(".localhost") else host
    return "localhost" if address.is_loopback or address.is_unspecified else str(address)
