from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pydantic import ValidationError

from infra.settings import Settings, explain, google_project, load, project, secret_variables, stack_file
from local.paths import PROJECT, Paths
from local.pulumi_cli import stack
from tests.infra.program import with_code

GOOD: dict[str, Any] = {"environment": "dev", "project": "demo-flights", "dataset": "demo_flights_dev"}


def good(values: dict[str, Any]) -> Settings:
    return Settings.model_validate(GOOD | with_code(values))


DOCKER_POOL = {"workPoolType": "docker", "image": "i"}


def refused(tmp_path: Path, text: str = "", **values: Any) -> str:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(text)
    found = replace(stack_file.read(str(file)), name=file.name)
    with pytest.raises(ValidationError) as caught:
        good(values)
    return explain(caught.value, str(values.get("environment", "dev")), found)


def test_good_settings_have_a_raw_dataset_beside_the_environments() -> None:
    found = [one.dataset_id for one in good({}).all_datasets]
    assert found == ["demo_flights_dev", "demo_flights_dev_raw"]


def test_settings_arrive_as_text() -> None:
    found = good({"threads": "4", "deleteContentsOnDestroy": "true"})
    assert (found.threads, found.delete_contents_on_destroy) == (4, True)


@pytest.mark.parametrize("threads", ["0", "65", "many"])
def test_threads_out_of_range_name_the_line(tmp_path: Path, threads: str) -> None:
    text = f"config:\n  gcp:project: demo-flights\n  projet-m2-bi:threads: {threads}\n"
    message = refused(tmp_path, text, threads=threads)
    assert "Pulumi.dev.yaml line 3 (projet-m2-bi:threads)" in message
    assert f"found '{threads}'" in message


@pytest.mark.parametrize(
    ("location", "hint"),
    [
        ("europe-wst1", "did you mean europe-west1?"),
        ("Mars", "for example EU"),
        ("eu-west-1", "is no BigQuery location"),
    ],
)
def test_a_bad_location_gets_a_hint(tmp_path: Path, location: str, hint: str) -> None:
    assert hint in refused(tmp_path, location=location)


def test_a_location_is_spelt_as_bigquery_does() -> None:
    assert good({"location": "eu"}).location == "EU"


def test_a_dataset_with_a_dash_gets_the_name_that_would_do(tmp_path: Path) -> None:
    message = refused(tmp_path, "config:\n  projet-m2-bi:dataset: my-data\n", dataset="my-data")
    assert "Pulumi.dev.yaml line 2 (projet-m2-bi:dataset)" in message
    assert "try my_data" in message


def test_a_misspelt_setting_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    message = refused(tmp_path, "config:\n  projet-m2-bi:thread: 4\n", thread="4")
    assert "Pulumi.dev.yaml line 2 (projet-m2-bi:thread): there is no such setting" in message
    assert "did you mean projet-m2-bi:threads?" in message


def test_a_missing_project_is_told_with_the_command(tmp_path: Path) -> None:
    assert "pulumi config set gcp:project … -s dev" in refused(tmp_path, project="")


def test_a_stack_name_that_can_be_no_part_of_a_name_is_refused(tmp_path: Path) -> None:
    assert "the stack's name 'Dev_1'" in refused(tmp_path, environment="Dev_1")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, threads="0", location="Mars", jobRetries="-1")
    assert len(message.splitlines()) == 4


def test_the_api_endpoint_is_the_custom_endpoint_without_the_apis_path() -> None:
    found = good({"bigqueryEndpoint": "http://127.0.0.1:1/bigquery/v2/"})
    assert found.api_endpoint == "http://127.0.0.1:1"
    assert good({}).api_endpoint is None


@pytest.mark.parametrize("text", ["", "config:", "config: []", "- 1", "a: ["])
def test_an_odd_stack_file_has_no_lines(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert stack_file.read(str(tmp_path / "Pulumi.dev.yaml")).lines == {}


def test_where_the_workers_have_the_code_is_said_and_does_not_depend_on_who_runs_pulumi(
    tmp_path: Path,
) -> None:
    message = refused(tmp_path, codePath="")
    assert "(projet-m2-bi:codePath): where do the workers have this project?" in message
    assert "`pulumi config set codePath … -s dev`" in message
    for fine in (
        {"codePath": "/srv/dbt"},
        {"codeRepository": "git@github.com:me/flights.git", "codeAccessBlock": "secret/github"},
        {"codePath": "", "bigqueryEndpoint": "http://127.0.0.1:1"},
        {"workPoolType": "docker", "image": "i"},
    ):
        good(fine)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"codeRepository": "flights"}, "'flights' is no address of a repository"),
        ({"codeRepository": "https://me:planted@git.example/x"}, "config set codeAccessBlock secret/NAME"),
        ({"codeRepository": "https://git.example/x", "codePath": "/srv"}, "a clone of its own"),
        ({"codeAccessBlock": "secret/x"}, "without `codeRepository` it has no effect"),
        ({"codeRepository": "https://git.example/x", "codeAccessBlock": "x"}, "names no block"),
        (
            {"codeRepository": "https://git.example/x", **DOCKER_POOL},
            "`workPoolType: docker` it has no effect",
        ),
    ],
)
def test_a_repository_that_no_run_could_clone_is_refused(
    tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    assert said in refused(tmp_path, **values)
    assert "planted" not in refused(tmp_path, **values)


WORKER = "serviceAccount:worker@demo-flights.iam.gserviceaccount.com"
CLOUD_RUN = {"workPoolType": "cloud-run-v2", "image": "i", "region": "europe-west1"}


def test_a_key_is_the_default_and_can_be_rotated() -> None:
    found = good({"keyRotation": "2026-Q4"})
    assert (found.identity, found.key_rotation) == ("key", "2026-Q4")


def test_impersonators_arrive_as_json() -> None:
    found = good({"identity": "impersonation", "impersonators": f'["{WORKER}"]'})
    assert found.impersonators == [WORKER]


def test_cloud_run_takes_the_attached_identity_and_its_own_api() -> None:
    found = good(CLOUD_RUN | {"identity": "attached", "enableApis": "true", "workers": [WORKER, WORKER]})
    assert found.workers == [WORKER]
    assert "run" in found.google_apis
    assert "run" not in good({"enableApis": "true"}).google_apis


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"impersonators": [WORKER]}, "`pulumi config set identity impersonation -s dev`"),
        ({"identity": "attached", "impersonators": [WORKER]}, "with `identity: attached` nobody acts"),
        ({"identity": "attached", "keyRotation": "x"}, "`pulumi config rm keyRotation -s dev`"),
        (
            {"identity": "impersonation", "impersonators": [WORKER], "keyRotation": "x"},
            "`pulumi config set identity key -s dev`",
        ),
        (
            {"identity": "impersonation", "impersonators": ["allUsers"]},
            "'allUsers' is nobody whom Google could give",
        ),
        ({"identity": "impersonation", "impersonators": "ada@example.com"}, "projet-m2-bi:impersonators"),
        (CLOUD_RUN | {"identity": "key"}, "`pulumi config set identity attached -s dev`"),
        (CLOUD_RUN | {"identity": "impersonation"}, "already is dbt's service account"),
        ({"workers": [WORKER]}, "`pulumi config rm workers -s dev`"),
        (
            CLOUD_RUN | {"identity": "attached", "workers": ["allUsers"]},
            "'allUsers' is nobody whom Google could give",
        ),
        (CLOUD_RUN | {"identity": "attached", "region": "EU"}, "'EU' is no region of Cloud Run"),
        ({"codePath": "here"}, "'here' is no absolute directory"),
        ({"namespace": "My_Space"}, "projet-m2-bi:namespace"),
        (CLOUD_RUN | {"identity": "attached", "prefectApiKeySecret": "a b"}, "never what the secret holds"),
        (CLOUD_RUN | {"identity": "attached", "prefectApiKeySecret": "pnu_planted"}, "name of a secret"),
        ({"prefectApiKeySecret": "k"}, "`pulumi config rm prefectApiKeySecret -s dev`"),
        ({"identity": "oauth"}, "'key', 'impersonation' or 'attached'"),
        ({"tableExpirationDays": "-1"}, "projet-m2-bi:tableExpirationDays"),
    ],
)
def test_a_mix_that_cannot_work_is_refused(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    message = refused(tmp_path, **values)
    assert said in message
    assert "planted" not in message
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize(
    ("values", "setting", "instead"),
    [
        ({"image": "i"}, "image", "workPoolType docker"),
        ({"region": "!!nonsense"}, "region", "workPoolType cloud-run-v2"),
        ({"namespace": "data"}, "namespace", "workPoolType kubernetes"),
        ({"manageScheduleState": "true"}, "manageScheduleState", "schedule '0 2 * * *'"),
        ({"timeZone": "Europe/Paris"}, "timeZone", "schedule '0 2 * * *'"),
        (DOCKER_POOL | {"codePath": "not/absolute"}, "codePath", "workPoolType process"),
        (DOCKER_POOL | {"region": "europe-west1"}, "region", "workPoolType cloud-run-v2"),
        (CLOUD_RUN | {"identity": "attached", "namespace": "data"}, "namespace", "workPoolType kubernetes"),
    ],
)
def test_a_setting_without_effect_is_refused(
    tmp_path: Path, values: dict[str, str], setting: str, instead: str
) -> None:
    message = refused(tmp_path, f"config:\n  projet-m2-bi:{setting}: x\n", **values)
    assert f"Pulumi.dev.yaml line 2 (projet-m2-bi:{setting}): with" in message
    assert f"`pulumi config rm {setting} -s dev`" in message
    assert f"`pulumi config set {instead} -s dev`" in message
    assert len(message.splitlines()) == 2


def test_a_default_that_is_spelt_out_is_fine() -> None:
    project = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    defaults = {name: entry["default"] for name, entry in project.items() if name != "dataset"}
    good(defaults | {"codePath": "/srv"})
    good(defaults | DOCKER_POOL)


def test_a_mistake_in_the_type_of_the_pool_or_the_schedule_is_told_alone(tmp_path: Path) -> None:
    assert len(refused(tmp_path, workPoolType="ecs", image="i", region="r").splitlines()) == 2
    assert len(refused(tmp_path, schedule="at two", timeZone="Europe/Paris").splitlines()) == 2


def test_devs_tables_do_not_stay() -> None:
    config = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())["config"]
    values = {key.removeprefix("projet-m2-bi:"): value for key, value in config.items() if key[0] == "p"}
    found = good(values)
    assert (found.table_expiration_days, found.delete_contents_on_destroy) == (30, True)
    # Nobody loads raw data again by himself.
    assert not found.delete_raw_data_on_destroy


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_committed_file_asks_for_nothing(stack: str) -> None:
    config = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    values = {key.removeprefix("projet-m2-bi:"): value for key, value in config.items() if key[0] == "p"}
    found = Settings.model_validate(GOOD | values)
    # Organizations forbid keys.
    assert found.identity == "impersonation"
    assert not found.delete_raw_data_on_destroy
    if stack == "prod":
        assert found.maximum_bytes_billed > 0
        assert not found.delete_contents_on_destroy


def test_another_name_of_the_project_is_one_line_and_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text('name: "my-bi"  # ours\nruntime: python\n')
    monkeypatch.setattr(project, "ROOT", tmp_path)
    project.namespace.cache_clear()
    try:
        message = refused(tmp_path, "config:\n  my-bi:threads: 0\n", threads="0")
    finally:
        project.namespace.cache_clear()
    assert "Pulumi.dev.yaml line 2 (my-bi:threads)" in message
    assert stack.state_file(Paths(tmp_path)).parent.name == "my-bi"


def test_the_projects_name_is_nowhere_repeated() -> None:
    """Beside the one of old states, and where a docstring shows what a setting looks like."""
    said = [
        (path.name, line.strip())
        for folder in ("infra", "providers", "flows/target", "local/pulumi_cli")
        for path in (PROJECT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if "projet-m2-bi" in line and '"""' not in line
    ]
    assert said == [("component.py", '_FORMER = "projet-m2-bi"'), ("job_labels.py", 'APP = "projet-m2-bi"')]


def test_whoever_has_not_set_a_google_project_is_told_how(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"gcp:project": google_project.ORIGINAL, f"{project.namespace()}:codePath": "/srv"}
    pulumi.runtime.set_all_config(given)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", told.append)
    try:
        load()
    finally:
        pulumi.runtime.set_all_config({})
    assert "`python -m infra.settings --google-project YOUR-PROJECT`" in told[0]


@pytest.mark.parametrize(
    ("values", "path", "said"),
    [
        ({"dbtProfile": {"prioritty": "batch"}}, "dbtProfile", "did you mean priority?"),
        ({"dbtProfile": {"priority": "soon"}}, "dbtProfile", "`priority` has to be interactive or batch"),
        (
            {"dbtProfile": {"location": "EU"}},
            "dbtProfile",
            "`location` is the stack's own setting `location`",
        ),
        ({"dbtProfile": {"timeout_seconds": 5}}, "dbtProfile", "setting `jobTimeoutSeconds`"),
        ({"dbtProfile": {"keyfile": "/k"}}, "dbtProfile", "that is the setting `identity`"),
        ({"dbtEnvironment": {"1A": "x"}}, "dbtEnvironment", "'1A' is no name of a variable"),
        ({"dbtEnvironment": {"PREFECT_API_KEY": "x"}}, "dbtEnvironment", "this program's own variable"),
        ({"dbtEnvironment": {"A": ["x"]}}, "dbtEnvironment.A", "valid string"),
        ({"deployments": [{"name": "a"}, {"name": "a"}]}, "deployments", "two deployments have the name 'a'"),
        ({"deployments": [{"select": "a"}]}, "deployments[0].name", "Field required"),
        ({"deployments": [{"name": "a", "selct": "x"}]}, "deployments[0].selct", "did you mean select?"),
        (
            {"deployments": [{"name": "a", "schedules": [{"cron": "at two"}]}]},
            "deployments[0].schedules[0].cron",
            "is no cron line",
        ),
        (
            {
                "deployments": [
                    {"name": "a", "schedules": [{"cron": "0 2 * * *", "parameters": {"selct": "x"}}]}
                ]
            },
            "deployments[0].schedules[0].parameters",
            "no parameter 'selct'; did you mean select?",
        ),
        (
            {"deployments": [{"name": "a", "parameters": {"target": "prod"}}]},
            "deployments[0].parameters",
            "belongs to its stack",
        ),
        ({"namePrefix": "Sales"}, "namePrefix", "small letters, digits and inner dashes"),
        ({"namePrefix": "a" * 23}, "namePrefix", "1 too many"),
        ({"dbtProjectDir": "nowhere"}, "dbtProjectDir", "nowhere/dbt_project.yml cannot be read"),
    ],
)
def test_a_mistake_within_a_setting_is_told_with_its_path(
    tmp_path: Path, values: dict[str, Any], path: str, said: str
) -> None:
    text = "config:\n" + "".join(f"  projet-m2-bi:{name}: x\n" for name in values)
    message = refused(tmp_path, text, **values)
    assert said in message
    assert f"Pulumi.dev.yaml line 2 (projet-m2-bi:{path})" in message, message


def test_the_line_of_an_entry_is_its_own(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(
        "config:\n  x:datasets:\n    - a\n    - b\n  x:map:\n    A: 1\n    B:\n      secure: v1:x\n"
    )
    found = stack_file.read(str(file))
    assert found.lines == {
        "x:datasets": 2,
        "x:datasets[0]": 3,
        "x:datasets[1]": 4,
        "x:map": 5,
        "x:map.A": 6,
        "x:map.B": 7,
    }
    assert found.secret == {"x:map.B"}
    assert found.names("x") == {"datasets", "map"}
    assert "line 4 (x:datasets[1].name)" in found.where("x:datasets[1].name")


def test_a_secret_is_not_quoted_where_it_is_wrong(tmp_path: Path) -> None:
    file = stack_file.read(str(tmp_path / "Pulumi.dev.yaml"))
    with pytest.raises(ValidationError) as caught:
        good({"dbtEnvironment": {"A": ["planted-token"]}})
    assert "planted-token" in explain(caught.value, "dev", file)
    assert "planted-token" not in explain(caught.value, "dev", file, {"dbtEnvironment"})
    assert "planted-token" not in str(caught.value)


def test_which_of_dbts_variables_are_secret_is_what_the_file_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.dev.yaml").write_text(
        "config:\n  projet-m2-bi:dbtEnvironment:\n    A: plain\n    B:\n      secure: v1:x\n"
    )
    found = good({"dbtEnvironment": {"A": "plain", "B": "b", "ELSEWHERE": "c"}})
    assert secret_variables(found) == set()
    key = "projet-m2-bi:dbtEnvironment"
    pulumi.runtime.set_all_config({key: "{}"}, [key])
    try:
        # What only Pulumi knows, such as an environment of its own, counts as secret.
        assert secret_variables(found) == {"B", "ELSEWHERE"}
    finally:
        pulumi.runtime.set_all_config({})
