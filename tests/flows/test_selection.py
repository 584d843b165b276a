"""Which tests go when seeds or snapshots are left out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flows.engine import selection


def node(kind: str, name: str, attached: str | None = None, reads: tuple[str, ...] = ()) -> Any:
    return SimpleNamespace(
        resource_type=kind,
        fqn=["p", *name.split("/")],
        attached_node=attached,
        depends_on=SimpleNamespace(nodes=list(reads)),
    )


def left_out(*nodes: Any) -> list[str]:
    manifest = SimpleNamespace(nodes=dict(enumerate(nodes)))
    return selection.tests_of(("seed",), manifest)


def test_tests_of_a_seed_and_of_nothing_else_go() -> None:
    nodes = (
        node("seed", "s"),
        node("test", "of_seed", "seed.p.s"),
        node("test", "of_model", "model.p.m", ("model.p.m", "seed.p.s")),
        node("test", "singular", None, ("seed.p.s",)),
        node("test", "compares", None, ("seed.p.s", "model.p.m")),
        node("test", "reads_nothing"),
    )
    assert left_out(*nodes) == ["p.of_seed", "p.singular"]


def test_a_name_that_would_take_others_along_does_not_go() -> None:
    marts = node("test", "marts", None, ("seed.p.s",))
    assert left_out(marts) == ["p.marts"]
    assert left_out(marts, node("test", "marts/of_model", "model.p.m")) == []
    assert left_out(node("test", "two words", "seed.p.s"), node("test", "a,b", "seed.p.s")) == []
