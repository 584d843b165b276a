"""Which Prefect server a program talks to, and how it signs in: the one place that decides it."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from providers.api.errors import NotPrefectError
from providers.api.prefect_settings import PrefectSettings, Setting

# Prefect's client keeps these to itself (prefect.client.base).
PROTECTED_HEADERS = {"user-agent", "prefect-csrf-token", "prefect-csrf-client"}
HEADERS = "PREFECT_CLIENT_CUSTOM_HEADERS"
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Server:
    """Where Prefect's API is and how to talk to it. Its representation shows no key, password or header.

    `api_url` holds no user and no password. `ca_file` holds the certificates to trust instead of the usual
    ones. `place` says where the address was found, `credentials` where the key or password was.
    """

    api_url: str
    api_key: str | None = field(default=None, repr=False)
    auth_string: str | None = field(default=None, repr=False)
    custom_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ca_file: str | None = None
    verify: bool = True
    csrf: bool = True
    place: str = "prefect:apiUrl"
    credentials: str | None = None

    def headers(self) -> dict[str, str]:
        """Return what signs in, and the custom headers, which go before that as in Prefect's own client."""
        headers: dict[str, str] = {}
        if self.auth_string:
            headers["authorization"] = f"Basic {base64.b64encode(self.auth_string.encode()).decode()}"
        elif self.api_key:
            headers["authorization"] = f"Bearer {self.api_key}"
        return headers | {name.lower(): value for name, value in self.custom_headers}

    @property
    def is_cloud(self) -> bool:
        """Prefect Cloud's addresses name a workspace; its database has many writers."""
        return "/workspaces/" in self.api_url

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.api_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def locate(
    config: Callable[[str], str | None],
    environment: Mapping[str, str] = os.environ,
    directory: Path | None = None,
) -> Server:
    """Return the server for a stack's configuration. Raises PrefectError for none, or for a bad address.

    One order for address, key and password: the stack's `prefect:apiUrl`, `prefect:apiKey` and
    `prefect:authString`, then Prefect's own settings, see `PrefectSettings`. Of the latter, what a file holds
    of keys, passwords and headers is only sent to the host whose address stands there too: it was put there
    for that one. A password goes before a key, as in Prefect's client, and one in the address before both.
    """
    settings = PrefectSettings(environment, directory or Path.cwd())
    own, theirs = config("prefect:apiUrl"), settings.find("PREFECT_API_URL")
    if own:
        address, place = own, "prefect:apiUrl"
    elif theirs and theirs.value:
        address, place = str(theirs.value), theirs.place
    else:
        raise NotPrefectError(_nowhere(settings))
    api_url, user = parse(address, place)

    def usable(name: str) -> Setting | None:
        found = settings.find(name)
        if found is None or not found.value:
            return None
        theirs_alone = found.is_file and own
        return found if not theirs_alone or _host(theirs and theirs.value) == _host(api_url) else None

    headers = settings.headers(HEADERS) if usable(HEADERS) else {}
    refused = PROTECTED_HEADERS | ({"authorization"} if user else set())
    key, password, credentials = _credentials(config, usable, user, place)
    return Server(
        api_url,
        api_key=key,
        auth_string=password,
        custom_headers=tuple((name, text) for name, text in headers.items() if name.lower() not in refused),
        ca_file=settings.text("PREFECT_API_SSL_CERT_FILE") or environment.get("SSL_CERT_FILE") or None,
        verify=not settings.flag("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", default=False),
        csrf=settings.flag("PREFECT_CLIENT_CSRF_SUPPORT_ENABLED", default=True),
        place=place,
        credentials=credentials,
    )


def ui_url(config: Callable[[str], str | None], environment: Mapping[str, str] = os.environ) -> str | None:
    """Return where people see Prefect, by `prefect:uiUrl` or PREFECT_UI_URL, if told; without a password."""
    own = config("prefect:uiUrl")
    if own:
        return parse(own, "prefect:uiUrl")[0]
    found = PrefectSettings(environment, Path.cwd()).find("PREFECT_UI_URL")
    return parse(str(found.value), found.place)[0] if found and found.value else None


def parse(address: str, place: str) -> tuple[str, str | None]:
    """Split an address into one that may be shown, normalised, and its `user:password`, decoded, or None.

    Raises NotPrefectError, without the password, for what is no http(s) address.
    """
    try:
        parts = urlsplit(address.strip())
        bad = parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.query or parts.fragment
        port = parts.port
    except ValueError:
        bad = True
    if bad or "@" in parts.path or any(character.isspace() for character in address.strip()):
        raise NotPrefectError(
            f"{place}: {shown(address)!r} is no address like http://127.0.0.1:4200/api"
            + (" (write / in a password as %2F, @ as %40, # as %23, ? as %3F)" if "@" in address else "")
        )
    host = str(parts.hostname)
    host = f"[{host}]" if ":" in host else host
    netloc = host if port in {None, DEFAULT_PORTS[parts.scheme]} else f"{host}:{port}"
    user = None
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}", user


def shown(address: str) -> str:
    """Return an address, be it a bad one, without what may be a password: up to its last `@`, and a query."""
    bare = re.sub(r"^(\s*[a-zA-Z][a-zA-Z0-9+.-]*://)?.*@", r"\1", address, flags=re.DOTALL)
    return re.sub(r"[?#].*", "", bare, flags=re.DOTALL)


def _credentials(
    config: Callable[[str], str | None],
    usable: Callable[[str], Setting | None],
    user: str | None,
    place: str,
) -> tuple[str | None, str | None, str | None]:
    """Return the key, the password, and where the one that counts was found."""
    if user:
        return None, user, f"the user and password in {place}"
    if password := config("prefect:authString"):
        return None, password, "prefect:authString"
    if key := config("prefect:apiKey"):
        return key, None, "prefect:apiKey"
    if found := usable("PREFECT_API_AUTH_STRING"):
        return None, str(found.value), found.place
    if found := usable("PREFECT_API_KEY"):
        return str(found.value), None, found.place
    return None, None, None


def _host(address: object) -> tuple[str | None, int | None] | None:
    """Return the host and port of an address, for comparison; None where it is none."""
    try:
        parts = urlsplit(str(address))
        return parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None


def _nowhere(settings: PrefectSettings) -> str:
    profile = f" Prefect's profile {settings.profile!r} names none." if settings.profile else ""
    return (
        f"where is Prefect?{profile} Set its address with `pulumi config set prefect:apiUrl "
        "http://127.0.0.1:4200/api`, or PREFECT_API_URL, or sign in with `prefect cloud login`"
    )
