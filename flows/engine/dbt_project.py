"""Run dbt in this process, with a profile that leaves no secret on disk."""

from __future__ import annotations

import json
import logging
import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flows.commands.options import Options
from flows.engine import arguments, diagnosis, events, results, selection
from flows.engine.again import resume
from flows.engine.again.attempts import Attempts
from flows.engine.internals import (
    invocation,
    microbatch,
    needing,
    own_package,
    queue,
    reading,
    seeds,
)
from flows.engine.internals.thrift import lean_imports
from flows.engine.listening import Listener, harmless
from flows.errors import DbtError
from flows.observe.redaction import redactor
from flows.observe.visible import shown
from flows.project import access, directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from flows.engine.again.batches import Batches
    from flows.engine.details import NodeDetails
    from flows.engine.events import Event, Watch
    from flows.engine.lineage import Lineage
    from flows.engine.results import StepResult
    from flows.target.dbt_profile import DbtProfile

    Log = Callable[[int, str], None]


class DbtProject:
    """A dbt project with a profile. Parses once; all commands share what was parsed, retries alone do not.

    Called again after a failure, a command runs only the nodes, and of microbatch models the batches, that
    may succeed unchanged, and those that were skipped for them. Not a dataclass, lest Prefect walks through
    the whole parsed project when it is handed to a task.
    """

    def __init__(
        self,
        profile: DbtProfile,
        project_dir: Path,
        profiles_dir: Path,
        options: Options | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.profile = profile
        self.options = options or Options()
        self.project_dir = project_dir
        self.profiles_dir = profiles_dir
        self.watch = watch
        self.details: dict[str, NodeDetails] = {}
        self._redact = redactor(profile.secrets.values())
        self._manifest: Any = None
        self._lineage: Lineage | None = None
        self._untested: set[str] = set()
        self._selected: set[str] | None = None
        kept = arguments.target_path(project_dir, profile.target)
        self._attempts = Attempts(resume.begin(kept, project_dir, profile.decides, self.options))

    def renew(self, profile: DbtProfile) -> None:
        """Go on with another identity or key of the same target. What was parsed stays valid."""
        self.profile = profile
        self._redact = redactor(profile.secrets.values())
        (self.profiles_dir / "profiles.yml").write_text(profile.text, encoding="utf-8")

    def parse(self, log: Log) -> None:
        """Read the project, from dbt's partial parse where that is still valid. Raises DbtError."""
        self._manifest = None  # dbt would take that as parsed
        self._manifest = self._invoke("parse", _only_warnings(log)).result
        project = directory.read(directory.Directory(self.project_dir))
        environment = {**os.environ, **self.profile.environment}
        for line in (
            *own_package.replaced(self._manifest, str(project.get("name")), project),
            *own_package.not_used(project, environment),
        ):
            log(logging.INFO, line)
        seeds.come_before_their_readers(self._manifest)
        self._lineage = reading.lineage(self._manifest)
        self._untested = self._lineage.tests_of(self.options.left_out) if self.options.left_out else set()

    @property
    def lineage(self) -> Lineage:
        """Who reads whom, once the project is parsed."""
        if self._lineage is None:
            raise RuntimeError("parse the project first")
        return self._lineage

    def check_selection(self) -> None:
        """Ask dbt what the options select. Raises UsageError if a criterion is wrong or matches nothing."""
        if self.options.narrows:
            self._selected = selection.check(self.options, self._listed)

    def check_access(self) -> None:
        """Ask BigQuery whether dbt may use the datasets that this run needs. Raises NotSetUpError."""
        selected = self._selected
        if selected is None:
            left_out = self.options.left_out
            nodes = self._manifest.nodes.items()
            selected = {name for name, node in nodes if str(node.resource_type) not in left_out}
        main = (str(self.profile.output["project"]), str(self.profile.output["schema"]))
        access.check(self.profile, needing.of(self._manifest, main, selected), self.project_dir)

    def docs(self, log: Log) -> None:
        """Write the site into `flows.engine.arguments.docs_path`. Raises DbtError if it is incomplete."""
        outcome = self._invoke("docs", log)
        if not outcome.success:
            why = "; ".join(outcome.result.errors or ["not every node compiles, see above"])
            raise DbtError(f"dbt's documentation is incomplete: {self._redact(' '.join(why.split()))}")

    def operation(self, macro: str, args: str, log: Log) -> None:
        """Run a macro with arguments, a JSON object or "". Raises DbtError if it fails."""
        words = [macro, *(["--args", args] if args else [])]
        outcome = self._invoke("run-operation", log, more=words)
        if not outcome.success:
            why = "; ".join(str(one.message) for one in outcome.result.results if one.message)
            raise DbtError(f"the macro {macro} failed: {self._redact(' '.join(why.split())) or 'see above'}")

    def freshness(self, log: Log) -> StepResult:
        """Ask how old the data of the sources is. Raises DbtError if dbt itself stops."""
        with events.watching(self.watch, "freshness", self.lineage):
            outcome = self._invoke("freshness", log).result
        return results.step_result(map(self._reader.result, outcome.results), outcome.elapsed_time)

    def run(self, log: Log) -> StepResult:
        """Build seeds, models and snapshots, in the graph's order. Raises DbtError if dbt itself stops."""
        return self._step("run", log)

    def test(self, log: Log) -> StepResult:
        """Run all tests, unit tests included. Raises DbtError if dbt itself stops."""
        return self._step("test", log)

    def build(self, log: Log) -> StepResult:
        """Build everything and test each node before what reads it. Raises DbtError if dbt itself stops."""
        return self._step("build", log)

    def _step(self, command: arguments.Command, log: Log) -> StepResult:
        earlier, nodes = None, None
        try:
            if self._attempts.begun(command):
                earlier = self._attempts.earlier(command)
                # dbt compiles into what it has parsed. A second time, ephemeral parents would be left out.
                self.parse(_silent)
            earlier, nodes = self._attempts.remaining(command, self.lineage, self._listed)
            if earlier and not nodes:
                return earlier
            batches, record = self._attempts.begin(command)
            with (
                events.watching(self.watch, command, self.lineage),
                queue.dbt_runs(nodes, self._untested),
                microbatch.batch_by_batch(batches, record, harmless(self._shown, log), self._redact),
            ):
                outcome = self._invoke(command, log, batches, record).result
        except DbtError as error:
            error.earlier = earlier
            raise
        shown("what pictures show of nodes", lambda: self._keep_details(outcome.results), log)
        found = [batches.whole(self._reader.result(one)) for one in outcome.results]
        step = results.merged(earlier, results.step_result(found, outcome.elapsed_time))
        self._attempts.end(command, step)
        return step

    def _keep_details(self, dbt_results: Iterable[Any]) -> None:
        for one in dbt_results:
            self.details[one.node.unique_id] = reading.details(one, self.lineage)

    def _listed(self, unmatched: Callable[[str], None] | None = None) -> list[dict[str, Any]]:
        """Return the nodes that the options select, as `dbt list` tells them."""
        lines = self._invoke("list", _silent, unmatched=unmatched).result or []
        return [node for node in map(json.loads, lines) if node["unique_id"] not in self._untested]

    def finish(self) -> None:
        """Record that all is done, so that there is nothing to resume."""
        self._attempts.finish()

    @property
    def _reader(self) -> reading.Reader:
        return reading.Reader(self._redact, self._lineage.name if self._lineage else lambda _: None)

    def _shown(self, event: Event) -> None:
        if self.watch:
            self.watch.node(event)

    def _invoke(
        self,
        command: arguments.Command,
        log: Log,
        batches: Batches | None = None,
        record: Callable[[Event], None] | None = None,
        unmatched: Callable[[str], None] | None = None,
        more: Sequence[str] = (),
    ) -> Any:
        """Run one dbt command, with ``more`` words. A dbt that has results has done its work.

        ``record`` is told what becomes of each node, ``unmatched`` each criterion that matches nothing.
        """

        def may_run_on(jobs: list[str]) -> None:
            commands = ", ".join(f"`bq cancel {job}`" for job in jobs)
            log(logging.WARNING, f"BigQuery did not confirm that all queries are cancelled: {commands}")

        words = arguments.of_command(
            command,
            profile=self.profile.name,
            target=self.profile.target,
            project_dir=self.project_dir,
            profiles_dir=self.profiles_dir,
            options=self.options,
        )
        listener = Listener(
            self._reader, log, self._redact, self.watch, batches=batches, record=record, unmatched=unmatched
        )
        outcome = invocation.invoke(
            [*words, *more],
            manifest=self._manifest,
            environment=self.profile.environment,
            on_event=harmless(listener, log),
            may_run_on=may_run_on,
        )
        if outcome.exception is not None:
            message = self._redact(str(outcome.exception)).strip()
            raise DbtError(
                f"dbt {command} stopped: {message}", transient=diagnosis.is_transient(message)
            ) from outcome.exception
        if outcome.result is None:
            raise DbtError(f"dbt {command} stopped without a result; see {self.project_dir / 'logs'}.")
        return outcome


def nothing_else_runs() -> None:
    """Say that this process was started to run dbt, and ends with it: then dbt is imported lean."""
    lean_imports.nothing_else_runs()


def _only_warnings(log: Log) -> Log:
    return lambda level, message: log(level, message) if level >= logging.WARNING else None


def _silent(_level: int, _message: str) -> None:
    pass


@contextmanager
def open_project(
    profile: DbtProfile,
    project_dir: Path,
    options: Options | None = None,
    watch: Watch | None = None,
) -> Iterator[DbtProject]:
    """Write `profiles.yml` into a temporary directory of this user's own, removed in the end.

    ``watch`` is told what dbt does with each node.
    """
    with TemporaryDirectory(prefix="dbt-profiles-") as directory:
        profiles_dir = Path(directory)
        (profiles_dir / "profiles.yml").write_text(profile.text, encoding="utf-8")
        yield DbtProject(profile, project_dir.resolve(), profiles_dir, options, watch)
