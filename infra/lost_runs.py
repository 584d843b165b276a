"""What becomes of a run whose machine is gone."""

from __future__ import annotations

import pulumi

from infra.deployments import Deployments
from infra.settings import Settings
from providers import Automation

# A run sends a heartbeat every three minutes (Prefect's PREFECT_FLOWS_HEARTBEAT_FREQUENCY).
SILENCE_SECONDS = 600
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = ("Completed", "Failed", "TimedOut", "Cancelled", "Crashed")


class LostRuns(pulumi.ComponentResource):
    """Owns the automation `dbt-<env>-lost`: a run of the deployment that falls silent is marked as crashed.

    A worker that outlives its run reports a crash by itself. Where both are gone, the run would stay Running,
    nobody would hear of it, and it would hold the deployment's only place, so that none ran after it.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        deployments: Deployments,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:LostRuns", name, None, opts)
        self.automation = Automation(
            "lost-runs",
            name=f"dbt-{settings.environment}-lost",
            description=f"Marks runs as crashed that say nothing for {SILENCE_SECONDS // 60} minutes.",
            # After a heartbeat, neither another one nor an end.
            trigger={
                **deployments.each_run,
                "posture": "Proactive",
                "after": [HEARTBEAT],
                "expect": [HEARTBEAT, *(f"prefect.flow-run.{end}" for end in ENDS)],
                "within": SILENCE_SECONDS,
            },
            actions=[
                {
                    "type": "change-flow-run-state",
                    "state": "CRASHED",
                    "name": "Crashed",
                    "message": f"The run has said nothing for {SILENCE_SECONDS // 60} minutes: "
                    "its machine or its worker is gone.",
                }
            ],
            tags=["dbt", settings.environment],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
