"""Read the settings of the stack that runs, or say what is wrong with them, and where."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pulumi
from pulumi.runtime.config import is_config_secret
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from infra.settings import declared, google_project, project, stack_file
from infra.settings.mixes import MIX
from infra.settings.model import Settings
from infra.settings.names import LONGEST_ACCOUNT


def load() -> Settings:
    """The settings of the stack that runs.

    Raises:
        pulumi.RunError: a setting is wrong, missing or unknown; the message names the file's line to change.
    """
    stack = pulumi.get_stack()
    file = _file(stack)
    google = pulumi.Config("gcp")
    values: dict[str, Any] = {
        "environment": stack,
        "project": google.get("project") or "",
        "bigqueryEndpoint": google.get("bigQueryCustomEndpoint"),
    }
    namespace = project.namespace()
    config = pulumi.Config(namespace)
    secret = set()
    for name in declared.names() | file.names(namespace):
        value = config.get(name)
        if value is not None:
            values[name] = value
        if is_config_secret(f"{namespace}:{name}"):
            secret.add(name)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise pulumi.RunError(explain(error, stack, file, secret)) from error
    if settings.project == google_project.ORIGINAL:
        # Google's own refusal would say nothing of that.
        pulumi.log.info(
            f"gcp:project is {settings.project}, which this project was made in. If Google refuses it, put "
            f"yours into the file of every stack: `{google_project.COMMAND}`"
        )
    return settings


def place(stack: str, setting: str) -> str:
    """Where a stack's file has a setting: file, line and setting."""
    return _file(stack).where(f"{project.namespace()}:{setting}")


def secret_variables(settings: Settings) -> frozenset[str]:
    """The names of dbt's variables whose values Pulumi keeps secret: all, where it does not say which."""
    key = f"{project.namespace()}:dbtEnvironment"
    if not is_config_secret(key):
        return frozenset()
    file = _file(settings.environment)
    paths = {name: f"{key}.{name}" for name in settings.dbt_environment}
    return frozenset(name for name, path in paths.items() if path in file.secret or path not in file.lines)


def explain(
    error: ValidationError, stack: str, file: stack_file.StackFile, secret: Collection[str] = ()
) -> str:
    """One line per mistake: where it is, what is wrong with it, and what to write instead."""
    lines = []
    for mistake in error.errors():
        # A default that does not do goes by its Python name.
        name = to_camel(str(mistake["loc"][0]))
        if name == "environment":
            lines.append(
                f"the stack's name {stack!r} is part of other names: 2 to {LONGEST_ACCOUNT - 4} small "
                "letters, digits and dashes"
            )
            continue
        key = "gcp:project" if name == "project" else f"{project.namespace()}:{name}"
        command = key if name == "project" else name
        where = file.where(f"{key}{_inside(mistake['loc'][1:])}")
        if mistake["type"] == MIX:
            lines.append(f"{where}: {mistake['msg'].replace('<stack>', stack)}")
        elif mistake["type"] == "extra_forbidden":
            lines.append(f"{where}: there is no such setting{_nearest(mistake['loc'])}")
        elif not mistake["input"] and len(mistake["loc"]) == 1:
            why = _why(mistake) if mistake["type"] == "value_error" else "it is missing"
            lines.append(f"{where}: {why}; set it with `pulumi config set {command} … -s {stack}`")
        else:
            found = "" if name in secret or mistake["type"] == "missing" else f" (found {mistake['input']!r})"
            lines.append(f"{where}: {_why(mistake)}{found}")
    return "\n".join(["the stack's settings can't be used:", *(f"  {line}" for line in lines)])


def _file(stack: str) -> stack_file.StackFile:
    return stack_file.read(f"Pulumi.{stack}.yaml")


def _why(mistake: Any) -> str:
    return str(mistake["msg"]).removeprefix("Value error, ")


def _inside(path: tuple[int | str, ...]) -> str:
    """The path within a list or a map, as `pulumi config set --path` has it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _nearest(path: tuple[int | str, ...]) -> str:
    import difflib  # noqa: PLC0415 (only where there is a mistake)

    known = declared.names() if len(path) == 1 else declared.parts(str(path[0]), path[1:])
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    prefix = f"{project.namespace()}:" if len(path) == 1 else ""
    return f"; did you mean {prefix}{near[0]}?" if near else f"; there are: {', '.join(sorted(known))}"
