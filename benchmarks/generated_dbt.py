"""A dbt project of any size whose nodes cost next to nothing, so that what is around them is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PROJECT = """\
name: generated
version: "1.0"
profile: projet_m2_bi
model-paths: [models]
flags:
  send_anonymous_usage_stats: false
models:
  generated:
    +materialized: table
"""
_LAYERS = 5


def write(directory: Path, nodes: int) -> None:
    """Write a project of ``nodes`` nodes: models in at most five layers and, on each, a test.

    Half of the nodes, rounded up, are models. No seed: `dbt run` would leave it out, `dbt build` would not.
    """
    models = (nodes + 1) // 2
    tested = nodes - models
    (directory / "models").mkdir(parents=True)
    (directory / "dbt_project.yml").write_text(_PROJECT)
    width = -(-models // _LAYERS)
    lines = ["models:"]
    for number in range(models):
        (directory / "models" / f"{_name(number)}.sql").write_text(_sql(number, width))
        lines.append(f"  - name: {_name(number)}")
        if number < tested:
            lines += ["    columns:", "      - name: id", "        data_tests: [not_null]"]
    (directory / "models" / "models.yml").write_text("\n".join(lines) + "\n")


def _name(number: int) -> str:
    return f"model_{number:03}"


def _sql(number: int, width: int) -> str:
    if number < width:
        return f"select {number} as id\n"
    above = f"{{{{ ref('{_name(number - width)}') }}}}"
    return f"select id + {width} as id from {above}\n"
