"""BigQuery's emulator and the gateway before it, for the contract tests, on free ports."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt

from local.plain_http import NO_CERTIFICATES
from tests import gateway

PROJECT = "demo-flights"


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
        """Call as somebody outside Pulumi would, a busy service again; any other error status raises."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.url}{path}"
        for _ in range(60):
            answer = httpx.request(
                method, url, json=body, headers=headers, timeout=30, verify=NO_CERTIFICATES
            )
            if answer.status_code != 503:
                break
            time.sleep(0.2)
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
        answer = httpx.post(key["token_uri"], data=form, timeout=30, verify=NO_CERTIFICATES)
        return str(answer.raise_for_status().json()["access_token"])

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

    def clear(self) -> None:
        """Take away what a test has left: every dataset, every account, every grant but the owner's own."""
        for name in self.datasets():
            self.call("DELETE", f"{self.dataset(name)}?deleteContents=true")
        for email in self.accounts():
            self.call("DELETE", f"/v1/projects/{PROJECT}/serviceAccounts/{email}")
        policy = self.call("POST", f"/v1/projects/{PROJECT}:getIamPolicy", {})
        policy["bindings"] = [one for one in policy["bindings"] if one["role"] == "roles/owner"]
        self.call("POST", f"/v1/projects/{PROJECT}:setIamPolicy", {"policy": policy})


@contextmanager
def running(directory: Path) -> Iterator[Google]:
    """Start emulator and gateway with their state below `directory`, and stop them."""
    home, state = directory / "bigquery", directory / "google"
    with gateway.emulated(home, PROJECT) as bigquery, gateway.gateway(state, bigquery, PROJECT) as url:
        google = Google(url, gateway.owner_token(state))
        yield google
