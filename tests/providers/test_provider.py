"""The pickle that lies in people's states, and what Pulumi's side makes of it."""

# ruff: noqa: E501  a pickle is as long as it is

from __future__ import annotations

import base64
import pickle
import subprocess
import sys

import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown

from providers.engine.provider import PrefectProvider, _plain
from providers.values import UNKNOWN

# What a state holds, as earlier versions wrote it: pickle protocol 4 up to Python 3.13, 5 from 3.14 on.
# They must load for ever. Never change these texts: change the code so that they load.
WRITTEN = {
    (4, "block"): "gASVMgAAAAAAAACMEnByb3ZpZGVycy5wcm92aWRlcpSMFFByZWZlY3RCbG9ja1Byb3ZpZGVylJOUKVKULg==",
    (5, "block"): "gAWVMgAAAAAAAACMEnByb3ZpZGVycy5wcm92aWRlcpSMFFByZWZlY3RCbG9ja1Byb3ZpZGVylJOUKVKULg==",
    (
        4,
        "work-pool",
    ): "gASVSAAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjAl3b3JrLXBvb2yUhZRSlC4=",
    (
        4,
        "deployment",
    ): "gASVSQAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjApkZXBsb3ltZW50lIWUUpQu",
    (
        4,
        "variable",
    ): "gASVRwAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjAh2YXJpYWJsZZSFlFKULg==",
    (
        4,
        "automation",
    ): "gASVSQAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjAphdXRvbWF0aW9ulIWUUpQu",
    (
        4,
        "existing-block",
    ): "gASVTQAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjA5leGlzdGluZy1ibG9ja5SFlFKULg==",
    (
        4,
        "global-concurrency-limit",
    ): "gASVVwAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjBhnbG9iYWwtY29uY3VycmVuY3ktbGltaXSUhZRSlC4=",
    (
        5,
        "work-pool",
    ): "gAWVSAAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjAl3b3JrLXBvb2yUhZRSlC4=",
    (
        5,
        "deployment",
    ): "gAWVSQAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjApkZXBsb3ltZW50lIWUUpQu",
    (
        5,
        "variable",
    ): "gAWVRwAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjAh2YXJpYWJsZZSFlFKULg==",
    (
        5,
        "automation",
    ): "gAWVSQAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjAphdXRvbWF0aW9ulIWUUpQu",
    (
        5,
        "existing-block",
    ): "gAWVTQAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjA5leGlzdGluZy1ibG9ja5SFlFKULg==",
    (
        5,
        "global-concurrency-limit",
    ): "gAWVVwAAAAAAAACMGnByb3ZpZGVycy5vYmplY3RzLnByb3ZpZGVylIwVUHJlZmVjdE9iamVjdFByb3ZpZGVylJOUjBhnbG9iYWwtY29uY3VycmVuY3ktbGltaXSUhZRSlC4=",
}


@pytest.mark.parametrize("written", WRITTEN)
def test_old_pickles_load_and_are_written_as_their_class_and_kind(written: tuple[int, str]) -> None:
    protocol, kind = written
    loaded = pickle.loads(base64.b64decode(WRITTEN[written]))
    assert isinstance(loaded, PrefectProvider)
    vars(loaded)["_lifecycle"] = object()
    again = pickle.loads(pickle.dumps(loaded, protocol=protocol))
    assert (type(again), vars(again)) == (PrefectProvider, {"_kind": kind})


def test_pulumi_pickles_it_the_same_whether_it_has_been_used_or_not() -> None:
    provider = PrefectProvider("block")
    written = serialize_provider(provider)
    assert vars(pickle.loads(base64.b64decode(written))) == {"_kind": "block"}
    vars(provider)["_lifecycle"] = object()
    assert serialize_provider(provider) == written


def test_properties_lose_the_pickle_and_keep_unknowns_and_integers() -> None:
    unknown = Unknown()  # type: ignore[no-untyped-call]
    props = {"__provider": "x", "data": {"threads": 4.0, "half": 0.5, "list": [unknown, True, 1e300]}}
    assert _plain(props) == {"data": {"threads": 4, "half": 0.5, "list": [UNKNOWN, True, 1e300]}}


@pytest.mark.parametrize("module", ["providers", "providers.engine.provider", "providers.engine.connection"])
def test_a_run_that_changes_nothing_loads_neither_prefect_nor_http(module: str) -> None:
    loaded = (
        f"import sys, {module}; print([m for m in ('prefect', 'httpx', 'jsonschema') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
