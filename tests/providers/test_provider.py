"""The pickle that lies in people's states, and what Pulumi's side makes of it."""

from __future__ import annotations

import base64
import pickle
import subprocess
import sys

import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown

from providers.engine.block_provider import PrefectBlockProvider, _plain
from providers.values import UNKNOWN

# What a state holds, as the first version wrote it: pickle protocol 4 up to Python 3.13, 5 from 3.14 on.
# They must load for ever. Never change these texts: change the code so that they load.
WRITTEN = {
    4: "gASVMgAAAAAAAACMEnByb3ZpZGVycy5wcm92aWRlcpSMFFByZWZlY3RCbG9ja1Byb3ZpZGVylJOUKVKULg==",
    5: "gAWVMgAAAAAAAACMEnByb3ZpZGVycy5wcm92aWRlcpSMFFByZWZlY3RCbG9ja1Byb3ZpZGVylJOUKVKULg==",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=lambda text: text[:3])
def test_old_pickles_load(text: str) -> None:
    assert isinstance(pickle.loads(base64.b64decode(text)), PrefectBlockProvider)


@pytest.mark.parametrize("protocol", WRITTEN)
def test_the_pickle_is_the_name_of_the_class_and_nothing_else(protocol: int) -> None:
    assert vars(pickle.loads(pickle.dumps(PrefectBlockProvider(), protocol=protocol))) == {}


def test_a_provider_that_has_been_used_pickles_the_same() -> None:
    provider = PrefectBlockProvider()
    vars(provider)["_lifecycle"] = object()
    assert serialize_provider(provider) == serialize_provider(PrefectBlockProvider())


def test_properties_lose_the_pickle_and_keep_unknowns_and_integers() -> None:
    unknown = Unknown()  # type: ignore[no-untyped-call]
    props = {"__provider": "x", "data": {"threads": 4.0, "half": 0.5, "list": [unknown, True, 1e300]}}
    assert _plain(props) == {"data": {"threads": 4, "half": 0.5, "list": [UNKNOWN, True, 1e300]}}


@pytest.mark.parametrize(
    "module", ["providers", "providers.engine.block_provider", "providers.engine.connection"]
)
def test_a_run_that_changes_nothing_loads_neither_prefect_nor_http(module: str) -> None:
    loaded = (
        f"import sys, {module}; print([m for m in ('prefect', 'httpx', 'jsonschema') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
