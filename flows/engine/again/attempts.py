"""What the attempts of a run have done of each command, with the run that it resumes as the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.engine import results
from flows.engine.again import retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flows.engine.again.batches import Batches
    from flows.engine.again.resume import Checkpoint
    from flows.engine.arguments import Command
    from flows.engine.events import Event
    from flows.engine.lineage import Lineage
    from flows.engine.results import StepResult


class Attempts:
    """The attempts of one run."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._begun: set[Command] = set()
        self._ended: dict[Command, StepResult] = {}
        self._batches: dict[Command, Batches] = {}

    def begun(self, command: Command) -> bool:
        """Say whether dbt has begun with the command in this process."""
        return command in self._begun

    def earlier(self, command: Command) -> StepResult | None:
        """Return what the attempts of this process gave. One in which dbt itself stopped left nothing."""
        return self._ended.get(command)

    def remaining(
        self, command: Command, lineage: Lineage, listed: Callable[[], Iterable[Mapping[str, Any]]]
    ) -> tuple[StepResult | None, set[str] | None]:
        """Return what earlier attempts, or the run that this one resumes, gave, and the nodes still to run.

        None for both where there was no such attempt: the command runs all that it selects, which ``listed``
        tells. Hooks that have not ended well are among the nodes.
        """
        if ended := self._ended.get(command):
            return ended, retry.after_failure(ended, lineage)
        if done := self._checkpoint.earlier(command):
            well = {node["id"] for node in done}
            left = retry.after_crash(listed(), command, well)
            return results.step_result(done, 0.0), left | (lineage.hooks() - well)
        return None, None

    def begin(self, command: Command) -> tuple[Batches, Callable[[Event], None]]:
        """Begin another one: what is known of its batches, and what records each node as it finishes."""
        self._begun.add(command)
        batches = self._batches.setdefault(command, self._checkpoint.batches(command))
        return batches, self._checkpoint.recorder(command)

    def end(self, command: Command, step: StepResult) -> None:
        """Note what the attempts gave, this one with those before it."""
        self._ended[command] = step

    def finish(self) -> None:
        """Record that all is done, so that there is nothing to resume."""
        self._checkpoint.finish()
