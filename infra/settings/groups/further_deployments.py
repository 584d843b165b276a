"""Deployments beside the environment's own, each with schedules and a selection."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from infra.settings.values import AS_WRITTEN, FromJson
from providers.checks.cron import cron_problems
from providers.checks.inputs import time_zone_problems

PARAMETERS = Path(__file__).parents[2] / "parameters.json"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def _first(problems: list[str]) -> None:
    if problems:
        raise ValueError(problems[0].partition(": ")[2])


def _check_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no end of a name: small letters, digits and inner dashes, 40 at most")
    return value


def _check_cron(value: str) -> str:
    _first(cron_problems("cron", value))
    return value


def _check_time_zone(value: str) -> str:
    _first(time_zone_problems("timeZone", value))
    return value


def _check_parameters(values: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(PARAMETERS.read_text(encoding="utf-8"))["properties"]
    for name in values:
        if name == "target":
            raise ValueError("the target is the stack's own: a deployment of another belongs to its stack")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known))}"
            raise ValueError(f"the flow has no parameter {name!r}; {hint}")
    return values


class _Part(BaseModel):
    model_config = AS_WRITTEN


Parameters = Annotated[dict[str, Any], AfterValidator(_check_parameters)]


class Schedule(_Part):
    """When a deployment runs, and with which parameters of the flow beside the deployment's own."""

    cron: Annotated[str, AfterValidator(_check_cron)]
    time_zone: Annotated[str, AfterValidator(_check_time_zone)] = "UTC"
    parameters: Parameters = {}


class FurtherDeployment(_Part):
    """A deployment `dbt-<env>-<name>`."""

    name: Annotated[str, AfterValidator(_check_name)]
    select: str | None = None
    exclude: str | None = None
    parameters: Parameters = {}
    schedules: Annotated[list[Schedule], Field(max_length=50)] = []

    @property
    def of_the_flow(self) -> dict[str, Any]:
        """Return what the flow is told, without its target."""
        chosen = {"select": self.select, "exclude": self.exclude}
        return {**{name: text for name, text in chosen.items() if text}, **self.parameters}


def _check(deployments: list[FurtherDeployment]) -> list[FurtherDeployment]:
    names = [one.name for one in deployments]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two deployments have the name {twice[0]!r}")
    return deployments


FurtherDeployments = Annotated[list[FurtherDeployment], FromJson, AfterValidator(_check)]
