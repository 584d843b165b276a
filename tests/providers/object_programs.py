"""A program with one of each kind of Prefect's objects. Names begin with the setting `prefix`."""

from __future__ import annotations

ALL = """
prefix = config.require("prefix")
on = lambda name: config.get_bool(name) or False
template = {
    "job_configuration": {"command": "{{ command }}", "env": "{{ env }}"},
    "variables": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "env": {"type": "object", "default": {}}},
    },
}
pool = WorkPool(
    "pool",
    name=prefix + "pool",
    type=config.get("type") or "process",
    base_job_template=template,
    concurrency_limit=config.get_int("limit") or 3,
    description="runs here",
    paused=on("paused"),
    manage_state=on("manage"),
    adopt=on("adopt"),
)
schedules = {
    "nightly": {"cron": config.get("cron") or "0 2 * * *", "timezone": "Europe/Paris"},
    "hourly": {"interval": 3600, "active": not on("hourlyOff")},
}
if on("onlyNightly"):
    del schedules["hourly"]
deployment = Deployment(
    "deployment",
    name=config.get("name") or prefix + "deployment",
    flow_name=prefix + "flow",
    entrypoint="flow.py:main",
    pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": "/nowhere"}}],
    work_pool=pool,
    parameters={"target": "dev", "half": 0.5, "none": "", "null": None, "big": {"x": 2**53 + 1}},
    parameter_openapi_schema={
        "type": "object",
        "properties": {
            "target": {"type": "string", "enum": ["dev"]},
            **{name: {} for name in ("half", "none", "null", "big")},
        },
    },
    job_variables={"env": {"A": "1"}},
    schedules=schedules,
    manage_schedule_state=on("manage"),
    tags=["a", "b"],
    description="does it",
    version="1",
    concurrency_limit=1,
    collision_strategy="CANCEL_NEW",
    adopt=on("adopt"),
)
GlobalConcurrencyLimit(
    "limit",
    name=prefix + "limit",
    limit=config.get_int("limit") or 3,
    active=not on("paused"),
    manage_state=on("manage"),
    adopt=on("adopt"),
)
Variable(
    "variable",
    name=prefix + "variable",
    value={"a": [1, 0.5, ""], "none": None},
    tags=["x"],
    adopt=on("adopt"),
)
hook = PrefectBlock(
    "hook",
    block_type="slack-webhook",
    block_name=prefix + (config.get("hook") or "hook"),
    data={"url": "https://hooks.example/x"},
    adopt=on("adopt"),
)
Automation(
    "automation",
    name=prefix + "automation",
    trigger={
        "type": "event",
        "posture": "Reactive",
        "expect": ["prefect.flow-run.Failed", "prefect.flow-run.Crashed"],
        "match": {"prefect.resource.id": "prefect.flow-run.*"},
        "match_related": {
            "prefect.resource.role": "deployment",
            "prefect.resource.id": deployment.id.apply(lambda id: f"prefect.deployment.{id}"),
        },
    },
    actions=[{"type": "send-notification", "block_document_id": hook.id, "body": "{{ flow_run.name }}"}],
    enabled=not on("paused"),
    manage_state=on("manage"),
    adopt=on("adopt"),
)
"""

# And those that no deployment needs.
EVERY = (
    ALL
    + """
WorkQueue(
    "queue",
    name=prefix + "queue",
    work_pool=pool,
    concurrency_limit=config.get_int("limit") or 3,
    description="goes first",
    paused=on("paused"),
    manage_state=on("manage"),
    adopt=on("adopt"),
)
Flow("flow", name=prefix + "own-flow", tags=["y"], adopt=on("adopt"))
TaskRunConcurrencyLimit(
    "tag", tag=prefix + "tag", concurrency_limit=config.get_int("limit") or 3, adopt=on("adopt")
)
own_type = BlockType(
    "type",
    slug=prefix + "type",
    name=prefix + "type",
    fields={
        "properties": {"limit": {"type": "integer"}, "token": {"type": "string"}},
        "secret_fields": ["token"],
    },
    adopt=on("adopt"),
)
PrefectBlock(
    "own",
    block_type=own_type,
    block_name=prefix + "own",
    data={"limit": config.get_int("limit") or 3, "token": "t"},
    adopt=on("adopt"),
)
"""
)
