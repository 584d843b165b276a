"""Block types that a program declares, and blocks of them: before a real server, and the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers.api.errors import RejectedError
from providers.api.http import Requests
from providers.api.server import Server
from providers.engine.lifecycle import Lifecycle
from providers.kinds.block_type import BlockTypes
from tests.providers.engine import Stack
from tests.providers.prefect_server import PrefectServer

FIELDS: dict[str, Any] = {
    "properties": {"url": {"type": "string"}, "token": {"type": "string", "format": "password"}},
    "title": "A house",
    "required": ["url"],
    "secret_fields": ["token"],
}
OWNER = {"owner": "p/s#1"}


@pytest.fixture(scope="module")
def http(prefect: PrefectServer) -> Iterator[Requests]:
    requests = Requests(Server(prefect.url))
    yield requests
    requests.close()


def given(prefix: str, **inputs: Any) -> dict[str, Any]:
    return {"slug": f"{prefix}house", "name": f"{prefix}House", "fields": FIELDS, **OWNER, **inputs}


@pytest.mark.real
def test_a_type(prefect: PrefectServer, http: Requests, prefix: str) -> None:
    types = Lifecycle(BlockTypes(), lambda: http)
    checked = types.check({}, given(prefix, description="A <house> & more", capabilities=["notify"]))
    assert checked.problems == []
    made, outputs = types.create(checked.inputs)
    (schema,) = prefect.schemas(f"{prefix}house")
    assert outputs["schema"] == {"checksum": schema["checksum"], "version": "1"}
    assert (schema["fields"]["secret_fields"], schema["fields"]["title"]) == (["token"], "A house")
    assert schema["capabilities"] == ["notify"]
    assert types.read(made, outputs) == outputs
    types = Lifecycle(BlockTypes(), lambda: http)
    news = types.check(outputs, given(prefix, description="A <house> & more", capabilities=["notify"])).inputs
    assert not types.diff(made, outputs, news).changes
    # Other fields are a further schema; the first ones again are the first again.
    other = {"properties": {"url": {"type": "string"}}}
    changed = types.update(made, outputs, news | {"fields": other})
    assert len(prefect.schemas(f"{prefix}house")) == 2
    assert changed["schema"] != outputs["schema"]
    back = types.update(made, changed, news)
    assert back["schema"] == outputs["schema"]
    assert types.read(made, back) == back
    # So is what Prefect's checksum leaves out: which fields are secret, and what the blocks can do.
    url = {**FIELDS, "secret_fields": ["token", "url"]}
    hides = types.update(made, back, news | {"fields": url})
    assert hides["schema"] != back["schema"]
    does = types.update(made, hides, news | {"fields": url, "capabilities": ["notify", "read"]})
    told = {one["checksum"]: one for one in prefect.schemas(f"{prefix}house")}
    assert told[hides["schema"]["checksum"]]["fields"]["secret_fields"] == ["token", "url"]
    assert told[does["schema"]["checksum"]]["capabilities"] == ["notify", "read"]
    back = types.update(made, does, news)
    assert back["schema"] == outputs["schema"]
    # What people change in Prefect is drift: a text, and a schema that is gone.
    prefect.call("PATCH", f"/block_types/{made}", json={"description": "theirs"})
    assert (types.read(made, back) or {})["description"] == "theirs"
    prefect.call("DELETE", f"/block_schemas/{schema['id']}")
    drifted = types.read(made, back)
    assert drifted is not None
    assert types.diff(made, drifted, news).changes
    types.update(made, drifted, news)
    assert types.read(made, back) == back
    Lifecycle(BlockTypes(), lambda: http).delete(made, back)
    assert types.read(made, back) is None


@pytest.mark.real
def test_a_schema_that_prefect_declines_leaves_no_type_behind(http: Requests, prefix: str) -> None:
    types = Lifecycle(BlockTypes(), lambda: http)
    again = Lifecycle(BlockTypes(), lambda: http)
    nested = {
        **FIELDS,
        "block_schema_references": {"url": {"block_type_slug": "none", "block_schema_checksum": "x"}},
    }
    with pytest.raises(RejectedError):
        types.create(types.check({}, given(prefix, fields=nested)).inputs)
    assert again.create(again.check({}, given(prefix)).inputs)


@pytest.mark.real
def test_a_type_and_its_blocks_change_in_one_up(stack: Stack, prefect: PrefectServer, prefix: str) -> None:
    def program(fields: str, data: str) -> None:
        stack.program(f'''
house = BlockType("house", slug="{prefix}house", name="{prefix}House", fields={{"properties": {fields}}})
PrefectBlock("mine", block_type=house, block_name="{prefix}mine", data={data})
''')

    program('{"url": {"type": "string"}}', '{"url": "https://x"}')
    stack.pulumi("preview")
    assert stack.up() == {"create": 3}
    stack.pulumi("preview", "--refresh", "--expect-no-changes")
    program('{"port": {"type": "integer"}}', '{"port": 5}')
    assert "2 to update" in stack.pulumi("preview")
    assert stack.up() == {"same": 1, "update": 2}
    assert prefect.documents(prefix)[f"{prefix}mine"]["data"] == {"port": 5}
    # A slip is told by the program's own schema.
    program('{"port": {"type": "integer"}}', '{"prt": 5}')
    assert "has no such field; did you mean 'port'?" in stack.fails("preview")
    assert stack.destroy() == {"delete": 3}
    assert prefect.documents(prefix) == {}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"slug": "My House"}, "slug: 'My House' may only have lowercase letters"),
        ({"fields": {"type": "array"}}, "fields: a JSON Schema of an object"),
        ({"fields": {}}, "fields: a JSON Schema of an object"),
        ({"fields": {**FIELDS, "required": ["host"]}}, "fields: 'host' is required or secret, but not among"),
        ({"fields": {**FIELDS, "secret_fields": ["key.id"]}}, "fields: 'key' is required or secret"),
        ({"fields": {**FIELDS, "block_type_slug": "x"}}, "fields.block_type_slug: 'x' is another type's"),
    ],
)
def test_what_no_type_is(inputs: dict[str, Any], said: str) -> None:
    (problem,) = BlockTypes().problems({**given(""), **inputs})
    assert problem.startswith(said)
