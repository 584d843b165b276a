"""The pickle that lies in people's states."""

# ruff: noqa: E501  a pickle is as long as it is

from __future__ import annotations

import base64
import pickle

import pytest
from pulumi.dynamic.dynamic import serialize_provider

from providers.engine.provider import PrefectProvider
from providers.kinds.registry import KINDS

# What a state holds, as the first version wrote it. They must load for ever: change the code, never these.
WRITTEN = {
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
def test_old_pickles_load_and_capture_nothing_else(written: tuple[int, str]) -> None:
    protocol, kind = written
    loaded = pickle.loads(base64.b64decode(WRITTEN[written]))
    assert isinstance(loaded, PrefectProvider)
    assert loaded._kind == kind
    fresh = pickle.dumps(loaded, protocol=protocol)
    vars(loaded)["_lifecycle"] = object()
    assert pickle.dumps(loaded, protocol=protocol) == fresh


def test_every_kind_has_a_pickle_and_pulumi_writes_it() -> None:
    assert {kind for _, kind in WRITTEN} == set(KINDS)
    for kind in KINDS:
        written = serialize_provider(PrefectProvider(kind))
        assert vars(pickle.loads(base64.b64decode(written))) == {"_kind": kind}
