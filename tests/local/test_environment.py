from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from local.errors import LocalError
from local.paths import Paths
from local.platform import environment, settings
from local.secret_file import write_secret

CONFIG = settings.Settings(Path("Pulumi.local.yaml"), "demo-flights", 1111, 2222)


def test_before_the_first_start_there_is_an_error_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="python -m local up"):
        environment.owner_token(Paths(tmp_path))


def test_everything_points_into_the_checkout_and_to_loopback(tmp_path: Path) -> None:
    found = environment.variables(Paths(tmp_path), CONFIG, "token", tmp_path / "bin")
    assert found["PULUMI_HOME"] == str(tmp_path / ".local" / "pulumi")
    assert found["PREFECT_API_URL"] == "http://127.0.0.1:2222/api"
    assert found["BIGQUERY_API_ENDPOINT"] == "http://127.0.0.1:1111"


def test_the_shell_lines_survive_odd_characters_and_drop_real_credentials() -> None:
    lines = environment.as_shell({"ODD": "a 'b' $c"})
    lead_away = {"GOOGLE_APPLICATION_CREDENTIALS": "/home/me/key.json", "PREFECT_UI_URL": "https://x"}
    printed = " ".join(["$ODD", *(f"${{{name}-unset}}" for name in lead_away)])
    script = f'{lines}\nprintf %s "{printed}"'
    env = lead_away | {"PATH": "/usr/bin:/bin"}
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env=env)
    assert shell.stdout == "a 'b' $c unset unset"


def test_a_secret_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_secret(tmp_path / "deep" / "token", "x")
    assert (tmp_path / "deep" / "token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "corp.example, 127.0.0.1"}, "corp.example,127.0.0.1,localhost"),
        ({"no_proxy": "a", "NO_PROXY": "b"}, "a,127.0.0.1,localhost"),
    ],
)
def test_a_proxy_is_not_asked_for_this_machine(
    given: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert environment.past_proxies() == {"NO_PROXY": expected, "no_proxy": expected}
    monkeypatch.setenv("no_proxy", "*")
    assert environment.past_proxies() == {}
