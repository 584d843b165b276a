"""A state that an earlier version wrote: each of its pickles still works, on a real Prefect server."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from pulumi.dynamic import Config, ConfigureRequest, ResourceProvider

from providers.engine import connection
from providers.values import SIGNATURE
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real
#: The resources of a whole environment, secrets and paths replaced. Never write it anew.
STATE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "state_of_f92247e.json").read_text(encoding="utf-8")
)
PREFECTS = [one for one in STATE if "/prefect:" in one["type"]]


def command(pickled: str, prefect: PrefectServer) -> ResourceProvider:
    """Each command of Pulumi has a provider process of its own, which knows of no other's objects."""
    connection._LIFECYCLES.clear()
    loaded: ResourceProvider = pickle.loads(base64.b64decode(pickled))
    loaded.configure(ConfigureRequest(Config({"prefect:apiUrl": prefect.url}, "projet-m2-bi")))
    return loaded


def opened(value: Any) -> Any:
    """What the engine hands on of a value: a secret without its wrapping."""
    if isinstance(value, dict):
        return opened(value["value"]) if SIGNATURE in value else {k: opened(v) for k, v in value.items()}
    return value


def test_every_resource_of_an_old_state_goes_through_its_whole_life(
    prefect: PrefectServer, prefix: str
) -> None:
    ids: dict[str, str] = {}
    made = []
    for one in PREFECTS:
        # Names and ids are this server's; all else is the state's.
        text = json.dumps(one["properties"]).replace("-local", f"-{prefix}local")
        for old, new in ids.items():
            text = text.replace(old, new)
        props = json.loads(text)
        works = command(props["__provider"], prefect)
        created = works.create(opened(works.check({}, props).inputs))
        ids[one["id"]] = created.id
        made.append((created.id, props))
    for object_id, props in made:
        works = command(props["__provider"], prefect)
        checked = works.check(props, props)
        assert checked.failures == []
        assert not works.diff(object_id, props, opened(checked.inputs)).changes
        there = works.read(object_id, props)
        assert there.id == object_id
        assert not works.diff(object_id, opened(there.outs), opened(checked.inputs)).changes
        works.update(object_id, props, opened(checked.inputs))
    for object_id, props in reversed(made):
        gone = command(props["__provider"], prefect)
        gone.delete(object_id, props)
        assert gone.read(object_id, props).id == ""
