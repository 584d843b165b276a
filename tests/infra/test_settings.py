from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from infra.settings import Settings, explain, stack_file
from local.paths import PROJECT

GOOD: dict[str, Any] = {"environment": "dev", "project": "demo-flights", "dataset": "demo_flights_dev"}


def refused(tmp_path: Path, text: str = "", **values: Any) -> str:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(text)
    found = replace(stack_file.read(str(file)), name=file.name)
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(GOOD | values)
    return explain(caught.value, str(values.get("environment", "dev")), found)


def test_good_settings_have_a_raw_dataset_beside_the_environments() -> None:
    found = [one.dataset_id for one in Settings.model_validate(GOOD).all_datasets]
    assert found == ["demo_flights_dev", "demo_flights_dev_raw"]


def test_settings_arrive_as_text() -> None:
    found = Settings.model_validate(GOOD | {"threads": "4", "deleteContentsOnDestroy": "true"})
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
    assert Settings.model_validate(GOOD | {"location": "eu"}).location == "EU"


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
    found = Settings.model_validate(GOOD | {"bigqueryEndpoint": "http://127.0.0.1:1/bigquery/v2/"})
    assert found.api_endpoint == "http://127.0.0.1:1"
    assert Settings.model_validate(GOOD).api_endpoint is None


@pytest.mark.parametrize("text", ["", "config:", "config: []", "- 1", "a: ["])
def test_an_odd_stack_file_has_no_lines(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert stack_file.read(str(tmp_path / "Pulumi.dev.yaml")).lines == {}


def test_continuous_integration_does_not_know_the_workers_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    message = refused(tmp_path)
    assert "the workers' directory of this project, which is not that of this machine" in message
    assert "`pulumi config set codePath … -s dev`" in message
    for fine in (
        {"codePath": "/srv/dbt"},
        {"bigqueryEndpoint": "http://127.0.0.1:1"},
        {"workPoolType": "docker", "image": "i"},
    ):
        Settings.model_validate(GOOD | fine)


WORKER = "serviceAccount:worker@demo-flights.iam.gserviceaccount.com"
CLOUD_RUN = {"workPoolType": "cloud-run-v2", "image": "i", "region": "europe-west1"}


def test_a_key_is_the_default_and_can_be_rotated() -> None:
    found = Settings.model_validate(GOOD | {"keyRotation": "2026-Q4"})
    assert (found.identity, found.key_rotation) == ("key", "2026-Q4")


def test_impersonators_arrive_as_json() -> None:
    found = Settings.model_validate(GOOD | {"identity": "impersonation", "impersonators": f'["{WORKER}"]'})
    assert found.impersonators == [WORKER]


def test_cloud_run_takes_the_attached_identity_and_its_own_api() -> None:
    found = Settings.model_validate(
        GOOD | CLOUD_RUN | {"identity": "attached", "enableApis": "true", "workers": [WORKER, WORKER]}
    )
    assert found.workers == [WORKER]
    assert "run" in found.google_apis
    assert "run" not in Settings.model_validate(GOOD | {"enableApis": "true"}).google_apis


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"identity": "impersonation"}, "Say who: `pulumi config set --path 'impersonators[0]'"),
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
        ({"identity": "oauth"}, "'key', 'impersonation' or 'attached'"),
        ({"tableExpirationDays": "-1"}, "projet-m2-bi:tableExpirationDays"),
    ],
)
def test_a_mix_that_cannot_work_is_refused(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    message = refused(tmp_path, **values)
    assert said in message
    assert len(message.splitlines()) == 2


DOCKER = {"workPoolType": "docker", "image": "i"}


@pytest.mark.parametrize(
    ("values", "setting", "instead"),
    [
        ({"image": "i"}, "image", "workPoolType docker"),
        ({"region": "!!nonsense"}, "region", "workPoolType cloud-run-v2"),
        ({"namespace": "data"}, "namespace", "workPoolType kubernetes"),
        ({"manageScheduleState": "true"}, "manageScheduleState", "schedule '0 2 * * *'"),
        ({"timeZone": "Europe/Paris"}, "timeZone", "schedule '0 2 * * *'"),
        (DOCKER | {"codePath": "not/absolute"}, "codePath", "workPoolType process"),
        (DOCKER | {"region": "europe-west1"}, "region", "workPoolType cloud-run-v2"),
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
    Settings.model_validate(GOOD | defaults)
    Settings.model_validate(GOOD | defaults | DOCKER)


def test_a_mistake_in_the_type_of_the_pool_or_the_schedule_is_told_alone(tmp_path: Path) -> None:
    assert len(refused(tmp_path, workPoolType="ecs", image="i", region="r").splitlines()) == 2
    assert len(refused(tmp_path, schedule="at two", timeZone="Europe/Paris").splitlines()) == 2


def test_devs_tables_do_not_stay() -> None:
    config = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())["config"]
    values = {key.removeprefix("projet-m2-bi:"): value for key, value in config.items() if key[0] == "p"}
    found = Settings.model_validate(GOOD | values)
    assert (found.table_expiration_days, found.delete_contents_on_destroy) == (30, True)
    # Nobody loads raw data again by himself.
    assert not found.delete_raw_data_on_destroy


def test_prods_file_asks_for_nothing_but_who_may_run_dbt(tmp_path: Path) -> None:
    config = yaml.safe_load((PROJECT / "Pulumi.prod.yaml").read_text())["config"]
    values = {key.removeprefix("projet-m2-bi:"): value for key, value in config.items() if key[0] == "p"}
    message = refused(tmp_path, **values)
    assert len(message.splitlines()) == 2, message
    assert "`pulumi config set --path 'impersonators[0]' user:YOU@example.com -s dev`" in message
    found = Settings.model_validate(GOOD | values | {"impersonators": [WORKER]})
    assert found.maximum_bytes_billed > 0
    assert not found.delete_contents_on_destroy
