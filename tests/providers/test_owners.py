"""What one stack, another one and a person do to each other's objects, kind by kind, on a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from providers.api.errors import NameTakenError, RejectedError
from providers.api.http import Requests
from providers.api.server import Server
from providers.engine.claims import Claims
from providers.engine.lifecycle import Lifecycle
from providers.kinds.registry import kind_named
from tests.providers import object_mixtures
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real
OURS, THEIRS = "try/dev#11111111", "try/dev#22222222"
KINDS = (*object_mixtures.ORDER, "block")
MARKED = [kind for kind in KINDS if kind_named(kind).marked]
Command = Callable[[str], Lifecycle]


@pytest.fixture
def http(prefect: PrefectServer) -> Iterator[Requests]:
    with closing(Requests(Server(prefect.url))) as http:
        yield http


@pytest.fixture(autouse=True)
def pool_of_the_queue(prefect: PrefectServer, prefix: str) -> None:
    """A person's, and none that the cases are about."""
    prefect.call("POST", "/work_pools/", json={"name": f"{prefix}other-pool", "type": "process"})


def given(kind: str, prefix: str, owner: str, **more: Any) -> dict[str, Any]:
    block = {"block_type": "secret", "block_name": f"{prefix}block", "data": {"value": "x"}}
    inputs = block if kind == "block" else object_mixtures.inputs(prefix, 1)[kind]
    queue = {"work_pool_name": f"{prefix}other-pool"} if kind == "work-queue" else {}
    return {**inputs, **queue, "owner": owner, "dry_run": True, **more}


def command(kind: str, http: Requests, directory: Path, owner: str) -> Lifecycle:
    """One run of `pulumi` of a stack, on its own machine."""
    return Lifecycle(kind_named(kind), lambda: http, claims=Claims(directory / owner[-8:]))


def inputs_of(lifecycle: Lifecycle, props: dict[str, Any]) -> dict[str, Any]:
    """What a program that is right comes to, as the engine hands it on."""
    checked = lifecycle.check({}, props)
    assert checked.problems == []
    return {**checked.inputs, **({"data": props["data"]} if "data" in props else {})}


class NotYet(Claims):
    """What a resource reads that is created at the same moment: the other's claim is not written yet."""

    def __contains__(self, what: tuple[str, ...]) -> bool:
        return False


@pytest.mark.parametrize("kind", KINDS)
def test_two_of_a_program_that_are_the_same_are_told_so_however_close_they_are(
    kind: str, http: Requests, prefix: str
) -> None:
    run = Lifecycle(kind_named(kind), lambda: http, claims=NotYet())
    props = inputs_of(run, given(kind, prefix, OURS))
    props.pop("dry_run", None)
    made, outputs = run.create(props)
    with pytest.raises(NameTakenError, match="two resources of this program declare the same"):
        run.create(props)
    assert run.read(made, outputs) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_anothers_is_refused_at_preview_and_at_up_though_it_is_the_same(
    kind: str, http: Requests, prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up = command(kind, http, tmp_path, OURS)
    made, props = up.create(inputs_of(up, given(kind, prefix, OURS)))
    label = kind_named(kind).label(props)
    theirs = command(kind, http, tmp_path, THEIRS)
    [problem] = theirs.check({}, given(kind, prefix, THEIRS)).problems
    assert f"already has {label}, with the same settings" in problem
    assert ("of the Pulumi stack try/dev" in problem) == (kind in MARKED)
    with pytest.raises(NameTakenError, match="set adopt=True"):
        theirs.create(props | {"owner": THEIRS, "data": given(kind, prefix, OURS).get("data")})
    # Ours, whose `up` was interrupted before this came into the state.
    again = command(kind, http, tmp_path, OURS)
    assert again.create(inputs_of(again, given(kind, prefix, OURS)))[0] == made
    assert capsys.readouterr().err == ""
    # The mark is no drift.
    refresh = command(kind, http, tmp_path, OURS)
    found = refresh.read(made, props)
    assert found is not None
    assert not refresh.diff(made, found, props).changes
    command(kind, http, tmp_path, OURS).delete(made, props)
    assert command(kind, http, tmp_path, OURS).read(made, props) is None
    # Gone, it is anybody's.
    assert command(kind, http, tmp_path, THEIRS).check({}, given(kind, prefix, THEIRS)).problems == []


@pytest.mark.parametrize("kind", KINDS)
def test_taking_over_is_told_at_preview_and_ends_the_other_stacks_say(
    kind: str, http: Requests, prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up = command(kind, http, tmp_path, OURS)
    made, props = up.create(inputs_of(up, given(kind, prefix, OURS)))
    theirs = command(kind, http, tmp_path, THEIRS)
    taken = inputs_of(theirs, given(kind, prefix, THEIRS, adopt=True))
    assert f"adopt: {kind_named(kind).label(props)}" in capsys.readouterr().err
    assert theirs.create(taken)[0] == made
    if kind in MARKED:
        assert command(kind, http, tmp_path, OURS).read(made, props) is None
        command(kind, http, tmp_path, OURS).delete(made, props)
        assert command(kind, http, tmp_path, THEIRS).read(made, taken) is not None
    command(kind, http, tmp_path, THEIRS).delete(made, taken)
    assert command(kind, http, tmp_path, THEIRS).read(made, taken) is None


def test_what_a_person_made_is_refused_at_preview(
    prefect: PrefectServer, http: Requests, prefix: str, tmp_path: Path
) -> None:
    same = {"name": f"{prefix}variable", "value": {"version": 1}}
    prefect.call("POST", "/variables/", json=same)
    up = command("variable", http, tmp_path, OURS)
    [problem] = up.check({}, given("variable", prefix, OURS)).problems
    assert "which nothing shows to be this stack's" in problem


def test_schedules_of_a_deployment_that_is_taken_over_do_not_run_twice(
    prefect: PrefectServer, http: Requests, prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of `prefect deploy` have no name, or another one."""
    flow = prefect.call("POST", "/flows/", json={"name": f"{prefix}flow"})["id"]
    crons = ("0 5 * * *", "0 2 * * *", "0 7 * * *")
    there: list[dict[str, Any]] = [{"schedule": {"cron": cron, "timezone": "UTC"}} for cron in crons]
    there[2]["slug"] = "hourly"
    body = {"name": "nightly", "flow_id": flow, "schedules": there}
    made = prefect.call("POST", "/deployments/", json=body)["id"]
    given = {
        "name": "nightly",
        "flow_name": f"{prefix}flow",
        "schedules": {"at-two": {"cron": "0 2 * * *"}, "at-four": {"cron": "0 4 * * *"}},
        "owner": OURS,
        "dry_run": True,
    }
    up = command("deployment", http, tmp_path, OURS)
    [problem] = up.check({}, given).problems
    assert "adopt=True" in problem
    props = inputs_of(up, given | {"adopt": True})
    told = capsys.readouterr().err
    assert "its schedule `0 2 * * *` becomes 'at-two'" in told
    assert "its schedule `0 5 * * *` becomes 'at-four'" in told
    assert "its schedule `0 7 * * *` (hourly) stays, and makes runs beside the program's" in told
    assert up.create(props)[0] == made
    found = prefect.call("GET", f"/deployments/{made}/schedules")
    assert {one["slug"]: one["schedule"]["cron"] for one in found} == {
        "at-two": "0 2 * * *",
        "at-four": "0 4 * * *",
        "hourly": "0 7 * * *",
    }
    # What people add later is theirs, and stays.
    prefect.call("POST", f"/deployments/{made}/schedules", json=[{"schedule": {"cron": "0 9 * * *"}}])
    again = command("deployment", http, tmp_path, OURS)
    assert again.create(props)[0] == made
    assert len(prefect.call("GET", f"/deployments/{made}/schedules")) == 4


def test_what_was_changed_between_the_interruption_and_the_next_up_is_made_so(
    prefect: PrefectServer, http: Requests, prefix: str, tmp_path: Path
) -> None:
    up = command("variable", http, tmp_path, OURS)
    made, _ = up.create(inputs_of(up, given("variable", prefix, OURS)))
    again = command("variable", http, tmp_path, OURS)
    assert again.create(inputs_of(again, given("variable", prefix, OURS, value=2)))[0] == made
    assert prefect.call("GET", f"/variables/{made}")["value"] == 2


def test_what_a_program_only_refers_to_may_be_anybodys(http: Requests, prefix: str, tmp_path: Path) -> None:
    block = command("block", http, tmp_path, THEIRS)
    made, props = block.create(inputs_of(block, given("block", prefix, THEIRS)))
    named = {"block_type": "secret", "block_name": f"{prefix}block", "owner": OURS, "dry_run": True}
    up = command("existing-block", http, tmp_path, OURS)
    found, referred = up.create(inputs_of(up, named))
    assert found == made
    # Looked up each time, whether anything has changed or not.
    again = command("existing-block", http, tmp_path, OURS)
    checked = again.check(referred, named)
    assert (checked.problems, again.diff(found, referred, checked.inputs).changes) == ([], False)
    up.delete(found, referred)
    assert block.read(made, props) is not None
    command("block", http, tmp_path, THEIRS).delete(made, props)
    [gone] = again.check(referred, named | {"declared_at": "infra/automations.py:7"}).problems
    assert f"has no block secret/{prefix}block" in gone
    assert gone.endswith("(infra/automations.py:7)")
    # Made anew, it has another id.
    anew, _ = command("block", http, tmp_path, THEIRS).create(props)
    assert again.diff(found, referred, again.check(referred, named).inputs).replaces == ["found"]
    assert command("existing-block", http, tmp_path, OURS).create(checked.inputs)[0] == anew


def test_what_prefect_declines_names_the_line_that_declares_it(
    prefect: PrefectServer, http: Requests, prefix: str, tmp_path: Path
) -> None:
    prefect.call("POST", "/work_pools/", json={"name": f"{prefix}pool", "type": "process"})
    up = command("work-queue", http, tmp_path, OURS)
    declared = given("work-queue", prefix, OURS, declared_at="__main__.py:12", priority=1)
    checked = up.check({}, declared)
    assert "declared_at" not in checked.inputs
    with pytest.raises(
        RejectedError, match=rf"HTTP 422; .*priority.*\(work queue '.*{prefix}queue', __main__.py:12\)"
    ):
        up.create(checked.inputs | {"priority": "first"})
