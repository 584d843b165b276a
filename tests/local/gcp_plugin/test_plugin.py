"""The executable, and errors on their way to the engine."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto import provider_pb2

from local.gcp_plugin import VERSION
from local.gcp_plugin.errors import PluginError
from local.gcp_plugin.install import NAME, write_plugin
from local.gcp_plugin.kinds import KINDS
from local.gcp_plugin.provider import GcpProvider
from local.gcp_plugin.server import ReadableServicer, message_of
from local.gcp_plugin.values import to_plain, to_property_values
from local.paths import PROJECT as ROOT


class Aborted(Exception):  # noqa: N818
    """What a real context raises."""


class Context:
    """As much of a gRPC context as is used."""

    async def abort(self, code: Any, details: str) -> None:
        raise Aborted(f"{code.name}: {details}")


def call(method: str, request: Any) -> Any:
    servicer = ReadableServicer([], VERSION, GcpProvider(), "")
    return asyncio.run(getattr(servicer, method)(request, Context()))


def test_shim_runs_a_project_whose_path_needs_quotes(tmp_path: Path) -> None:
    project = tmp_path / "bob's own $project"
    shutil.copytree(ROOT / "local" / "gcp_plugin", project / "local" / "gcp_plugin")
    shutil.copy(ROOT / "local" / "plain_http.py", project / "local")
    write = "from local.gcp_plugin.install import *; print(write_plugin(Path('plugin')))"
    env = os.environ | {"PYTHONPATH": str(project)}
    subprocess.run([sys.executable, "-c", write], cwd=tmp_path, env=env, check=True, timeout=300)
    assert starts(tmp_path / "plugin" / NAME, tmp_path)


def test_shim_starts_from_anywhere(tmp_path: Path) -> None:
    shim = write_plugin(tmp_path / "new" / "directory")
    assert shim.name == NAME
    assert starts(shim, tmp_path)


def starts(shim: Path, directory: Path) -> bool:
    """It prints the port it listens on."""
    with subprocess.Popen([shim, "127.0.0.1:1"], cwd=directory, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            return 0 < int(process.stdout.readline()) < 65536
        finally:
            process.terminate()


def test_unknown_type_says_what_is_served() -> None:
    request = provider_pb2.CheckRequest(urn="urn:pulumi:s::p::gcp:storage/bucket:Bucket::b")
    with pytest.raises(
        Aborted, match="UNKNOWN: the local gcp plugin does not serve gcp:storage/bucket:Bucket"
    ) as caught:
        call("Check", request)
    assert ".py" not in str(caught.value)


def test_function_says_that_it_is_not_served() -> None:
    with pytest.raises(Aborted, match="does not serve the function gcp:organizations/getProject"):
        call("Invoke", provider_pb2.InvokeRequest(tok="gcp:organizations/getProject:getProject"))


def test_bug_shows_its_place_but_no_values() -> None:
    empty: dict[str, str] = {}
    with pytest.raises(KeyError) as caught:
        empty["SECRET"]
    message = message_of(caught.value)
    assert message.startswith("bug in the local gcp plugin: KeyError in ")
    assert "SECRET" not in message
    assert message_of(PluginError("as it is")) == "as it is"


def test_configuration_problems_reach_the_engine() -> None:
    request = provider_pb2.CheckRequest(urn="urn:pulumi:s::p::pulumi:providers:gcp::default")
    request.news.update({"projct": "p"})
    (failure,) = call("CheckConfig", request).failures
    assert "Did you mean `gcp:project`?" in failure.reason


def test_values_survive_the_way_there_and_back() -> None:
    values = {"text": "a", "number": 3, "yes": True, "none": None, "list": [{"a": [1.5]}], "map": {"k": "v"}}
    assert to_plain(to_property_values(values, frozenset({"text", "none"}))) == values
    assert to_property_values(values, frozenset({"text"}))["text"] == PropertyValue("a", is_secret=True)
    assert not to_property_values(values, frozenset({"none"}))["none"].is_secret


def test_schema_has_every_kind() -> None:
    schema = json.loads(call("GetSchema", provider_pb2.GetSchemaRequest()).schema)
    assert schema["resources"].keys() == KINDS.keys()
    for token, resource in schema["resources"].items():
        assert set(resource["requiredInputs"]) <= set(resource["inputProperties"]), token
