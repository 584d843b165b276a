"""What others do to the blocks: refresh sees all of it, and `up` repairs just that."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.providers import programs
from tests.providers.engine import PROJECT, Stack
from tests.providers.prefect_server import PrefectServer
from tests.providers.test_provider import WRITTEN

pytestmark = pytest.mark.real

Blocks = dict[str, dict[str, Any]]


@pytest.fixture
def chain(stack: Stack, prefix: str) -> Stack:
    """A stack of three blocks that is up."""
    stack.config("prefix", prefix)
    stack.program(programs.CHAIN)
    stack.up()
    return stack


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


# What is done, to which block, and what a refresh and then an up count.
DRIFT = [
    (data, "bigquery-target-configs", {"update": 1, "same": 3}, {"update": 1, "same": 3}),
    (more_data, "bigquery-target-configs", {"update": 1, "same": 3}, {"update": 1, "same": 3}),
    (secret, "gcp-credentials", {"update": 1, "same": 3}, {"update": 1, "same": 3}),
    (reference, "bigquery-target-configs", {"update": 1, "same": 3}, {"update": 1, "same": 3}),
    (schema, "gcp-credentials", {"update": 1, "same": 3}, {"update": 1, "same": 3}),
    (deleted, "dbt-cli-profile", {"delete": 1, "same": 3}, {"create": 1, "same": 3}),
    # Prefect drops the reference to a block with the block, so two have drifted.
    (
        deleted,
        "gcp-credentials",
        {"delete": 1, "update": 1, "same": 2},
        {"create": 1, "update": 1, "same": 2},
    ),
]


def content(blocks: Blocks) -> dict[str, Any]:
    """What must be the same after a repair: all but ids and dates."""
    return {name: (one["data"], one["block_schema"]["checksum"]) for name, one in blocks.items()}


@pytest.mark.parametrize(
    ("change", "name", "seen", "repaired"), DRIFT, ids=lambda value: getattr(value, "__name__", None)
)
def test_drift_is_seen_and_repaired(
    chain: Stack,
    prefect: PrefectServer,
    prefix: str,
    change: Callable[[PrefectServer, dict[str, Any]], None],
    name: str,
    seen: dict[str, int],
    repaired: dict[str, int],
) -> None:
    before = prefect.documents(prefix)
    change(prefect, before[prefix + name])
    assert chain.refresh() == seen
    assert "theirs-marker" not in chain.state()
    assert chain.up() == repaired
    assert content(prefect.documents(prefix)) == content(before)
    chain.pulumi("preview", "--expect-no-changes")


def test_up_with_refresh_does_both_at_once(chain: Stack, prefect: PrefectServer, prefix: str) -> None:
    before = prefect.documents(prefix)
    secret(prefect, before[f"{prefix}gcp-credentials"])
    data(prefect, before[f"{prefix}bigquery-target-configs"])
    chain.up("--refresh")
    assert content(prefect.documents(prefix)) == content(before)


def test_without_drift_a_refresh_changes_nothing_of_a_type_that_only_the_server_knows(
    stack: Stack, prefix: str
) -> None:
    stack.config("prefix", prefix)
    stack.program(programs.HOOK.replace("data={", 'data={"notify_type": "info", '))
    stack.up()
    assert stack.refresh() == {"same": 2}
    stack.pulumi("preview", "--expect-no-changes")


def older(state: str, pickled: str) -> str:
    """The state as another Python pickled it, and before there were `schema`, `revisions` and `adopt`."""
    document = json.loads(state)
    for resource in document["checkpoint"]["latest"]["resources"]:
        if "dynamic/prefect" in resource["type"]:
            for properties in (resource["inputs"], resource["outputs"]):
                properties["__provider"] = pickled
                for key in ("schema", "revisions", "adopt"):
                    del properties[key]
    return json.dumps(document)


@pytest.mark.parametrize("protocol", [4, 5])
def test_an_older_state_lives_on(chain: Stack, prefect: PrefectServer, prefix: str, protocol: int) -> None:
    before = chain.state()
    chain.write_state(older(before, WRITTEN[protocol, "block"]))
    chain.pulumi("preview", "--expect-no-changes")
    chain.refresh()
    chain.config("threads", "5")
    assert chain.up()["update"] == 1
    chain.write_state(older(before, WRITTEN[protocol, "block"]))
    chain.destroy()
    assert prefect.documents(prefix) == {}


def test_code_that_moved_or_was_reformatted_changes_nothing(chain: Stack, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(PROJECT / "providers", elsewhere / "providers")
    for source in elsewhere.rglob("*.py"):
        source.write_text("# reformatted\n\n" + source.read_text().replace("    ", "  "))
    chain.environment["PYTHONPATH"] = f"{elsewhere}:{chain.root / 'shim'}"
    chain.pulumi("preview", "--expect-no-changes")
    assert chain.up() == {"same": 4}
