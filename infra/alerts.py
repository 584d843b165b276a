"""Who hears of a run that failed, crashed or is late."""

from __future__ import annotations

import json
from typing import Any

import pulumi

from infra.deployments import FLOW, Deployments
from infra.pages import prefect_page
from infra.settings import NAMESPACE, Settings, stack_file
from providers import Automation, ExistingBlock

EVENTS = ("Failed", "TimedOut", "Crashed", "Late")
WEBHOOK = "webhook"
# Prefect sends its body as HTML.
E_MAIL = "sendgrid-email"
# Jinja, as Prefect renders it. The state's message names what failed in dbt.
NAME, STATE, MESSAGE = (
    "{{ flow_run.name }}",
    "{{ flow_run.state.name }}",
    "{{ (flow_run.state.message or 'no message') }}",
)


class Alerts(pulumi.ComponentResource):
    """Owns the automation `dbt-<env>-alerts`, where the settings name a block to send to.

    Does not own that block: it holds an address that is nobody's to repeat here.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        deployments: Deployments,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:Alerts", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.automation: Automation | None = None
        if settings.alert_block:
            block_type, _, block_name = settings.alert_block.partition("/")
            block = ExistingBlock(
                "alert-block",
                block_type=block_type,
                block_name=block_name,
                capability=None if block_type == WEBHOOK else "notify",
                hint=place(settings),
                opts=child,
            )
            self.automation = Automation(
                "alerts",
                name=f"dbt-{settings.environment}-alerts",
                description=f"Tells {settings.alert_block} of runs that failed, crashed or are late.",
                # At once, whenever a run comes into one of the bad states.
                trigger={
                    **deployments.each_run,
                    "posture": "Reactive",
                    "expect": [f"prefect.flow-run.{state}" for state in EVENTS],
                },
                actions=[action(settings.environment, block_type, block.id, run_page())],
                tags=["dbt", settings.environment],
                opts=child,
            )
        self.register_outputs({"alert_block": settings.alert_block})


def place(settings: Settings) -> str:
    """Where the settings name the block: file, line and setting."""
    return stack_file.read(f"Pulumi.{settings.environment}.yaml").where(f"{NAMESPACE}:alertBlock")


def action(target: str, block_type: str, block_id: pulumi.Input[str], url: str) -> dict[str, Any]:
    """Prefect's own action for the block's type: a webhook gets JSON, e-mail HTML, all others a text."""
    if block_type == WEBHOOK:
        return {"type": "call-webhook", "block_document_id": block_id, "payload": payload(target, url)}
    lines = [f"{FLOW} on target {target}: run {NAME} is {STATE}.", MESSAGE, url]
    return {
        "type": "send-notification",
        "block_document_id": block_id,
        "subject": f"{FLOW} on {target}: {STATE}",
        "body": "\n".join(lines) if block_type != E_MAIL else html(lines),
    }


def html(lines: list[str]) -> str:
    """The lines for a reader of HTML; what Jinja puts into them is escaped."""
    return "<br>\n".join(line.replace(" }}", " | e }}") for line in lines)


def payload(target: str, url: str) -> str:
    """A JSON object with flow, target, run, state, message and link; Jinja escapes its values."""
    fixed = {"flow": FLOW, "target": target, "link": url}
    texts = {"run": NAME, "state": STATE, "message": MESSAGE}
    rendered = {name: text.replace(" }}", " | tojson }}") for name, text in texts.items()}
    pairs = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in fixed.items()]
    pairs += [f"{json.dumps(name)}: {template}" for name, template in rendered.items()]
    return "{" + ", ".join(pairs) + "}"


def run_page() -> str:
    """The page of a run; Jinja puts in its id.

    Prefect's own `ui_url` only knows it where the server has been told its address.
    """
    return f"{prefect_page()}/runs/flow-run/{{{{ flow_run.id }}}}"
