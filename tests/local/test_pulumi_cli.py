from __future__ import annotations

from pathlib import Path

import pytest

from local.errors import LocalError
from local.paths import Paths
from local.platform import lifecycle
from local.pulumi_cli import build, find, official, version
from local.secret_file import write_secret


def fake(directory: Path, printed: str, *, language_host: bool = True) -> Path:
    directory.mkdir(parents=True)
    names = ["pulumi", "pulumi-language-python"] if language_host else ["pulumi"]
    for name in names:
        (directory / name).write_text(f"#!/bin/sh\n{printed}\n")
        (directory / name).chmod(0o755)
    return directory


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("v3.259.0\n", (3, 259, 0)),
        ("3.300.1", (3, 300, 1)),
        ("v3.259.0-dev.1+x", (3, 259, 0)),
        ("", None),
        ("warning", None),
    ],
)
def test_versions_are_read(printed: str, expected: tuple[int, int, int] | None) -> None:
    assert version.parse(printed) == expected


def test_a_new_enough_one_on_path_is_used(tmp_path: Path) -> None:
    directory = fake(tmp_path / "bin", "echo v3.300.0")
    assert find.on_path(str(directory), tmp_path / "cache", print) == directory


@pytest.mark.parametrize(
    ("printed", "reason"),
    [("echo v3.100.0", "older than 3.259.0"), ("exit 1", "does not run"), ("echo hi", "does not run")],
)
def test_an_old_or_broken_one_is_passed_over_with_the_reason(
    tmp_path: Path, printed: str, reason: str
) -> None:
    said: list[str] = []
    directory = fake(tmp_path / "bin", printed)
    assert find.on_path(str(directory), tmp_path / "cache", said.append) is None
    assert reason in said[0]


def test_asking_for_the_variables_builds_no_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(lifecycle, "user_cache", lambda: tmp_path / "cache")
    for way in (official, build):
        monkeypatch.setattr(way, "install" if way is official else "build", None)
    platform = lifecycle.Platform(Paths(tmp_path), print)
    write_secret(platform.paths.owner_token, "token")
    with pytest.raises(LocalError, match="`make up` installs it"):
        platform.variables()


def test_one_without_the_python_language_host_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    directory = fake(tmp_path / "bin", "echo v3.300.0", language_host=False)
    said: list[str] = []
    assert find.on_path(str(directory), tmp_path / "cache", said.append) is None
    assert "language host" in said[0]


def test_a_build_that_was_interrupted_is_not_taken_for_a_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    built = find._name("pulumi-built")
    fake(tmp_path / built / "bin", "exit 1")
    monkeypatch.setattr(official, "install", lambda home, say: "offline")
    monkeypatch.setattr(build, "build", lambda home, say: tmp_path / "fresh")
    assert find.directory(tmp_path, lambda line: None) == tmp_path / "fresh" / "bin"


def test_a_finished_build_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    home = tmp_path / find._name("pulumi-built")
    fake(home / "bin", "echo v3.259.0")
    assert find.directory(tmp_path, lambda line: None) == home / "bin"


def test_a_failed_compilation_leaves_no_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = fake(
        tmp_path / "go",
        'if [ "$1" = version ]; then echo go1.26.6; else echo "no space left" >&2; exit 1; fi',
    )
    (go / "pulumi").rename(go / "go")
    monkeypatch.setenv("PATH", f"{go}:/usr/bin:/bin")
    home = tmp_path / "cache" / "pulumi-built"
    with pytest.raises(Exception, match="no space left"):
        build.build(home, lambda line: None)
    assert not home.exists()
