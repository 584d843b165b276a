"""Whether BigQuery lets dbt use the datasets that the project needs, asked before dbt's first query.

What the stack grants is one way to an access; somebody may have granted more by hand. So BigQuery is asked,
and where it refuses, the settings are named that grant it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from flows.errors import NotSetUpError
from flows.project import missing, variables
from flows.project import stack as stacks
from flows.project.missing import Setting
from flows.project.needs import PYTHON_SETTINGS
from flows.target import names, sign_in, warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.project.needs import Needs, Place
    from flows.target.dbt_profile import DbtProfile

_AT_A_TIME = 8
_OWNER = {"OWNER", "roles/bigquery.dataOwner", "roles/bigquery.admin"}
_LISTS = {"write": "datasets", "read": "readDatasets", "grant": "grantingDatasets"}


def check(profile: DbtProfile, needs: Needs, project_dir: Path) -> None:
    """Ask BigQuery about each dataset that is not the target's own, two small requests at most, side by side.

    A Python model is told what the profile lacks for it, too. A BigQuery that does not answer is left to dbt.

    Raises NotSetUpError that names each dataset which is absent or refused, and the settings for it.
    """
    main = (str(profile.output["project"]), str(profile.output["schema"]))
    wanted = {
        "write": [place for place in needs.writes if place != main],
        "read": [place for place in needs.reads if place not in {main, *needs.writes}],
        "grant": list(needs.grants),
    }
    asked = [(way, place) for way, places in wanted.items() for place in places]
    refusals = []
    if asked:
        with warehouse.session(profile) as session, ThreadPoolExecutor(_AT_A_TIME) as pool:
            account = sign_in.account(profile, session.credentials)
            answers = pool.map(lambda one: _refusal(profile, session, account, *one), asked)
            refusals = [(way, place, why) for (way, place), why in zip(asked, answers, strict=True) if why]
    lacking = [Setting(_LISTS[way], missing.name_of(place), why) for way, place, why in refusals]
    lacking += _of_python(profile, needs)
    if lacking:
        raise NotSetUpError("\n".join(_lines(profile.target, needs, lacking, project_dir)))


def _refusal(profile: DbtProfile, session: Any, account: str, way: str, place: Place) -> str:
    """Return why the identity can't use the dataset in this way; "" where it can, or nobody knows."""
    name = missing.name_of(place)
    status, answer = warehouse.dataset(profile, session, *place)
    if status == 404:
        return f"the dataset {name} does not exist"
    if status == 403:
        return f"{account} may not see the dataset {name}, if there is one"
    if status != 200:
        return ""
    if way == "grant":
        mine = {one.get("role") for one in answer.get("access") or () if account in str(one)}
        return f"{account} may not give access in the dataset {name}" if mine and not mine & _OWNER else ""
    if way == "write" and not warehouse.may_create(profile, session, *place):
        return f"{account} may not make tables in the dataset {name}"
    return ""


def _of_python(profile: DbtProfile, needs: Needs) -> list[Setting]:
    if not needs.python:
        return []
    lacking = [name for name in PYTHON_SETTINGS if not profile.output.get(name)]
    lacking = [
        name for name in lacking if name != "compute_region" or not profile.output.get("dataproc_region")
    ]
    why = f"the Python model {needs.python[0]} needs it"
    return [Setting("dbtProfile", name, why, known=False) for name in lacking]


def _lines(target: str, needs: Needs, lacking: list[Setting], project_dir: Path) -> Iterator[str]:
    yield f"the target {target} lacks what this dbt project needs:"
    # What is written to and given access in is asked about twice.
    yield from dict.fromkeys(
        f"  {one.why}" if one.known else f"  {one.why}: {one.name}.{one.value}" for one in lacking
    )
    stack = stacks.load(target)
    if stack is None:
        yield f"Where Pulumi.{target}.yaml is: `python -m flows.adopt --target {target} --write`, then "
        yield f"{names.bring_up(target)}."
        return
    in_file = missing.settings(stack, needs, variables.of(project_dir))
    lines = missing.commands(stack, [one for one in in_file if one.name != "dbtEnvironment"])
    if lines:
        yield f"Its settings (`python -m flows.adopt --target {target} --write` writes them):"
        yield from (f"  {line}" for line in lines)
    yield f"Then {names.bring_up(target)}." if lines else f"Make it so with {names.bring_up(target)}."


def unset_variable(message: str, target: str) -> NotSetUpError | None:
    """Return the error for a variable that dbt says is not set, as it reads the project; None for others."""
    _, said, rest = message.partition("Env var required but not provided: '")
    if not said:
        return None
    name = rest.partition("'")[0]
    return NotSetUpError(
        f"the dbt project asks for the environment variable {name}, which is not set: `pulumi config set "
        f"--path '{stacks.namespace()}:dbtEnvironment.{name}' VALUE -s {target}` (with --secret if nobody is "
        f"to read it), then {names.bring_up(target)}."
    )
