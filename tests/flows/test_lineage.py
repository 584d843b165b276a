"""What nodes are called, and which tests belong to what is left out."""

from __future__ import annotations

from tests.flows.documents import lineage, parsed


def test_two_versions_of_a_model_have_two_names() -> None:
    found = lineage(parsed("model.p.dim.v1"), parsed("model.p.dim.v2"), parsed("model.p.fct"))
    assert [found.name(f"model.p.{one}") for one in ("dim.v1", "dim.v2", "fct")] == [
        "dim.v1",
        "dim.v2",
        "fct",
    ]
    assert found.name("model.p.gone") is None


def test_models_of_one_name_in_two_packages_have_two_names() -> None:
    found = lineage(parsed("model.p.dim"), parsed("model.q.dim"), parsed("test.p.dim"))
    assert found.name("model.p.dim") == "p.dim"
    assert found.name("model.q.dim") == "q.dim"
    assert found.name("test.p.dim") == "dim"


def test_tests_of_a_seed_and_of_nothing_else_go_with_it() -> None:
    found = lineage(
        parsed("seed.p.s"),
        parsed("test.p.of_seed", tests=("seed.p.s",)),
        # Its name begins another's, and holds what dbt's criteria have words for.
        parsed("test.p.of_seed_too", tests=("model.p.m",)),
        parsed("test.p.two words, and a comma", tests=("seed.p.s",)),
        parsed("test.p.compares", tests=("seed.p.s", "model.p.m")),
        parsed("test.p.reads_nothing"),
    )
    assert found.tests_of(("seed",)) == {"test.p.of_seed", "test.p.two words, and a comma"}


def test_hooks_are_known() -> None:
    assert lineage(parsed("operation.p.p-on-run-end-0"), parsed("model.p.m")).hooks() == {
        "operation.p.p-on-run-end-0"
    }
