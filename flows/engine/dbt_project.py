"""Run dbt in this process, with a profile that leaves no secret on disk."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flows.commands.options import Options
from flows.engine import (
    arguments,
    diagnosis,
    events,
    lean_imports,
    results,
    resume,
    retry,
    selection,
    shared_sign_in,
)
from flows.errors import DbtError
from flows.observe.redaction import redactor
from flows.observe.visible import shown
from flows.report import node_details
from flows.run import stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from flows.engine.events import Watch
    from flows.engine.results import StepResult
    from flows.report.node_details import NodeDetails
    from flows.target.dbt_profile import DbtProfile

    Log = Callable[[int, str], None]

_LEVELS = {"info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
# How dbt reports the exception that it then returns: whoever handles that says it in better words.
_ENDINGS = {"MainEncounteredError", "MainStackTrace"}
# dbt keeps its flags, adapters and event manager in globals of the process.
_one_at_a_time = threading.Lock()


class DbtProject:
    """A dbt project with a profile. Parses once; all commands share what was parsed, retries alone do not.

    Called again after a failure, a command runs only the nodes that may succeed unchanged, and those that
    were skipped for them. Not a dataclass, lest Prefect walks through the whole parsed project when it is
    handed to a task.
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
        self._redact = redactor(profile.secrets.values())
        self._manifest: Any = None
        self._untested: list[str] = []
        self.details: dict[str, NodeDetails] = {}
        self._begun: set[arguments.Command] = set()
        self._attempted: dict[arguments.Command, StepResult] = {}
        self._batches: dict[arguments.Command, retry.Batches] = {}
        directory = arguments.target_path(project_dir, profile.target)
        self._checkpoint = resume.begin(directory, project_dir, profile.text, self.options)

    def renew(self, profile: DbtProfile) -> None:
        """Go on with another identity or key of the same target. What was parsed stays valid."""
        self.profile = profile
        self._redact = redactor(profile.secrets.values())
        (self.profiles_dir / "profiles.yml").write_text(profile.text, encoding="utf-8")

    def parse(self, log: Log) -> None:
        """Read the project, from dbt's partial parse where that is still valid. Raises DbtError."""
        self._manifest = None  # dbt would take that as parsed
        self._manifest = self._invoke("parse", _only_warnings(log)).result
        self._untested = selection.tests_of(self.options.left_out, self._manifest)

    def check_selection(self) -> None:
        """Ask dbt what the options select. Raises UsageError if a criterion is wrong or matches nothing."""
        if self.options.narrows:
            selection.check(self.options, lambda note: self._invoke("list", _silent, note).result)

    def docs(self, log: Log) -> None:
        """Write the site into `flows.engine.arguments.docs_path`. Raises DbtError if it is incomplete."""
        outcome = self._invoke("docs", log)
        if not outcome.success:
            why = "; ".join(outcome.result.errors or ["not every node compiles, see above"])
            raise DbtError(f"dbt's documentation is incomplete: {self._redact(' '.join(why.split()))}")

    def freshness(self, log: Log) -> StepResult:
        """Ask how old the data of the sources is. Raises DbtError if dbt itself stops."""
        with events.watching(self.watch, "freshness", self._manifest):
            outcome = self._invoke("freshness", log).result
        nodes = [results.source_result(node, self._redact) for node in outcome.results]
        return results.step_result(nodes, outcome.elapsed_time)

    def run(self, log: Log) -> StepResult:
        """Build seeds, models and snapshots, in the graph's order. Raises DbtError if dbt itself stops."""
        return self._step("run", log)

    def test(self, log: Log) -> StepResult:
        """Run all tests, unit tests included. Raises DbtError if dbt itself stops."""
        return self._step("test", log)

    def _step(self, command: arguments.Command, log: Log) -> StepResult:
        if command in self._begun:
            # dbt compiles into what it has parsed. A second time, ephemeral parents would be left out.
            self.parse(_silent)
        earlier, nodes = self._remaining(command)
        if earlier and not nodes:
            return earlier
        self._begun.add(command)
        batches = self._batches.get(command, retry.Batches())
        record = self._checkpoint.recorder(command, self._redact)
        with (
            events.watching(self.watch, command, self._manifest),
            retry.dbt_runs_only(nodes, batches),
        ):
            outcome = self._invoke(command, log, record).result
        shown("what pictures show of nodes", lambda: self._keep_details(outcome.results), log)
        found = [results.node_result(node, self._redact) for node in outcome.results]
        step = results.merged(earlier, results.step_result(found, outcome.elapsed_time))
        self._attempted[command] = step
        self._batches[command] = retry.batches_of(outcome, batches)
        return step

    def _keep_details(self, dbt_results: Iterable[Any]) -> None:
        for one in dbt_results:
            self.details[one.node.unique_id] = node_details.of(one, self._manifest)

    def _remaining(self, command: arguments.Command) -> tuple[StepResult | None, set[str] | None]:
        """Return what earlier attempts, or the run that this one resumes, gave, and the nodes still to run.

        None for both where there was no such attempt: the command runs all that it selects. An attempt in
        which dbt itself stopped left nothing behind.
        """
        if attempted := self._attempted.get(command):
            return attempted, retry.after_failure(attempted, self._manifest)
        if done := self._checkpoint.earlier(command):
            listed = self._invoke("list", _silent).result
            return results.step_result(done, 0.0), retry.after_crash(
                listed, command, (node["id"] for node in done)
            )
        return None, None

    def finish(self) -> None:
        """Record that all is done, so that there is nothing to resume."""
        self._checkpoint.finish()

    def _invoke(self, command: arguments.Command, log: Log, *callbacks: Callable[[Any], None]) -> Any:
        """Run one dbt command. A dbt that has results has done its work, even if nodes failed.

        ``callbacks`` see dbt's events, too.
        """
        lean_imports.import_dbt()
        from dbt.cli.main import dbtRunner  # noqa: PLC0415 - takes 4 s

        words = arguments.of_command(
            command,
            target=self.profile.target,
            project_dir=self.project_dir,
            profiles_dir=self.profiles_dir,
            options=self.options.without(self._untested if command in {"list", "test"} else ()),
        )
        runner = dbtRunner(
            manifest=self._manifest,
            callbacks=[_harmless(one, log) for one in (self._forward(log), *callbacks)],
        )
        with (
            _one_at_a_time,
            _environment(self.profile.environment),
            stopping.dbt_stops_its_jobs() as stopped,
            shared_sign_in.dbt_signs_in_once(),
        ):
            outcome = runner.invoke(words)
        if stopped.jobs:
            commands = ", ".join(f"`bq cancel {job}`" for job in stopped.jobs)
            log(logging.WARNING, f"BigQuery did not confirm that all queries are cancelled: {commands}")
        if stopped.reason is not None:
            raise stopped.reason
        if outcome.exception is not None:
            if not isinstance(outcome.exception, Exception):
                raise outcome.exception  # Ctrl-C or SIGTERM before a node ran, which dbt has caught
            message = self._redact(str(outcome.exception)).strip()
            raise DbtError(
                f"dbt {command} stopped: {message}", transient=diagnosis.is_transient(message)
            ) from outcome.exception
        if outcome.result is None:
            raise DbtError(f"dbt {command} stopped without a result; see {self.project_dir / 'logs'}.")
        return outcome

    def _forward(self, log: Log) -> Callable[[Any], None]:
        def on_event(event: Any) -> None:
            if event.info.name in _ENDINGS:
                return
            node = events.node_of(event) if self.watch else None
            if self.watch and node and (change := events.read(event, node, self._redact)):
                self.watch.node(change)
            level = _LEVELS.get(event.info.level)
            if level is None or not (message := event.info.msg.strip()):
                return
            if self.watch and node:
                self.watch.line(node, level, self._redact(message))
            else:
                log(level, self._redact(message))

        return on_event


def _harmless(callback: Callable[[Any], None], log: Log) -> Callable[[Any], None]:
    """Leave a callback out once it has failed, and log that.

    Its exception would end one of dbt's threads without a word, and dbt would wait for it for ever.
    """
    failed = False

    def on_event(event: Any) -> None:
        nonlocal failed
        try:
            if not failed:
                callback(event)
        except Exception as error:  # whatever it is, the tables matter more
            failed = True
            log(logging.WARNING, f"what dbt does is no longer recorded in this run: {error!r}")

    return on_event


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


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
