"""Where Prefect is, held against what Prefect's own settings say in the same place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from providers.api.errors import NotPrefectError, PrefectError
from providers.api.prefect_settings import PrefectSettings
from providers.api.server import Server, locate, parse, shown

# Prefect reads it at import.
CERTIFICATES = {"SSL_CERT_FILE": "/etc/all.pem"}
# Prefect answers for several places in one process, since its import takes seconds.
ORACLE = """
import json, os, sys
from prefect.settings import Settings
answers = []
for case in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(case["environment"])
    os.chdir(case["directory"])
    settings = Settings()
    api, client = settings.api, settings.client
    answers.append({
        "url": api.url or None,
        "key": api.key.get_secret_value() if api.key else None,
        "auth": api.auth_string.get_secret_value() if api.auth_string else None,
        "verify": not api.tls_insecure_skip_verify,
        "ca": api.ssl_cert_file,
        "headers": client.custom_headers,
        "csrf": client.csrf_support_enabled,
    })
json.dump(answers, sys.stdout)
"""
CLOUD = "https://api.prefect.cloud/api/accounts/a/workspaces/w"
PROFILES = f"""
active = "cloud"

[profiles.cloud]
PREFECT_API_URL = "{CLOUD}"
PREFECT_API_KEY = "pnu_profile"

[profiles.ours]
PREFECT_API_URL = "https://prefect.ours.test/api"
PREFECT_API_AUTH_STRING = "admin:profile"
PREFECT_CLIENT_CUSTOM_HEADERS = '{{"X-Team": "data"}}'
PREFECT_API_TLS_INSECURE_SKIP_VERIFY = "true"
PREFECT_API_SSL_CERT_FILE = "/etc/ours.pem"

[profiles.odd]
PREFECT_API_URL = "https://prefect.odd.test/api"
PREFECT_API_TLS_INSECURE_SKIP_VERIFY = true
PREFECT_CLIENT_CSRF_SUPPORT_ENABLED = "off"
"""
# Each is an environment, and files; `{}` in a value is the directory.
CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "nothing": ({}, {}),
    "environment": ({"PREFECT_API_URL": "http://a.test/api", "PREFECT_API_KEY": "k"}, {}),
    "environment in lower case": ({"prefect_api_url": "http://a.test/api"}, {}),
    "active profile": ({}, {"home/profiles.toml": PROFILES}),
    "named profile": ({"PREFECT_PROFILE": "ours"}, {"home/profiles.toml": PROFILES}),
    "profile with booleans": ({"PREFECT_PROFILE": "odd"}, {"home/profiles.toml": PROFILES}),
    "no such profile": ({"PREFECT_PROFILE": "gone"}, {"home/profiles.toml": PROFILES}),
    "profiles elsewhere": ({"PREFECT_PROFILES_PATH": "{}/p.toml"}, {"p.toml": PROFILES}),
    "profiles of prefect.toml": ({}, {"prefect.toml": 'profiles_path = "p.toml"', "p.toml": PROFILES}),
    "address of one, key of the other": (
        {"PREFECT_API_URL": "http://a.test/api"},
        {"home/profiles.toml": PROFILES},
    ),
    "empty address": ({"PREFECT_API_URL": ""}, {"home/profiles.toml": PROFILES}),
    "empty key": ({"PREFECT_API_KEY": ""}, {"home/profiles.toml": PROFILES}),
    "dotenv": ({}, {".env": "PREFECT_API_URL='http://dot.test/api'\n", "home/profiles.toml": PROFILES}),
    "prefect.toml": (
        {},
        {
            "prefect.toml": '[api]\nurl = "http://toml.test/api"\nkey = "k"\n'
            '[client.custom_headers]\nA = "b"\n',
            "pyproject.toml": '[tool.prefect.api]\nurl = "http://pyproject.test/api"\n',
            "home/profiles.toml": PROFILES,
        },
    ),
    "pyproject.toml": (
        {},
        {
            "pyproject.toml": '[tool.prefect.api]\nurl = "http://pyproject.test/api"\nauth_string = "a:b"\n',
            "home/profiles.toml": PROFILES,
        },
    ),
    "headers": ({"PREFECT_CLIENT_CUSTOM_HEADERS": '{"CF-Access-Client-Id": "x"}'}, {}),
    "certificates of Prefect": ({"PREFECT_API_SSL_CERT_FILE": "/etc/prefect.pem"}, {}),
    "unverified": ({"PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "1"}, {}),
}


def place(root: Path, name: str) -> tuple[dict[str, str], Path]:
    """Make the files of a case; its environment and directory."""
    environment, files = CASES[name]
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    home = {"HOME": str(root), "PREFECT_HOME": str(root / "home"), **CERTIFICATES}
    return home | {key: value.replace("{}", str(root)) for key, value in environment.items()}, root


@pytest.fixture(scope="module")
def prefects_answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What Prefect's own settings say in each case."""
    asked = []
    for name in CASES:
        environment, directory = place(tmp_path_factory.mktemp("case"), name)
        asked.append({"environment": environment, "directory": str(directory)})
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ORACLE],
        input=json.dumps(asked),
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **CERTIFICATES},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_reads_what_prefect_reads(
    name: str, tmp_path: Path, prefects_answers: dict[str, dict[str, Any]]
) -> None:
    environment, directory = place(tmp_path, name)
    settings = PrefectSettings(environment, directory)
    assert {
        "url": settings.text("PREFECT_API_URL"),
        "key": settings.text("PREFECT_API_KEY"),
        "auth": settings.text("PREFECT_API_AUTH_STRING"),
        "verify": not settings.flag("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", default=False),
        "ca": settings.text("PREFECT_API_SSL_CERT_FILE") or environment.get("SSL_CERT_FILE"),
        "headers": settings.headers("PREFECT_CLIENT_CUSTOM_HEADERS"),
        "csrf": settings.flag("PREFECT_CLIENT_CSRF_SUPPORT_ENABLED", default=True),
    } == prefects_answers[name]


def stack(**settings: str) -> Callable[[str], str | None]:
    """A stack's configuration."""
    return {f"prefect:{name}": value for name, value in settings.items()}.get


def here(tmp_path: Path, name: str, config: Callable[[str], str | None] | None = None) -> Server:
    environment, directory = place(tmp_path, name)
    return locate(config or stack(), environment, directory)


def test_a_login_is_enough(tmp_path: Path) -> None:
    server = here(tmp_path, "active profile")
    assert (server.api_url, server.api_key) == (CLOUD, "pnu_profile")
    assert server.credentials == "PREFECT_API_KEY in Prefect's profile 'cloud'"


def test_the_stack_goes_before_the_environment(tmp_path: Path) -> None:
    config = stack(apiUrl="http://stack.test/api", apiKey="stack")
    server = here(tmp_path, "environment", config)
    assert (server.api_url, server.api_key, server.place) == (
        "http://stack.test/api",
        "stack",
        "prefect:apiUrl",
    )


def test_the_stack_s_key_goes_before_a_password_of_the_environment(tmp_path: Path) -> None:
    server = here(tmp_path, "pyproject.toml", stack(apiUrl="http://pyproject.test/api", apiKey="stack"))
    assert (server.api_key, server.auth_string) == ("stack", None)


def test_a_key_of_the_environment_is_for_the_stack_s_address(tmp_path: Path) -> None:
    assert here(tmp_path, "environment", stack(apiUrl="http://stack.test/api")).api_key == "k"


def test_a_key_of_a_profile_goes_to_no_other_host(tmp_path: Path) -> None:
    assert here(tmp_path, "active profile", stack(apiUrl="http://other.test/api")).api_key is None
    other = "https://api.prefect.cloud/api/accounts/a/workspaces/other"
    assert here(tmp_path, "active profile", stack(apiUrl=other)).api_key == "pnu_profile"


def test_headers_of_a_profile_go_to_no_other_host(tmp_path: Path) -> None:
    assert here(tmp_path, "named profile").custom_headers == (("X-Team", "data"),)
    assert here(tmp_path, "named profile", stack(apiUrl="http://other.test/api")).custom_headers == ()


def test_no_address_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(NotPrefectError, match=r"profile 'gone'.*prefect:apiUrl.*prefect cloud login"):
        here(tmp_path, "no such profile")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "prefect.toml").write_text("[api\n")
    with pytest.raises(PrefectError, match=r"prefect\.toml: is not valid TOML"):
        locate(stack(apiUrl="http://a.test/api"), {"HOME": str(tmp_path)}, tmp_path)


@pytest.mark.parametrize("value", ["perhaps", "", "2"])
def test_a_switch_that_is_none(tmp_path: Path, value: str) -> None:
    environment = {"HOME": str(tmp_path), "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": value}
    with pytest.raises(PrefectError, match="must be true or false"):
        locate(stack(apiUrl="http://a.test/api"), environment, tmp_path)


def test_headers_that_are_none_are_not_quoted(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PREFECT_CLIENT_CUSTOM_HEADERS": '{"Authorization": s3cret}'}
    with pytest.raises(PrefectError, match="PREFECT_CLIENT_CUSTOM_HEADERS: must be a JSON object") as raised:
        locate(stack(apiUrl="http://a.test/api"), environment, tmp_path)
    assert "s3cret" not in str(raised.value)


def test_prefect_s_own_headers_stay_its_own(tmp_path: Path) -> None:
    told = json.dumps({"User-Agent": "x", "Prefect-Csrf-Token": "y", "X-Mine": "z"})
    environment = {"HOME": str(tmp_path), "PREFECT_CLIENT_CUSTOM_HEADERS": told}
    server = locate(stack(apiUrl="http://a.test/api"), environment, tmp_path)
    assert server.custom_headers == (("X-Mine", "z"),)


@pytest.mark.parametrize(
    ("given", "address", "user"),
    [
        ("http://127.0.0.1:4200/api/", "http://127.0.0.1:4200/api", None),
        ("HTTPS://Prefect.Test:443/api", "https://prefect.test/api", None),
        ("http://[::1]:4200/api", "http://[::1]:4200/api", None),
        ("https://admin:p%40ss%2Fword@prefect.test/api", "https://prefect.test/api", "admin:p@ss/word"),
        ("https://token@prefect.test/api", "https://prefect.test/api", "token:"),
    ],
)
def test_an_address_and_its_user(given: str, address: str, user: str | None) -> None:
    assert parse(given, "prefect:apiUrl") == (address, user)


@pytest.mark.parametrize(
    "address",
    [
        "prefect.test/api",
        "ftp://u:s3cret@prefect.test/api",
        "https://u:s3cret@:4200/api",
        "https://u:s3/cret@prefect.test/api",
        "https://u:s3#cret@prefect.test/api",
        "https://u:s3?cret@prefect.test/api",
        "https://u:s3cret@prefect.test:port/api",
        "https://u:s3 cret@prefect.test/api",
        "https://u:s3cret@prefect.test/api?key=s3cret",
        "u:s3cret@prefect.test",
    ],
)
def test_what_is_no_address_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(NotPrefectError, match=r"prefect:apiUrl: .* is no address like") as raised:
        parse(address, "prefect:apiUrl")
    assert "s3" not in str(raised.value).partition("is no address")[0]


def test_shown() -> None:
    assert shown("https://a:b@c@prefect.test/api") == "https://prefect.test/api"
