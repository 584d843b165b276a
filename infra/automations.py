"""What Prefect does by itself when a run goes wrong: people hear of it, and a lost one ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.component import Component
from infra.deployments import FLOW
from infra.outputs.pages import prefect_page
from infra.settings import Names
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


# A run sends a heartbeat every three minutes (Prefect's PREFECT_FLOWS_HEARTBEAT_FREQUENCY).
SILENCE_SECONDS = 600
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = ("Completed", "Failed", "TimedOut", "Cancelled", "Crashed")


@dataclass(frozen=True)
class AutomationsArgs:
    """Of which runs, and who hears of them.

    Attributes:
        names: what the automations are called.
        each_run: what a trigger says to hear of each run of the deployments.
        alert_block: `<type>/<name>` of a block to send to; nobody hears where it is empty.
        alert_setting: the place where the settings name that block.
    """

    names: Names
    each_run: Mapping[str, Any]
    alert_block: str = ""
    alert_setting: str = ""


class Alerts(Component):
    """Owns the automation `dbt-<env>-alerts`, where the settings name a block to send to.

    Does not own that block: it holds an address that is nobody's to repeat here.
    """

    def __init__(
        self,
        name: str,
        args: AutomationsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.automation: Automation | None = None
        environment = args.names.environment
        if args.alert_block:
            block_type, _, block_name = args.alert_block.partition("/")
            block = ExistingBlock(
                "alert-block",
                block_type=block_type,
                block_name=block_name,
                capability=None if block_type == WEBHOOK else "notify",
                hint=args.alert_setting,
                opts=child,
            )
            self.automation = Automation(
                "alerts",
                name=args.names.alerts,
                description=f"Tells {args.alert_block} of runs that failed, crashed or are late.",
                # At once, whenever a run comes into one of the bad states.
                trigger={
                    **args.each_run,
                    "posture": "Reactive",
                    "expect": [f"prefect.flow-run.{state}" for state in EVENTS],
                },
                actions=[action(environment, block_type, block.id, run_page())],
                tags=["dbt", environment],
                opts=child,
            )
        self.register_outputs({"alert_block": args.alert_block})


class LostRuns(Component):
    """Owns the automation `dbt-<env>-lost`: a run of the deployment that falls silent is marked as crashed.

    A worker that outlives its run reports a crash by itself. Where both are gone, the run would stay Running,
    nobody would hear of it, and it would hold the deployment's only place, so that none ran after it.
    """

    def __init__(
        self,
        name: str,
        args: AutomationsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.automation = Automation(
            "lost-runs",
            name=args.names.lost_runs,
            description=f"Marks runs as crashed that say nothing for {SILENCE_SECONDS // 60} minutes.",
            # After a heartbeat, neither another one nor an end.
            trigger={
                **args.each_run,
                "posture": "Proactive",
                "after": [HEARTBEAT],
                "expect": [HEARTBEAT, *(f"prefect.flow-run.{end}" for end in ENDS)],
                "within": SILENCE_SECONDS,
            },
            # Not forced: a heartbeat may arrive after the end, and Prefect lets no run crash that has ended
            # (prefect/server/orchestration/core_policy.py of 3.9.1, HandleFlowTerminalStateTransitions).
            actions=[
                {
                    "type": "change-flow-run-state",
                    "state": "CRASHED",
                    "name": "Crashed",
                    "message": f"The run has said nothing for {SILENCE_SECONDS // 60} minutes: "
                    "its machine or its worker is gone.",
                }
            ],
            tags=["dbt", args.names.environment],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


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
