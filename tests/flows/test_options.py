from __future__ import annotations

from typing import Any

import pytest

from flows.commands import command_line, options
from flows.commands.options import Options
from flows.errors import NotSetUpError, UsageError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{late_after_minutes: 20}", {"late_after_minutes": 20}),
        ('{"a": [1, 2], "b": {"c": null}}', {"a": [1, 2], "b": {"c": None}}),
        ("a: 1\nb: x", {"a": 1, "b": "x"}),
        ("", {}),
    ],
)
def test_variables_are_yaml_or_json(text: str, value: dict[str, Any]) -> None:
    assert options.parse_vars(text) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{a: ", "line 1, column"),
        ("20", "the value 20"),
        ("[1]", "a list"),
        ("late_after_minutes", "a text"),
        ("{1: 2}", "1 is no name"),
    ],
)
def test_other_variables_are_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        options.parse_vars(text)
    assert "--vars" in str(refused.value)


def test_equal_variables_are_one_text() -> None:
    one = options.from_parameters(variables={"b": 1, "a": {"d": 2, "c": 3}})
    assert one == options.from_parameters(variables={"a": {"c": 3, "d": 2}, "b": 1})
    assert one.variables == '{"a": {"c": 3, "d": 2}, "b": 1}'
    dated = options.from_parameters(variables=options.parse_vars("{from: 2013-01-01}"))
    assert dated.variables == '{"from": "2013-01-01"}'
    with pytest.raises(UsageError, match="neither text, number"):
        options.from_parameters(variables={"a": object()})


def test_criteria_are_split_as_by_a_shell() -> None:
    made = options.from_parameters(select="fct_flights+ tag:a,tag:b 'path:my models'", exclude="")
    assert made.select == ("fct_flights+", "tag:a,tag:b", "path:my models")
    assert (made.exclude, made.narrows) == ((), True)
    assert not Options().narrows


@pytest.mark.parametrize("text", ["--full-refresh", "a,,b", "a,", "'a"])
def test_what_cannot_be_a_criterion_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="--exclude"):
        options.from_parameters(exclude=text)


@pytest.mark.parametrize("seconds", [-1, float("nan"), 1e9])
def test_a_wait_is_at_most_a_day(seconds: float) -> None:
    with pytest.raises(UsageError, match="--wait"):
        options.from_parameters(wait_seconds=seconds)


def test_a_switch_is_the_runs_or_else_the_stacks() -> None:
    profile = {"global_configs": {"extras": {"seeds": False, "freshness": True}}}
    asked = options.from_parameters(seeds=True).with_switches(profile, "b")
    assert (asked.seeds, asked.snapshots, asked.freshness) == (True, True, True)
    plain = Options().with_switches({"global_configs": None}, "b")
    assert (plain.seeds, plain.snapshots, plain.unit_tests, plain.freshness) == (True, True, True, False)
    assert plain.show_failing_rows is False
    with pytest.raises(NotSetUpError, match="the block b say seeds: 'no'"):
        Options().with_switches({"global_configs": {"extras": {"seeds": "no"}}}, "b")


def test_what_is_switched_off_is_left_out() -> None:
    assert Options().left_out == ()
    assert Options(seeds=True, snapshots=False, unit_tests=False).left_out == ("snapshot", "unit_test")


def test_the_command_line_becomes_parameters_of_the_flow() -> None:
    def parameters(*arguments: str) -> dict[str, Any]:
        return command_line.parameters(command_line.parser().parse_args(arguments))

    assert parameters() == {}
    assert parameters("--select", "a", "b", "--select", "path:my models", "--exclude", "c") == {
        "select": "a b 'path:my models'",
        "exclude": "c",
    }
    assert parameters("--vars", "{a: 1}", "--full-refresh", "--resume", "--wait", "3") == {
        "vars": {"a": 1},
        "full_refresh": True,
        "resume": True,
        "wait_seconds": 3.0,
    }
    assert parameters("--no-seeds", "--no-unit-tests") == {"seeds": False, "unit_tests": False}
