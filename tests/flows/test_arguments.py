from __future__ import annotations

from pathlib import Path

from flows.commands.options import Options
from flows.engine.arguments import Command, of_command


def made(command: Command, target: str = "dev") -> list[str]:
    return of_command(command, profile="p", target=target, project_dir=Path("/p"), profiles_dir=Path("/t"))


def test_run_builds_everything_but_tests() -> None:
    assert made("run")[:5] == [
        "build",
        "--exclude-resource-type",
        "test",
        "--exclude-resource-type",
        "unit_test",
    ]


def test_each_target_has_its_own_directories() -> None:
    dev, prod = " ".join(made("test")), " ".join(made("test", "prod"))
    assert "--target dev --target-path /p/target/dev --log-path /p/logs/dev" in dev
    assert "--target prod --target-path /p/target/prod --log-path /p/logs/prod" in prod


def test_dbt_is_told_the_profile_whatever_the_shell_or_the_project_says() -> None:
    for command in ("parse", "list", "run", "test", "docs"):
        assert made(command)[made(command).index("--profile") + 1] == "p"


def test_dbt_reports_to_nobody_else() -> None:
    assert all("--no-send-anonymous-usage-stats" in made(command) for command in ("parse", "run", "test"))


def test_dbt_reads_the_project_itself_whatever_the_shell_says() -> None:
    assert all("--no-use-v2-parser" in made(command) for command in ("parse", "list", "run", "test", "docs"))


def test_options_go_to_the_commands_that_take_them() -> None:
    options = Options(select=("a", "b"), exclude=("c",), full_refresh=True, variables='{"n": 1}')
    chosen = ["--select", "a", "--select", "b", "--exclude", "c"]
    variables = ["--vars", '{"n": 1}']
    assert added("parse", options) == variables
    assert added("test", options) == [*variables, *chosen]
    assert added("run", options) == [*variables, *chosen, "--full-refresh"]
    assert added("list", options) == [*variables, *chosen]


def test_unit_tests_are_left_out_where_they_are_switched_off() -> None:
    off = Options(unit_tests=False)
    assert "--exclude-resource-type unit_test" in " ".join(
        of_command(
            "test", profile="p", target="dev", project_dir=Path("/p"), profiles_dir=Path("/t"), options=off
        )
    )
    assert "unit_test" not in made("test")
    assert "unit_test" not in of_command(
        "list", profile="p", target="dev", project_dir=Path("/p"), profiles_dir=Path("/t"), options=off
    )


def added(command: Command, options: Options) -> list[str]:
    plain = made(command)
    chosen = of_command(
        command, profile="p", target="dev", project_dir=Path("/p"), profiles_dir=Path("/t"), options=options
    )
    return [argument for argument in chosen if argument not in plain]
