"""What the settings say about when and where the pipeline runs, checked."""

from __future__ import annotations

import re

from pydantic import ValidationInfo

from infra.settings.mixes import without_effect
from providers.catalog.job_templates import WORKERS
from providers.checks.cron import cron_problems
from providers.checks.inputs import time_zone_problems

# https://cloud.google.com/run/docs/locations
REGION = re.compile(r"[a-z]+-[a-z]+\d+")
CONTAINERS = ("docker", "kubernetes", "cloud-run-v2")
BLOCK = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")


def check_schedule(value: str) -> str:
    """Return a cron line, or the empty text for no schedule; raise ValueError otherwise."""
    return _without(cron_problems("schedule", value) if value else [], value)


def check_time_zone(value: str, info: ValidationInfo) -> str:
    """Return the name of a time zone; raise ValueError otherwise, or where it is nothing's."""
    found = _without(time_zone_problems("timeZone", value), value)
    if value != "UTC":
        _need_a_schedule("timeZone", info)
    return found


def check_manage_schedule_state(value: bool, info: ValidationInfo) -> bool:
    """Return it; raise ValueError where there is no schedule to manage."""
    if value and not any(one.schedules for one in info.data.get("deployments", [])):
        _need_a_schedule("manageScheduleState", info)
    return value


def check_work_pool_type(value: str) -> str:
    """Return a work pool's type; raise ValueError, with those that there are, otherwise."""
    if value not in WORKERS:
        raise ValueError(f"{value!r} is no type of work pool here; there are: {', '.join(WORKERS)}")
    return value


def check_image(value: str, info: ValidationInfo) -> str:
    """Return the image; raise ValueError where the work pool runs containers and there is none, or not."""
    need_a_pool(CONTAINERS, "image", value, info)
    pool_type = info.data.get("work_pool_type", "process")
    if pool_type != "process" and not value:
        raise ValueError(f"a {pool_type} work pool needs an image")
    return value


def check_region(value: str, info: ValidationInfo) -> str:
    """Return the region; raise ValueError where the work pool runs jobs in one and there is none, or not."""
    need_a_pool(("cloud-run-v2",), "region", value, info)
    if info.data.get("work_pool_type") == "cloud-run-v2":
        if not value:
            raise ValueError("a cloud-run-v2 work pool needs a region")
        if not REGION.fullmatch(value):
            raise ValueError(f"{value!r} is no region of Cloud Run, such as europe-west1")
    return value


def check_namespace(value: str, info: ValidationInfo) -> str:
    """Return the namespace of pods; raise ValueError where there are none."""
    if value != "default":
        need_a_pool(("kubernetes",), "namespace", value, info)
    return value


def check_alert_block(value: str) -> str:
    """Return `<type>/<name>` of a block, or the empty text; raise ValueError otherwise."""
    if value and not BLOCK.fullmatch(value):
        raise ValueError(f"{value!r} names no block: <type>/<name>, such as slack-webhook/on-call")
    return value


def need_a_pool(types: tuple[str, ...], setting: str, value: str, info: ValidationInfo) -> None:
    """Raise an error where a setting is given that has no effect with the type of the work pool."""
    pool_type = info.data.get("work_pool_type")
    # One that is wrong itself is not there.
    if value and pool_type and pool_type not in types:
        why = f"with `workPoolType: {pool_type}` it has no effect"
        raise without_effect(setting, why, f"workPoolType {types[0]}")


def _need_a_schedule(setting: str, info: ValidationInfo) -> None:
    if info.data.get("schedule") == "":
        raise without_effect(setting, "without `schedule` it has no effect", "schedule '0 2 * * *'")


def _without(problems: list[str], value: str) -> str:
    if problems:
        raise ValueError(problems[0].partition(": ")[2])
    return value
