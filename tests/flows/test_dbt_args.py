from __future__ import annotations

from pathlib import Path

from flows.dbt_args import Command, arguments


def made(command: Command, target: str = "dev") -> list[str]:
    return arguments(command, target=target, project_dir=Path("/p"), profiles_dir=Path("/t"))


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


def test_dbt_reports_to_nobody_else() -> None:
    assert all("--no-send-anonymous-usage-stats" in made(command) for command in ("parse", "run", "test"))
