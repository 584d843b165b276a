"""What a project needs of a stack, which settings lack, and how they get into its file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace as Object
from typing import Any

import pytest
import yaml

from flows import adopt
from flows.engine import parsing
from flows.engine.internals import needing
from flows.errors import DbtError, NotSetUpError
from flows.project import missing, needs, stack, variables
from flows.project.missing import Setting
from flows.target import names
from tests import forks
from tests.flows.servers import ROOT

ANY = ROOT / "tests" / "flows" / "any_dbt"
MAIN = ("demo-flights", "demo_flights_dev")
FILE = """\
# What this stack is for.
config:
  gcp:project: demo-flights
  projet-m2-bi:threads: "1" # one
  # The end.
"""


class Config(Object):
    def get(self, name: str) -> Any:
        return getattr(self, name, None)


def node(name: str, kind: str = "model", schema: str = MAIN[1], **given: Any) -> Any:
    config = {"materialized": "table", **given.pop("config", {})}
    made = {
        "unique_id": f"{kind}.shop.{name}",
        "name": name,
        "resource_type": kind,
        "database": MAIN[0],
        "schema": schema,
        "depends_on": Object(nodes=[]),
        "config": Config(**config),
        "tags": [],
        "raw_code": "",
        "should_store_failures": False,
        "language": "sql",
    }
    return Object(**made | given)


def manifest(*nodes: Any, sources: tuple[Any, ...] = ()) -> Any:
    return Object(
        nodes={one.unique_id: one for one in nodes}, sources={one.unique_id: one for one in sources}
    )


def place(name: str) -> needs.Place:
    return MAIN[0], name


def test_what_is_built_is_written_and_what_is_not_is_not() -> None:
    found = needing.of(
        manifest(
            node("a", schema="one"),
            node("b", schema="two", config={"materialized": "ephemeral"}),
            node("c", "seed", schema="three"),
            node("d", "snapshot", schema="four"),
            node("e", "test", schema="five"),
            node("f", "test", schema="six", should_store_failures=True),
        ),
        MAIN,
    )
    assert found.writes == {
        place("one"): ["a"],
        place("three"): ["c"],
        place("four"): ["d"],
        place("six"): ["f"],
    }


def test_sources_are_read_but_not_where_dbt_writes_them() -> None:
    parents = Object(nodes=["source.town", "source.seeded"])
    sources = tuple(
        Object(unique_id=f"source.{name}", source_name="s", name=name, database=MAIN[0], schema=name)
        for name in ("town", "seeded", "nobodys")
    )
    found = needing.of(
        manifest(node("a", depends_on=parents), node("b", "seed", "seeded"), sources=sources), MAIN
    )
    assert found.reads == {place("town"): ["s.town"]}


def test_what_holds_no_rows_reads_for_those_that_read_it() -> None:
    source = Object(unique_id="source.town", source_name="s", name="town", database=MAIN[0], schema="raw")
    part = node("part", config={"materialized": "ephemeral"}, depends_on=Object(nodes=["source.town"]))
    view = node("view", config={"materialized": "view"}, depends_on=Object(nodes=["model.shop.part"]))
    kept = node("kept", depends_on=Object(nodes=["model.shop.view"]))
    reader = node("reader", depends_on=Object(nodes=["model.shop.kept"]))
    question = node("question", "analysis", depends_on=Object(nodes=["source.town"]))
    for nodes, selected, expected in (
        # Nothing of an ephemeral model, nor of an analysis, comes to BigQuery but in what reads it.
        ((part, question), None, []),
        ((part, view), None, [place("raw")]),
        # A view reads anew each time, a table does not.
        ((part, view, kept, reader), {"model.shop.kept"}, [place("raw")]),
        ((part, view, kept, reader), {"model.shop.reader"}, []),
    ):
        found = needing.of(manifest(*nodes, sources=(source,)), MAIN, selected)
        assert list(found.reads) == expected


def test_only_what_is_selected_counts_and_hooks_in_any_case() -> None:
    hook = node("on-run-end-0", "operation", raw_code="grant select on schema x to y", tags=["on-run-end"])
    found = needing.of(
        manifest(node("a", schema="one"), node("b", schema="two"), hook), MAIN, {"model.shop.b"}
    )
    assert list(found.writes) == [place("two")]
    assert found.grants == {MAIN: ["the hook on-run-end-0"]}
    assert found.hooks == {"on-run-end": 1}


def test_each_way_to_give_access_is_seen() -> None:
    access = [{"project": "other-project", "dataset": "open"}, {"dataset": "near"}]
    hook = Config(sql="GRANT `roles/bigquery.dataViewer` ON TABLE {{ this }} TO 'group:a@b.c'")
    found = needing.of(
        manifest(
            node("a", schema="one", config={"grants": {"roles/bigquery.dataViewer": ["user:a@b.c"]}}),
            node("b", config={"grant_access_to": access}),
            node("c", schema="two", config={"post_hook": [hook]}),
            node(
                "d", schema="three", config={"post_hook": [Config(sql="select 1 as granted")], "grants": {}}
            ),
        ),
        MAIN,
    )
    assert list(found.grants) == [place("one"), ("other-project", "open"), place("near"), place("two")]
    assert found.hooks == {"post-hook": 2}


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(names, "PROJECT_ROOT", tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: projet-m2-bi\n")
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(FILE)
    return file


def loaded() -> stack.Stack:
    found = stack.load("dev")
    assert found is not None
    return found


def test_an_entry_is_as_short_as_can_be_and_means_the_same(dev: Path) -> None:
    found = loaded()
    assert found.main == MAIN
    for one, entry in (
        (place("demo_flights_dev_staging"), "_staging"),
        (place("warehouse"), "warehouse"),
        (place("_hidden"), "demo-flights._hidden"),
        (("other-project", "town"), "other-project.town"),
    ):
        assert (found.entry(one), found.place(entry)) == (entry, one)


def test_what_lacks_is_a_command_each(dev: Path) -> None:
    found = needs.Needs(
        writes={MAIN: ["a"], place("demo_flights_dev_staging"): ["b", "c", "d"]},
        reads={place("demo_flights_dev_raw"): ["raw.x"], ("other-project", "town"): ["town.y"]},
        grants={MAIN: ["grants of a"], place("open"): ["grant_access_to of b"]},
        python=["p"],
    )
    lacking = missing.settings(loaded(), found, {"NEEDED": True, "SET": True, "DEFAULTED": False}, {"SET"})
    assert missing.commands(loaded(), lacking) == [
        "pulumi config set --path 'projet-m2-bi:datasets[0]' _staging -s dev",
        "pulumi config set --path 'projet-m2-bi:readDatasets[0]' other-project.town -s dev",
        "pulumi config set --path 'projet-m2-bi:grantingDatasets[0]' demo_flights_dev -s dev",
        "pulumi config set --path 'projet-m2-bi:readDatasets[1]' open -s dev",
        "pulumi config set --path 'projet-m2-bi:grantingDatasets[1]' open -s dev",
        "pulumi config set --path 'projet-m2-bi:dbtProfile.gcs_bucket' VALUE -s dev",
        "pulumi config set --path 'projet-m2-bi:dbtProfile.compute_region' VALUE -s dev",
        "pulumi config set --path 'projet-m2-bi:dbtEnvironment.NEEDED' VALUE -s dev",
    ]
    left = missing.write(loaded(), lacking)
    assert {one.name for one in left} == {"dbtProfile", "dbtEnvironment"}
    written = yaml.safe_load(dev.read_text())["config"]
    assert written["projet-m2-bi:datasets"] == ["_staging"]
    assert written["projet-m2-bi:readDatasets"] == ["other-project.town", "open"]
    assert dev.read_text().startswith(FILE.removesuffix("  # The end.\n"))
    assert "# The end." in dev.read_text()
    dev.write_text(dev.read_text() + "  projet-m2-bi:dbtProfile: {gcs_bucket: b, dataproc_region: r}\n")
    assert missing.settings(loaded(), found, {}) == []


@pytest.mark.parametrize(
    "before",
    [
        "config:\n  projet-m2-bi:datasets:\n    - one\n    # more\n    - two\n\n  gcp:project: p-roject\n",
        "config:\n  gcp:project: p-roject\n  projet-m2-bi:datasets: [one, two]\n",
        'config:\n  projet-m2-bi:datasets: \'["one", "two"]\'\n  gcp:project: p-roject\nencryptionsalt: x\n',
        "config:\n  gcp:project: p-roject\n  projet-m2-bi:datasets:\n  - one\n  - two",
    ],
)
def test_a_list_grows_however_it_is_written(dev: Path, before: str) -> None:
    dev.write_text(before)
    stack.add(dev, "datasets", ["_three"])
    after, kept = yaml.safe_load(dev.read_text()), yaml.safe_load(before)
    assert after["config"].pop("projet-m2-bi:datasets") == ["one", "two", "_three"]
    del kept["config"]["projet-m2-bi:datasets"]
    assert after == kept


@pytest.mark.parametrize("before", ["", "# nothing\n", "encryptionsalt: x\n"])
def test_a_file_without_settings_gets_some(dev: Path, before: str) -> None:
    dev.write_text(before)
    stack.add(dev, "datasets", ["_a"])
    assert yaml.safe_load(dev.read_text())["config"] == {"projet-m2-bi:datasets": ["_a"]}


def test_a_stack_of_another_name_has_its_settings_under_it(dev: Path) -> None:
    (dev.parent / "Pulumi.yaml").write_text("name: shop\n")
    lacking = [Setting("datasets", "_a", "it is needed")]
    assert missing.commands(loaded(), lacking) == ["pulumi config set --path 'shop:datasets[0]' _a -s dev"]


def test_variables_are_found_in_each_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.sql").write_text(
        "{{ env_var('A') }} {{ env_var( \"B\" , 'b') }} {{ env_var('B', 1) }}"
        "{% if env_var('E', '') %} {{ env_var('E') }} {% endif %}"
    )
    (tmp_path / "models" / "b.sql").write_text("{{ env_var('F', '') }}")
    (tmp_path / "models" / "c.sql").write_text("{{ env_var('F') }}")
    (tmp_path / "dbt_project.yml").write_text("name: \"{{ env_var('C') }}\"\n")
    (tmp_path / "models" / "a.yml").write_text("models: [{name: \"{{ env_var('D') }}\"}]\n")
    # A package has its own tests, another project, in which it is installed itself.
    (tmp_path / "dbt_packages").mkdir()
    package = tmp_path.with_name(f"{tmp_path.name}-package")
    for directory, name in ((package, "P"), (package / "integration_tests", "TESTS")):
        directory.mkdir()
        (directory / "dbt_project.yml").write_text(f"name: \"{{{{ env_var('{name}') }}}}\"\n")
    (package / "integration_tests" / "again").symlink_to(package)
    (package / "again").symlink_to(package / "images")
    (package / "images").mkdir()
    (package / "images" / "loop").symlink_to(package / "images")
    (tmp_path / "dbt_packages" / "package").symlink_to(package)
    assert variables.of(tmp_path) == {
        "A": True,
        "B": False,
        "C": True,
        "D": True,
        "E": False,
        "F": True,
        "P": True,
    }


def test_variables_are_not_asked_for_where_dbt_renders_nothing(tmp_path: Path) -> None:
    call = "{{ env_var('X') }}"
    for name, text in {
        "dbt_project.yml": f"name: a  # {call}\nmodel-paths: [models, more/models]\ndata-paths: [data]\n",
        "profiles.yml": f'x: "{call}"\n',
        "README.md": call,
        "docs/how.yml": f'x: "{call}"\n',
        "target/b.sql": call,
        "models/docs.md": f"{{% docs a %}}{call}{{% enddocs %}}",
        "models/model.py": "# env_var('X')",
        "models/a.sql": f"{{# {call} #}} {{% raw %}}{call}{{% endraw %}} select 1",
        "models/a.yml": f"models: []\n# {call}\n",
        "more/models/b.sql": "select '{{ env_var(\"B\") }}'",
        "more/others/c.sql": call,
        "data/seeds.yml": "seeds: [{name: a, description: \"{{ env_var('S', 's') }}\"}]\n",
        "seeds/old.yml": f'x: "{call}"\n',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert variables.of(tmp_path) == {"B": True, "S": False}


def test_a_variable_that_a_file_asks_for_all_the_same_is_told(
    dev: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def parse(*_: object) -> None:
        raise DbtError("dbt parse stopped: Env var required but not provided: 'E'")

    (tmp_path / "dbt_project.yml").write_text("name: a\n")
    monkeypatch.setattr(parsing, "needs", parse)
    with pytest.raises(NotSetUpError, match=r"dbtEnvironment\.E' VALUE -s dev"):
        adopt.look("dev", str(tmp_path))


def told_by_the_docs() -> list[str]:
    """What docs/your-project.md says that this project lacks."""
    page = (ROOT / "docs" / "your-project.md").read_text()
    return ("error:" + page.partition("```\nerror:")[2].partition("```")[0]).splitlines()


@pytest.mark.real
def test_a_project_is_read_and_what_lacks_is_written(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    root.mkdir()
    shutil.copytree(ROOT / "flows", root / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ANY, root / "dbt")
    (root / "Pulumi.yaml").write_text("name: projet-m2-bi\n")
    (root / "Pulumi.dev.yaml").write_text(FILE)

    (root / "Pulumi.prod.yaml").write_text(FILE)

    def adopt(*options: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "flows.adopt", *options]
        return forks.run(words, cwd=root, env=os.environ)

    done = adopt()
    assert done.returncode == 3, done.stdout + done.stderr
    assert "packages: helpers" in done.stdout
    assert "hooks: 1 on-run-end, 1 on-run-start, 1 post-hook" in done.stdout
    told = done.stderr[done.stderr.index("error: ") :].splitlines()
    assert [line for line in told if not line.endswith(" -s prod")] == told_by_the_docs()
    # In prod alone this project has its marts elsewhere.
    (prod,) = [line for line in told if "[3]" in line and line.endswith(" -s prod")]
    assert "_shown" in prod
    file = root / "Pulumi.dev.yaml"
    file.write_text(FILE + "  projet-m2-bi:dbtEnvironment:\n    KIOSK_TOWN: Lyon\n")
    done = adopt("--target", "dev", "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    written = yaml.safe_load(file.read_text())["config"]
    assert written["projet-m2-bi:datasets"] == ["_failures", "_history", "_landing", "_marts", "_staging"]
    assert written["projet-m2-bi:readDatasets"] == ["_town"]
    assert written["projet-m2-bi:grantingDatasets"] == ["_marts"]
