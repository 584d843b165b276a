"""A gateway to talk to, in this process or another, and the few things tests do again and again."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import jwt

from local.google.sign_in.oauth import JWT_BEARER
from local.google.sign_in.tokens import GOOGLE_AUDIENCE

if TYPE_CHECKING:
    import httpx

PROJECT = "demo-flights"
DATASETS = f"/bigquery/v2/projects/{PROJECT}/datasets"
ACCOUNTS = f"/v1/projects/{PROJECT}/serviceAccounts"


class World:
    """The platform's owner, who gives others what they need."""

    def __init__(self, client: httpx.Client, owner_token: str) -> None:
        self.client = client
        self.owner_token = owner_token

    def call(self, method: str, path: str, token: str | None = None, **sent: Any) -> httpx.Response:
        """Send a request as the owner, or with another token ("" for none)."""
        token = self.owner_token if token is None else token
        headers = sent.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.client.request(method, path, headers=headers, **sent)

    def ok(self, method: str, path: str, token: str | None = None, **sent: Any) -> Any:
        """Send a request that must succeed and give its JSON."""
        answer = self.call(method, path, token, **sent)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def account(self, account_id: str = "dbt-test") -> str:
        """Create a service account and give its email."""
        return str(self.ok("POST", ACCOUNTS, json={"accountId": account_id})["email"])

    def key(self, email: str) -> dict[str, Any]:
        """Create a key and give the JSON key file's content."""
        created = self.ok("POST", f"{ACCOUNTS}/{email}/keys", json={})
        return dict(json.loads(base64.b64decode(created["privateKeyData"])))

    def sign_in(self, key: dict[str, Any]) -> str:
        """Exchange a key for an access token."""
        answer = self.exchange(assertion(key))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def exchange(self, signed: str, grant_type: str = JWT_BEARER) -> httpx.Response:
        """Post an assertion to the token endpoint."""
        return self.client.post("/token", data={"grant_type": grant_type, "assertion": signed})

    def token(self, *project_roles: str, **dataset_roles: str) -> str:
        """Give a token of a new service account with these roles: on the project, and by dataset."""
        email = self.account(f"robot-{time.monotonic_ns()}"[:30])
        for role in project_roles:
            self.grant(email, role)
        for dataset, role in dataset_roles.items():
            self.share(dataset, role, email)
        return self.sign_in(self.key(email))

    def grant(self, email: str, role: str) -> None:
        """Give a role on the project."""
        policy = self.ok("POST", f"/v1/projects/{PROJECT}:getIamPolicy")
        policy["bindings"].append({"role": role, "members": [f"serviceAccount:{email}"]})
        self.ok("POST", f"/v1/projects/{PROJECT}:setIamPolicy", json={"policy": policy})

    def dataset(self, dataset: str) -> None:
        """Create a dataset."""
        self.ok("POST", DATASETS, json={"datasetReference": {"datasetId": dataset}, "location": "EU"})

    def share(self, dataset: str, role: str, email: str) -> None:
        """Give a role on a dataset."""
        access = self.ok("GET", f"{DATASETS}/{dataset}")["access"]
        entry = {"role": role, "userByEmail": email}
        self.ok("PATCH", f"{DATASETS}/{dataset}", json={"access": [*access, entry]})

    def query(self, sql: str, token: str | None = None) -> httpx.Response:
        """Run a query now."""
        path = f"/bigquery/v2/projects/{PROJECT}/queries"
        return self.call("POST", path, token, json={"query": sql, "useLegacySql": False})


def assertion(key: dict[str, Any], **changed: Any) -> str:
    """Sign what google-auth signs, with some claims changed (None leaves one out)."""
    now = int(time.time())
    claims = {
        "iss": key["client_email"],
        "aud": GOOGLE_AUDIENCE,
        "iat": now,
        "exp": now + 3600,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
    } | changed
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key["private_key"], algorithm="RS256", headers={"kid": key["private_key_id"]})


def message(answer: httpx.Response, code: int) -> str:
    """Give the message of a refusal in Google's format."""
    assert answer.status_code == code, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["errors"][0]["message"] == error["message"]
    assert error["errors"][0]["domain"] == "global"
    return str(error["message"])
