"""The whole program under Pulumi's mocks: what it declares for some settings, without an engine."""

from __future__ import annotations

import base64
import json
import runpy
from typing import Any
from unittest.mock import patch

import pulumi

from infra.settings import Settings, project
from local.paths import PROJECT

SECRET = "4dabf18193072939515e22adb298388d"
KEY = {"type": "service_account", "client_email": "dbt-dev@demo-flights.iam.gserviceaccount.com"}
# Who runs Pulumi.
CALLER = "user:grace@example.com"
CODE = "/srv/flights"
GOOD: dict[str, Any] = {"environment": "dev", "project": "demo-flights"}


class Recorder(pulumi.runtime.Mocks):
    """Answers as the service would and remembers what was asked for."""

    def __init__(self) -> None:
        self.made: list[pulumi.runtime.MockResourceArgs] = []
        self.outputs: dict[str, Any] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.made.append(args)
        outputs = dict(args.inputs)
        if args.typ == "gcp:serviceaccount/account:Account":
            outputs["email"] = f"{args.inputs['accountId']}@demo-flights.iam.gserviceaccount.com"
            outputs["uniqueId"] = "1234"
            outputs["name"] = f"projects/demo-flights/serviceAccounts/{outputs['email']}"
        if args.typ == "gcp:serviceaccount/key:Key":
            outputs["privateKey"] = base64.b64encode(json.dumps(KEY).encode()).decode()
            # An old key: a new one would be tried.
            outputs["validAfter"] = "2020-01-01T00:00:00Z"
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        if args.token.endswith(":getClientOpenIdUserInfo"):
            return {"email": CALLER.partition(":")[2]}, []
        return {}, []

    def inputs(self, token: str) -> list[dict[str, Any]]:
        return [args.inputs for args in self.made if args.typ == token]

    def named(self, name: str) -> dict[str, Any]:
        [found] = [args.inputs for args in self.made if args.name == name and args.typ[:4] != "dbt:"]
        return dict(found)

    def data(self, block: str) -> dict[str, Any]:
        """What a block holds; it is secret where the schema leaves room for anything."""
        data: dict[str, Any] = self.named(block)["data"]
        return dict(data["value"]) if SECRET in data else data

    def grants(self) -> set[tuple[str, str, str]]:
        """Role and member on each dataset, the member without its kind."""
        found = self.inputs("gcp:bigquery/datasetIamMember:DatasetIamMember")
        return {
            (f"{one.get('project', 'demo-flights')}.{one['datasetId']}", one["role"], one["member"])
            for one in found
        }


def settings(**values: Any) -> Settings:
    """The settings `dev` has with these, by the names they have in the file."""
    return Settings.model_validate(GOOD | with_code(values))


def with_code(values: dict[str, Any]) -> dict[str, Any]:
    """The settings with what says where the project is, unless a container holds it."""
    return values if {"workPoolType", "codeRepository"} & values.keys() else {"codePath": CODE} | values


def declared(google: Any = None, **values: Any) -> Recorder:
    """Run `__main__.py` for the stack `dev`. Needs an event loop (`event_loops`)."""
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project=project.namespace(), stack="dev", preview=False)
    config = {f"gcp:{name}": value for name, value in ({"project": "demo-flights"} | (google or {})).items()}
    config["prefect:apiUrl"] = "http://127.0.0.1:1/api"
    for name, value in with_code(values).items():
        text = value if isinstance(value, str) else json.dumps(value)
        config[f"{project.namespace()}:{name}"] = text
    pulumi.runtime.set_all_config(config)

    def run() -> None:
        runpy.run_path(str(PROJECT / "__main__.py"))

    try:
        with patch("pulumi.export", recorder.outputs.__setitem__):
            pulumi.runtime.test(run)()  # type: ignore[no-untyped-call]
    finally:
        pulumi.runtime.set_all_config({})
    return recorder
