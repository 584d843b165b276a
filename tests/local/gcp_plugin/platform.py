"""BigQuery's emulator and the gateway before it, for the contract tests, on free ports."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt

from local.paths import PROJECT as ROOT
from local.platform import emulator
from local.platform.ports import free_port
from tests import processes

PROJECT = "demo-flights"
_EMULATOR_PYTHON = ROOT / "local" / "emulator" / ".venv" / "bin" / "python"
_START_SECONDS = 300


@dataclass(frozen=True)
class Google:
    """The gateway, spoken to as its owner."""

    url: str
    token: str

    def config(self) -> dict[str, str]:
        """`gcp:` keys that serve either plugin."""
        return {
            "project": PROJECT,
            "bigQueryCustomEndpoint": f"{self.url}/bigquery/v2/",
            "iamCustomEndpoint": f"{self.url}/v1/",
            # The name under which the official plugin, up to 9.35, reads it for service accounts.
            "iamBetaCustomEndpoint": f"{self.url}/v1/",
            "resourceManagerCustomEndpoint": f"{self.url}/v1/",
            "serviceUsageCustomEndpoint": f"{self.url}/v1/",
        }

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call as somebody outside Pulumi would; an error status raises."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def token_of_a_stranger(self) -> str:
        """A token of a new service account that holds no role at all."""
        path = f"/v1/projects/{PROJECT}/serviceAccounts"
        account = self.call("POST", path, {"accountId": f"stranger-{time.time_ns() % 10**9}"})
        made = self.call("POST", f"/v1/{account['name']}/keys", {})
        key = json.loads(base64.b64decode(made["privateKeyData"]))
        now = int(time.time())
        claims = {
            "iss": account["email"],
            "aud": key["token_uri"],
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "iat": now,
            "exp": now + 600,
        }
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": jwt.encode(claims, key["private_key"], "RS256", {"kid": key["private_key_id"]}),
        }
        answer = httpx.post(key["token_uri"], data=form, timeout=30).raise_for_status()
        return str(answer.json()["access_token"])

    def dataset(self, dataset_id: str) -> str:
        """Path of a dataset."""
        return f"/bigquery/v2/projects/{PROJECT}/datasets/{dataset_id}"

    def datasets(self) -> set[str]:
        """Every dataset's id."""
        found = self.call("GET", f"/bigquery/v2/projects/{PROJECT}/datasets").get("datasets", [])
        return {entry["datasetReference"]["datasetId"] for entry in found}

    def accounts(self) -> set[str]:
        """Every service account's address."""
        found = self.call("GET", f"/v1/projects/{PROJECT}/serviceAccounts").get("accounts", [])
        return {account["email"] for account in found}

    def members(self, role: str) -> set[str]:
        """Who has `role` on the project."""
        policy = self.call("POST", f"/v1/projects/{PROJECT}:getIamPolicy", {})
        return {member for b in policy["bindings"] if b["role"] == role for member in b["members"]}


@contextmanager
def running(directory: Path) -> Iterator[Google]:
    """Start emulator and gateway with their state below `directory`, and stop them."""
    home = directory / "home"
    emulator.install_extension(_EMULATOR_PYTHON, home)
    port = free_port()
    bigquery = emulator.command(_EMULATOR_PYTHON, directory, PROJECT, directory / "bigquery.sock")
    gateway = [sys.executable, "-m", "local.google", f"--port={port}", f"--project={PROJECT}"]
    gateway += [f"--bigquery=unix:{directory / 'bigquery.sock'}", f"--state={directory / 'google'}"]
    with (
        _process(bigquery, directory / "bigquery.log", emulator.environment(home)),
        _process(gateway, directory / "google.log", {}) as started,
    ):
        url = f"http://127.0.0.1:{port}"
        token = _owner_token(directory / "google" / "owner-token", url, started, directory / "google.log")
        google = Google(url, token)
        _until_answering(google)
        yield google


@contextmanager
def _process(argv: Sequence[str], log: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        child = subprocess.Popen(argv, cwd=ROOT, env=os.environ | env, stdout=output, stderr=output)
    try:
        yield child
    finally:
        processes.end(child, 20)


def _owner_token(path: Path, url: str, child: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return path.read_text().strip()
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"the gateway did not start: {log.read_text()}")


def _until_answering(google: Google) -> None:
    """The emulator is slower to start than the gateway."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            google.datasets()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return
