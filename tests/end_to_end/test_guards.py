"""Rotated keys, missing grants, and an environment that is protected: real engine, Prefect and dbt."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from local.google.__main__ import KEY_DELAY
from tests.checkout import Checkout
from tests.end_to_end import keyless, servers
from tests.end_to_end.keyless import ACCOUNTS, DBT, PROJECT, RAW, ok

pytestmark = pytest.mark.real

POLICY = f"/v1/projects/{PROJECT}"
TARGET = RAW.removesuffix("_raw")


@pytest.fixture(scope="module")
def ready(stack: Checkout) -> Checkout:
    keyless.tiny_project(stack)
    return stack


class Flows:
    """Runs the flow again and again while a block is open."""

    def __init__(self, project: Checkout) -> None:
        self.project = project
        self.codes: list[int] = []
        self.output = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat)

    def __enter__(self) -> Flows:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _repeat(self) -> None:
        while not self._ended.is_set():
            done = keyless.flow(self.project, {})
            self.codes.append(done.returncode)
            self.output += done.stdout + done.stderr


def keys(project: Checkout) -> set[str]:
    found = keyless.google(project, "GET", f"{ACCOUNTS}/{DBT}/keys").get("keys", [])
    return {key["name"].rpartition("/")[2] for key in found}


def key_in_block(project: Checkout) -> dict[str, Any]:
    documents = servers.prefect(project, "/block_documents/filter", {"include_secrets": True})
    (data,) = [found["data"] for found in documents if found["name"] == "gcp-credentials-local"]
    key: dict[str, Any] = data["service_account_info"]
    return key


def token_of(key: dict[str, Any]) -> None:
    """Sign in with a key, as dbt does."""
    service_account.Credentials.from_service_account_info(
        key, scopes=["https://www.googleapis.com/auth/bigquery"]
    ).refresh(Request())


def test_no_flow_fails_while_keys_rotate(ready: Checkout) -> None:
    old = key_in_block(ready)
    with keyless.slow(ready, KEY_DELAY, 6), Flows(ready) as flows:
        for rotation in ("2026-Q4", "2027-Q1"):
            ok(ready.pulumi("config", "set", "projet-m2-bi:keyRotation", rotation))
            told = ok(ready.pulumi("up", "--yes", "--skip-preview"))
            assert f"waiting for the new key of {DBT}" in told
            # It is good from the moment at which the block holds it.
            token_of(key_in_block(ready))
    assert flows.codes, "no flow ended"
    assert set(flows.codes) == {0}, flows.output
    new = key_in_block(ready)
    assert keys(ready) == {new["private_key_id"]} != {old["private_key_id"]}
    token_of(new)
    with pytest.raises(RefreshError, match="invalid_grant"):
        token_of(old)
    ok(ready.pulumi("preview", "--expect-no-changes"))


class Removed:
    """Takes a grant of dbt's away, as somebody by hand would, and gives it back in the end."""

    def __init__(self, project: Checkout, role: str, dataset: str | None = None) -> None:
        self.project, self.role, self.dataset = project, role, dataset
        self.before: Any = None

    def __enter__(self) -> None:
        if self.dataset:
            self.before = keyless.google(self.project, "GET", self.dataset)["access"]
            kept = [entry for entry in self.before if entry.get("userByEmail") != DBT]
            assert len(kept) == len(self.before) - 1
            keyless.google(self.project, "PATCH", self.dataset, {"access": kept})
        else:
            self.before = keyless.google(self.project, "POST", f"{POLICY}:getIamPolicy")["bindings"]
            kept = [binding for binding in self.before if binding["role"] != self.role]
            assert len(kept) == len(self.before) - 1
            keyless.google(self.project, "POST", f"{POLICY}:setIamPolicy", {"policy": {"bindings": kept}})

    def __exit__(self, *_: object) -> None:
        if self.dataset:
            keyless.google(self.project, "PATCH", self.dataset, {"access": self.before})
        else:
            body = {"policy": {"bindings": self.before}}
            keyless.google(self.project, "POST", f"{POLICY}:setIamPolicy", body)


@pytest.mark.parametrize(
    ("role", "dataset"),
    [
        ("roles/bigquery.jobUser", None),
        ("roles/bigquery.dataEditor", TARGET),
        ("roles/bigquery.dataViewer", RAW),
    ],
)
def test_each_grant_is_needed_and_named(ready: Checkout, role: str, dataset: str | None) -> None:
    with Removed(ready, role, dataset):
        done = keyless.flow(ready, {})
    assert done.returncode != 0
    assert role in done.stdout + done.stderr, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_what_costs_is_marked_and_limited(ready: Checkout) -> None:
    keyless.configure(ready, "maximumBytesBilled=1", "tableExpirationDays=30")
    for dataset, days in ((TARGET, 30), (RAW, None)):
        found = servers.google(ready, dataset)
        labels = found["labels"]
        assert (labels["environment"], labels["managed-by"]) == ("local", "pulumi"), dataset
        lasts = found.get("defaultTableExpirationMs")
        assert lasts == (days and str(days * 24 * 60 * 60 * 1000)), dataset
    done = keyless.flow(ready, {})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Query exceeded limit for bytes billed: 1. 10485760 or higher required." in done.stdout
    for name in ("maximumBytesBilled", "tableExpirationDays"):
        ok(ready.pulumi("config", "rm", f"projet-m2-bi:{name}"))


def test_a_protected_environment_stays_whole(ready: Checkout) -> None:
    ok(ready.pulumi("config", "set", "deleteContentsOnDestroy", "false"))
    ok(ready.pulumi("up", "--yes", "--skip-preview"))
    before = servers.block_names(ready)

    def refused(*options: str) -> str:
        done = ready.pulumi("destroy", "--yes", *options)
        assert done.returncode != 0, done.stdout
        assert servers.block_names(ready) == before
        assert servers.datasets(ready) == {"demo_flights_local", "demo_flights_local_raw"}
        assert DBT in servers.service_accounts(ready)
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    for options in ((), ("--skip-preview",)):
        told = refused(*options)
        assert "see-stack-output-takeAway" in told
    # Even after the engine's own advice, which would take away all but the datasets, and those too if empty.
    ok(ready.pulumi("state", "unprotect", "--all", "--yes"))
    allow = "pulumi config set deleteContentsOnDestroy true -s local"
    assert "nothing of local is taken away, because its tables would be lost" in (told := refused())
    assert f"`{allow} && pulumi up -s local && pulumi destroy -s local`" in told
    # The stack's own output tells the way out, and it works.
    commands = ok(ready.pulumi("stack", "output", "takeAway")).strip().split(" && ")
    for command in commands:
        words = command.removesuffix(" -s local").split()[1:]
        more = [] if words[0] == "config" else ["--yes", "--skip-preview"]
        ok(ready.pulumi(*words, *more))
    assert servers.datasets(ready) == set()
