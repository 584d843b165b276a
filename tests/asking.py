"""Ask a server over plain HTTP, as anybody could."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from local.plain_http import NO_CERTIFICATES

PATIENCE = 300.0  # seconds


def ask(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
    """Return the JSON of the answer, or None. 503 is asked again: Prefect's SQLite has one writer."""
    deadline = time.monotonic() + PATIENCE
    again = False
    with httpx.Client(timeout=60, verify=NO_CERTIFICATES, trust_env=False) as client:
        while True:
            response = client.request(method, url, json=body, headers=headers)
            if response.status_code == 403 and "CSRF token" in response.text:
                headers = dict(headers or {}) | _csrf(client, url)
                response = client.request(method, url, json=body, headers=headers)
            if response.status_code != 503 or time.monotonic() > deadline:
                break
            again = True
            time.sleep(0.3)
    if again and method == "DELETE" and response.status_code == 404:
        return None  # the answer was 503, yet it was done
    response.raise_for_status()
    return response.json() if response.content else None


def _csrf(client: httpx.Client, url: str) -> dict[str, str]:
    """A Prefect server's token against cross-site requests."""
    name = str(uuid.uuid4())
    api = f"{url.partition('/api/')[0]}/api"
    token = client.get(f"{api}/csrf-token", params={"client": name}).raise_for_status().json()["token"]
    return {"Prefect-Csrf-Client": name, "Prefect-Csrf-Token": token}
