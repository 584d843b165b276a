from __future__ import annotations

from pathlib import Path

import pytest

from local.errors import LocalError
from local.paths import PROJECT
from local.platform import settings

GOOD = """\
config:
  gcp:project: demo-flights
  gcp:bigQueryCustomEndpoint: http://127.0.0.1:1111/bigquery/v2/
  prefect:apiUrl: http://127.0.0.1:2222/api
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "Pulumi.local.yaml"
    path.write_text(text)
    return path


def test_ports_come_from_the_stacks_file(tmp_path: Path) -> None:
    found = settings.load(written(tmp_path, GOOD))
    assert (found.google_port, found.prefect_port, found.project) == (1111, 2222, "demo-flights")


def test_the_committed_file_is_good() -> None:
    assert settings.load(PROJECT / "Pulumi.local.yaml").project == "demo-flights"


@pytest.mark.parametrize(
    "address", ["http://0.0.0.0:1111/", "http://127.0.0.1/", "https://bigquery.example/", "x"]
)
def test_an_address_that_is_not_on_loopback_is_refused_with_its_line(tmp_path: Path, address: str) -> None:
    text = GOOD.replace("http://127.0.0.1:1111/bigquery/v2/", address)
    with pytest.raises(LocalError, match=r"Pulumi.local.yaml line 3 \(gcp:bigQueryCustomEndpoint\)"):
        settings.load(written(tmp_path, text))


@pytest.mark.parametrize("text", ["", "config:", "config: [", "- 1"])
def test_a_file_that_is_no_settings_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(LocalError, match=r"Pulumi\.local\.yaml"):
        settings.load(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"git checkout Pulumi\.local\.yaml"):
        settings.load(tmp_path / "Pulumi.local.yaml")
