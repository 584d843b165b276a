"""What a run has finished so far, in a file that survives the run, so that `--resume` goes on from there.

The file has a line of JSON for what was asked for, one for each node as it finishes, and one in the end. Of a
microbatch model it has one before its first batch, which says what batches there are, one for each as it
finishes, and at the top what earlier runs have left undone. A line is one write; of a process that is killed
at most the last line is torn, and that node or batch runs again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.engine import results
from flows.engine.again.batches import Batches, is_done, span_of
from flows.engine.events import BatchesPlanned, BatchFinished, Finished
from flows.errors import UsageError
from flows.target.dbt_profile import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flows.commands.options import Options
    from flows.engine.again.batches import Span
    from flows.engine.events import Event
    from flows.engine.results import NodeResult

FILE_NAME = "finished.jsonl"
# What dbt and Python write into a project.
_NOT_SOURCE = {"target", "logs", "__pycache__"}
# The one dot file that dbt heeds. The others are of editors and file managers.
_DBT_IGNORE = ".dbtignore"
_DONE = {"done": True}
# Flags of dbt that decide what tables hold, and that a shell may set.
_FLAGS = {
    f"{prefix}{flag}"
    for prefix in ("DBT_", "DBT_ENGINE_")
    for flag in (
        *("DEFER", "DEFER_STATE", "EMPTY", "EVENT_TIME_END", "EVENT_TIME_START", "EXCLUDE_RESOURCE_TYPES"),
        *("FAVOR_STATE", "FULL_REFRESH", "INDIRECT_SELECTION", "RESOURCE_TYPES", "SAMPLE", "STATE"),
    )
}
_OFF = {"", "0", "f", "false", "n", "no", "off"}
_WITHOUT_ROWS = [name for name in sorted(_FLAGS) if name.endswith(("_EMPTY", "_SAMPLE"))]
_ENV_VAR = re.compile(rb"""env_var\(\s*["'](\w+)["']""")
# Of the tokens that these read, none decides what a table holds, and the flow brings its own profile.
_READ_FOR_ACCESS = {"profiles.yml", "packages.yml", "dependencies.yml"}


class Checkpoint:
    """The record of one run. ``lines`` are those of the last run, where this one goes on with it.

    ``head`` are the first lines of a new record; the last run's is kept until this one's first command.
    """

    def __init__(
        self, path: Path, head: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._path = path
        self._head = head
        self._lines = lines
        self._earlier = _finished_well(lines)

    def earlier(self, command: str) -> list[NodeResult]:
        """Return what an earlier run has done of this command."""
        return self._earlier.get(command, [])

    def batches(self, command: str) -> Batches:
        """Return what an earlier run has planned and done of microbatch models that it has not finished."""
        return _batches([*self._head, *self._lines], command)

    def recorder(self, command: str) -> Callable[[Event], None]:
        """Return what records each node, and each batch of one, as it finishes."""
        if self._head:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text("".join(f"{json.dumps(line)}\n" for line in self._head), encoding="utf-8")
            self._lines, self._head = self._head, ()

        def note(event: Event) -> None:
            line: dict[str, Any] = {"command": command}
            match event:
                case Finished():
                    line["node"] = event.result
                case BatchFinished():
                    line |= {"id": event.node.id, "batch": event.batch}
                case BatchesPlanned():
                    line |= {"id": event.node.id, "planned": _texts(event.batches)}
                case _:
                    return
            _append(self._path, line)

        return note

    def finish(self) -> None:
        """Record that nothing is left to do."""
        _append(self._path, _DONE)


def begin(directory: Path, project_dir: Path, profile: str, options: Options) -> Checkpoint:
    """Start the record of a run in ``directory``, or go on with the last one's if ``options.resume``.

    ``profile`` is what decides of it (`DbtProfile.decides`). Raises UsageError if there is nothing to resume,
    or if project, profile, variables or selection are no longer the same: what is done could then be stale.
    """
    path = directory / FILE_NAME
    asked = {"asked": options.work, "profile": _digest(profile.encode()), "files": _files(project_dir)}
    if options.resume:
        head, *lines = _read(path) or [{}]
        _check_same(head, lines, asked, directory.name)
        _end_torn_line(path)
        return Checkpoint(path, (), lines)
    # Batches that the last run has not done are this one's, whatever else it does.
    lines = _read(path)
    filled = not lines or not _left_empty(lines[0])
    undone = {
        **_batches(lines, "run", filled=filled).undone(),
        **_batches(lines, "build", filled=filled).undone(),
    }
    command = "build" if options.build else "run"
    owed = [{"command": command, "id": one, "owed": _texts(spans)} for one, spans in undone.items()]
    return Checkpoint(path, [asked, *owed])


def _check_same(head: Mapping[str, Any], lines: list[Any], asked: Mapping[str, Any], target: str) -> None:
    if not head.get("asked"):
        raise UsageError(f"--resume: there is nothing to resume: no run of {target} has been recorded here.")
    if _DONE in lines:
        raise UsageError(
            f"--resume: there is nothing to resume: the last run of {target} has done all its work."
        )
    changed = [
        f"{option} was {head['asked'].get(option)!r} and is {value!r}"
        for option, value in asked["asked"].items()
        if head["asked"].get(option) != value
    ]
    if head["profile"] != asked["profile"]:
        changed.append("the target's blocks have changed")
    before, now = head["files"], asked["files"]
    files = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if files:
        more = f" and {len(files) - 3} more" if len(files) > 3 else ""
        changed.append(f"the project has changed: {', '.join(files[:3])}{more}")
    if changed:
        raise UsageError(
            f"--resume: the last run of {target} was another one: {'; '.join(changed)}. "
            "Run without --resume, or as that one was."
        )


def _left_empty(head: Mapping[str, Any]) -> bool:
    """Say whether a run was to build tables without their rows: dbt takes its batches for done."""
    asked, shell = head.get("asked") or {}, head.get("files") or {}
    return bool(asked.get("--empty")) or any(f"${name}" in shell for name in _WITHOUT_ROWS)


def _batches(lines: Iterable[Mapping[str, Any]], command: str, *, filled: bool = True) -> Batches:
    """Read what is known of batches. Those of a run that was not to fill them are not done."""
    known = Batches()
    for line in lines:
        if line.get("command") != command:
            continue
        if "owed" in line:
            known.owe(line["id"], map(span_of, line["owed"]))
        if "planned" in line:
            known.plan(line["id"], map(span_of, line["planned"]))
        if filled and "batch" in line and is_done(line["batch"]):
            known.end(line["id"], line["batch"])
    return known


def _texts(spans: Iterable[Span]) -> list[dict[str, str]]:
    return [{"start": start.isoformat(), "end": end.isoformat()} for start, end in spans]


def _finished_well(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[NodeResult]]:
    """Return the last result of each node, by command, if it is a good one."""
    latest: dict[str, dict[str, NodeResult]] = {}
    for line in lines:
        if "node" not in line:
            continue
        node: NodeResult = line["node"]
        latest.setdefault(line["command"], {})[node["id"]] = {**node, "earlier": True}
    return {
        command: [node for node in nodes.values() if node["status"] not in results.FAILED | results.SKIPPED]
        for command, nodes in latest.items()
    }


def _files(project_dir: Path) -> dict[str, str]:
    """Return a digest of every file of the project, by its path; of dot files, only of dbt's own.

    With them, as `$NAME`, those variables of the shell that decide what the project's SQL is.
    """
    found = {}
    variables = {name for name in _FLAGS if os.environ.get(name, "").lower() not in _OFF}
    for directory, below, names in os.walk(project_dir):
        below[:] = [name for name in below if name not in _NOT_SOURCE and not name.startswith(".")]
        for name in names:
            path = Path(directory, name)
            if name.startswith(".") and name != _DBT_IGNORE:
                continue
            content = _content(path)
            if content is not None:
                found[path.relative_to(project_dir).as_posix()] = _digest(content)
                if name not in _READ_FOR_ACCESS:
                    variables.update(variable.decode() for variable in _ENV_VAR.findall(content))
    # Secrets may change, as keys do: of them not even a digest is kept.
    read = sorted(name for name in variables if name in os.environ and not name.startswith(SECRET))
    return found | {f"${name}": _digest(os.environ[name].encode()) for name in read}


def _content(path: Path) -> bytes | None:
    """Return what a file holds, or None for a link that leads nowhere and for what may not be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _read(path: Path) -> list[Any]:
    if not path.exists():
        return []
    lines = []
    for line in path.read_bytes().splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # torn
    return lines


def _append(path: Path, line: Mapping[str, Any]) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(line).encode() + b"\n")


def _end_torn_line(path: Path) -> None:
    if not path.read_bytes().endswith(b"\n"):
        with path.open("ab", buffering=0) as file:
            file.write(b"\n")
