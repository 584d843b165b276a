"""What can go wrong in a flow, each kind with the exit code of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.engine.results import PipelineReport, StepResult


class PipelineError(Exception):
    """A failure whose message says what happened, where, and which command or line fixes it."""

    exit_code = 1


class UsageError(PipelineError):
    """The command line or an argument is wrong."""

    exit_code = 2


class NotSetUpError(PipelineError):
    """A block, dataset, key or grant is missing: the stack of this target has to be brought up."""

    exit_code = 3


class NotYetError(NotSetUpError):
    """A grant is missing, or was made so lately that Google does not know it everywhere."""


class UnreachableError(PipelineError):
    """Prefect or BigQuery does not answer."""

    exit_code = 4


class BusyError(PipelineError):
    """Another run holds the target."""

    exit_code = 5


class StoppedError(PipelineError):
    """The run was stopped from elsewhere. Prefect shows it as cancelled."""

    exit_code = 143


class SlotLostError(StoppedError):
    """Another run holds the target by now, since Prefect was away for long."""

    exit_code = 5


class DbtError(PipelineError):
    """dbt stopped before it had run any node, for example because the project does not parse.

    ``transient`` says whether the same command may well pass a little later; ``earlier`` is what an earlier
    attempt at it has done.
    """

    exit_code = 1

    def __init__(self, message: str, *, transient: bool = False, earlier: StepResult | None = None) -> None:
        super().__init__(message)
        self.transient = transient
        self.earlier = earlier


class DbtFailedError(PipelineError):
    """dbt ran, and at least one node failed. ``report`` is what the flow returns when all is well."""

    exit_code = 1

    def __init__(self, message: str, report: PipelineReport) -> None:
        super().__init__(message)
        self.report = report
