"""What others do to the blocks: refresh sees all of it, and `up` repairs just that."""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.providers import programs
from tests.providers.engine import PROJECT, Operations, Stack
from tests.providers.prefect_server import PrefectServer
from tests.providers.test_provider import WRITTEN
from tests.pulumi_stack import QUICK_PIP

pytestmark = pytest.mark.real

Blocks = dict[str, dict[str, Any]]


def data(prefect: PrefectServer, one: dict[str, Any]) -> None:
    prefect.patch(one["id"], {"threads": 99})


def more_data(prefect: PrefectServer, one: dict[str, Any]) -> None:
    prefect.patch(one["id"], {"allow_field_overrides": True})


def secret(prefect: PrefectServer, one: dict[str, Any]) -> None:
    prefect.patch(one["id"], {"service_account_info": {"private_key": "theirs-marker"}})


def reference(prefect: PrefectServer, one: dict[str, Any]) -> None:
    plain = {"schema": "ds", "threads": 4, "project": "p", "type": "bigquery", "extras": {"location": "EU"}}
    prefect.patch(one["id"], plain, merge_existing_data=False)


def deleted(prefect: PrefectServer, one: dict[str, Any]) -> None:
    prefect.call("DELETE", f"/block_documents/{one['id']}")


def schema(prefect: PrefectServer, one: dict[str, Any]) -> None:
    kind = one["block_type"]
    fields = {"title": "Newer", "type": "object", "properties": {"project": {"type": "string"}}}
    body = {"fields": fields, "block_type_id": kind["id"], "capabilities": [], "version": "99"}
    newer = prefect.call("POST", "/block_schemas/", json=body)
    prefect.patch(one["id"], {}, block_schema_id=newer["id"])


# By the case's name: what is done, to which block, and what a refresh and then an up count.
DRIFT = {
    "data": (data, "bigquery-target-configs", {"update": 1, "same": 2}, {"update": 1, "same": 2}),
    "more": (more_data, "bigquery-target-configs", {"update": 1, "same": 2}, {"update": 1, "same": 2}),
    "secret": (secret, "gcp-credentials", {"update": 1, "same": 2}, {"update": 1, "same": 2}),
    "reference": (reference, "bigquery-target-configs", {"update": 1, "same": 2}, {"update": 1, "same": 2}),
    "schema": (schema, "gcp-credentials", {"update": 1, "same": 2}, {"update": 1, "same": 2}),
    "profile": (deleted, "dbt-cli-profile", {"delete": 1, "same": 2}, {"create": 1, "same": 2}),
    # Prefect drops the reference to a block with the block, so two have drifted.
    "credentials": (
        deleted,
        "gcp-credentials",
        {"delete": 1, "update": 1, "same": 1},
        {"create": 1, "update": 1, "same": 1},
    ),
}
AT_ONCE = "at-once"
# Of an older state, by the case's name.
PROTOCOLS = {"four": 4, "five": 5}


def content(blocks: Blocks) -> dict[str, Any]:
    """What must be the same after a repair: all but ids and dates."""
    return {name: (one["data"], one["block_schema"]["checksum"]) for name, one in blocks.items()}


@pytest.fixture(scope="module")
def names() -> str:
    """What the names of all blocks of `chains` begin with."""
    return f"t{uuid.uuid4().hex[:8]}-"


@pytest.fixture(scope="module")
def chains(
    tmp_path_factory: pytest.TempPathFactory, prefect: PrefectServer, pulumi_bin: Path, names: str
) -> Stack:
    """A stack that is up: a chain of three blocks for each case."""
    stack = Stack(tmp_path_factory.mktemp("chains"), prefect.url, pulumi_bin)
    stack.config("prefix", names)
    stack.program(programs.chains([*DRIFT, AT_ONCE]))
    stack.up()
    return stack


@dataclass(frozen=True)
class Repaired:
    """Each command does its part for every case."""

    before: Blocks
    refresh: Operations
    state: str
    up: Operations
    after: Blocks
    preview: Operations


@pytest.fixture(scope="module")
def repaired(chains: Stack, prefect: PrefectServer, names: str) -> Repaired:
    before = prefect.documents(names)
    for case, (change, name, *_) in DRIFT.items():
        change(prefect, before[f"{names}{case}-{name}"])
    refresh = chains.operations("refresh", "--yes", "--skip-preview")
    state = chains.state()
    up = chains.operations("up", "--yes", "--skip-preview")
    after = prefect.documents(names)
    return Repaired(before, refresh, state, up, after, chains.operations("preview"))


@pytest.mark.parametrize("case", DRIFT)
def test_drift_is_seen_and_repaired(repaired: Repaired, names: str, case: str) -> None:
    *_, seen, up = DRIFT[case]
    assert repaired.refresh.of(f"{case}-") == seen
    assert "theirs-marker" not in repaired.state
    assert repaired.up.of(f"{case}-") == up
    before, after = (content(of(found, f"{names}{case}-")) for found in (repaired.before, repaired.after))
    assert len(before) == 3
    assert after == before
    assert repaired.preview.of(f"{case}-") == {"same": 3}


def test_up_with_refresh_does_both_at_once(chains: Stack, prefect: PrefectServer, names: str) -> None:
    name = f"{names}{AT_ONCE}-"
    before = prefect.documents(name)
    secret(prefect, before[f"{name}gcp-credentials"])
    data(prefect, before[f"{name}bigquery-target-configs"])
    chains.up("--refresh")
    assert content(prefect.documents(name)) == content(before)


def test_code_that_moved_or_was_reformatted_changes_nothing(
    chains: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(PROJECT / "providers", elsewhere / "providers")
    for source in elsewhere.rglob("*.py"):
        source.write_text("# reformatted\n\n" + source.read_text().replace("    ", "  "))
    monkeypatch.setitem(chains.environment, "PYTHONPATH", f"{elsewhere}:{QUICK_PIP}")
    assert chains.up("--expect-no-changes") == {"same": 3 * (len(DRIFT) + 1) + 1}


def test_without_drift_a_refresh_changes_nothing_of_a_type_that_only_the_server_knows(
    stack: Stack, prefix: str
) -> None:
    stack.config("prefix", prefix)
    stack.program(programs.HOOK.replace("data={", 'data={"notify_type": "info", '))
    stack.up()
    assert stack.refresh() == {"same": 2}
    stack.pulumi("preview", "--expect-no-changes")


def older(state: str) -> str:
    """The state as another Python pickled it, and before there were `schema`, `revisions` and `adopt`."""
    document = json.loads(state)
    for resource in document["checkpoint"]["latest"]["resources"]:
        if "dynamic/prefect" in resource["type"]:
            protocol = PROTOCOLS[resource["urn"].split("::")[-1].partition("-")[0]]
            for properties in (resource["inputs"], resource["outputs"]):
                properties["__provider"] = WRITTEN[protocol, "block"]
                for key in ("schema", "revisions", "adopt"):
                    del properties[key]
    return json.dumps(document)


def test_an_older_state_lives_on(stack: Stack, prefect: PrefectServer, prefix: str) -> None:
    stack.config("prefix", prefix)
    stack.program(programs.chains(PROTOCOLS))
    stack.up()
    before = stack.state()
    stack.write_state(older(before))
    previewed = stack.operations("preview")
    stack.refresh()
    stack.config("threads", "5")
    changed = stack.operations("up", "--yes", "--skip-preview")
    for case in PROTOCOLS:
        assert previewed.of(case) == {"same": 3}
        assert changed.of(case) == {"update": 1, "same": 2}
    stack.write_state(older(before))
    stack.destroy()
    assert prefect.documents(prefix) == {}


def of(blocks: Blocks, name: str) -> Blocks:
    """Those whose names begin so."""
    return {key: one for key, one in blocks.items() if key.startswith(name)}
