"""Which packages a project asks for, whether they are there, and how they get there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flows import packages as command
from flows.errors import DbtError, NotSetUpError, UnreachableError
from flows.project import deps, packages

LOCK = "packages:\n  - {name: dbt_utils, package: dbt-labs/dbt_utils, version: 1.3.0}\nsha1_hash: abc\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that asks for one package of the hub, which is installed as its lock says."""
    made = tmp_path / "dbt"
    installed = made / "dbt_packages" / "dbt_utils"
    installed.mkdir(parents=True)
    (made / "dbt_project.yml").write_text('name: shop\nversion: "1.0"\nprofile: shop\n')
    (made / "packages.yml").write_text("packages:\n  - {package: dbt-labs/dbt_utils, version: 1.3.0}\n")
    (made / "package-lock.yml").write_text(LOCK)
    (installed / "dbt_project.yml").write_text("name: dbt_utils\nversion: 1.3.0\n")
    return made


def test_packages_are_those_of_either_file_and_projects_are_none(project: Path) -> None:
    assert packages.specified(project) == ["dbt-labs/dbt_utils"]
    (project / "packages.yml").unlink()
    (project / "dependencies.yml").write_text(
        "projects: [{name: other}]\n"
        "packages:\n  - {git: 'https://git/x.git', revision: v1}\n  - {local: ../y}\n"
    )
    assert packages.specified(project) == ["https://git/x.git", "../y"]
    (project / "dependencies.yml").write_text("projects: [{name: other}]\n")
    assert packages.specified(project) == []


def test_what_is_as_the_lock_says_is_not_installed_again(project: Path) -> None:
    assert packages.lacking(project) is None
    packages.note(project)
    assert packages.lacking(project) is None


def test_what_lacks_is_named(project: Path) -> None:
    own = project / "dbt_packages" / "dbt_utils" / "dbt_project.yml"
    own.write_text("name: dbt_utils\nversion: 1.1.0\n")
    assert packages.lacking(project) == "dbt_utils is 1.1.0, not 1.3.0"
    own.unlink()
    assert packages.lacking(project) == f"{own.parent} is absent"
    (project / "package-lock.yml").unlink()
    assert packages.lacking(project) == "there is no package-lock.yml"
    (project / "package-lock.yml").write_text(LOCK)
    own.parent.rmdir()
    (project / "dbt_packages").rmdir()
    assert packages.lacking(project) == f"{project}/dbt_packages is absent"
    (project / "package-lock.yml").write_text("packages: []\n")
    (project / "dbt_packages").mkdir()
    assert packages.lacking(project) == "package-lock.yml does not know dbt-labs/dbt_utils"


def test_a_package_that_tells_an_old_version_is_not_installed_each_time(project: Path) -> None:
    own = project / "dbt_packages" / "dbt_utils" / "dbt_project.yml"
    own.write_text("name: dbt_utils\nversion: 1.1.0\n")
    packages.note(project)
    assert packages.lacking(project) is None
    (project / "package-lock.yml").write_text(LOCK.replace("1.3.0", "1.4.0"))
    assert "has changed" in (packages.lacking(project) or "")


def test_another_directory_of_packages_is_looked_at(project: Path) -> None:
    (project / "dbt_packages").rename(project / "elsewhere")
    with (project / "dbt_project.yml").open("a") as file:
        file.write("packages-install-path: elsewhere\n")
    assert packages.lacking(project) is None


HUB = (
    "External connection exception occurred: HTTPSConnectionPool(host='hub.getdbt.com', port=443): "
    "Max retries exceeded with url: /api/v1/index.json"
)
CLONE = "Error checking out spec='v1' for repo https://git.example.com/x.git\nfatal: "


@pytest.mark.parametrize(
    ("said", "kind", "named"),
    [
        (HUB, UnreachableError, "dbt's package hub https://hub.getdbt.com does not answer"),
        (HUB.replace("hub.getdbt", "codeload.github"), UnreachableError, "codeload.github.com, from which"),
        (
            CLONE + "Could not resolve host: git.example.com",
            UnreachableError,
            "https://git.example.com/x.git does",
        ),
        (CLONE + "Authentication failed for …", NotSetUpError, "DBT_ENV_SECRET_GIT_CREDENTIAL"),
        (
            CLONE + "could not read Username for …: terminal prompts disabled",
            NotSetUpError,
            "refuses this machine",
        ),
        ("Could not find command, ensure it is in the user's PATH: 'git'", NotSetUpError, "Install git"),
        ("Package dbt-labs/nothing was not found", DbtError, "dbt deps stopped: Package dbt-labs/nothing"),
        ("", DbtError, "gave no reason"),
    ],
)
def test_why_they_can_not_be_installed(tmp_path: Path, said: str, kind: type[Exception], named: str) -> None:
    error = deps.failure(tmp_path, said)
    assert type(error) is kind
    assert named in str(error)


@pytest.fixture
def local_package(tmp_path: Path) -> Path:
    """A project with a package beside it, and nothing installed."""
    made, package = tmp_path / "dbt", tmp_path / "helper"
    for directory, name in ((made, "shop"), (package, "helper")):
        directory.mkdir()
        (directory / "dbt_project.yml").write_text(f'name: {name}\nversion: "1.0"\nprofile: shop\n')
    (made / "packages.yml").write_text("packages:\n  - {local: ../helper}\n")
    return made


@pytest.mark.real
def test_runs_that_start_together_install_once(local_package: Path) -> None:
    said: list[str] = []
    work = [
        threading.Thread(target=deps.install, args=(local_package, {}, "", lambda _, line: said.append(line)))
        for _ in range(2)
    ]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert [line for line in said if line.startswith("installing ../helper: there is no package-lock.yml")]
    assert sum(line.startswith("installing ") for line in said) == 1
    assert "waiting for another run that installs the packages" in said
    assert (local_package / "dbt_packages" / "helper" / "dbt_project.yml").is_file()
    assert packages.lacking(local_package) is None


@pytest.mark.real
def test_a_private_repository_is_cloned_with_the_credential_of_a_variable(
    tmp_path: Path, project: Path
) -> None:
    package = tmp_path / "private"
    package.mkdir()
    (package / "dbt_project.yml").write_text('name: private\nversion: "1.0"\n')
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=package, check=True)
    # dbt reads no templates in dependencies.yml.
    (project / "packages.yml").write_text(
        "packages:\n  - git: \"file://{{ env_var('DBT_ENV_SECRET_GIT_CREDENTIAL') }}\"\n    revision: main\n"
    )
    said: list[str] = []
    environment = {"DBT_ENV_SECRET_GIT_CREDENTIAL": str(package)}
    deps.install(project, environment, "", lambda _, line: said.append(line))
    assert (project / "dbt_packages" / "private" / "dbt_project.yml").is_file()
    assert str(package) not in "\n".join(said)


@pytest.mark.real
def test_a_hub_that_is_away_is_named(project: Path) -> None:
    (project / "package-lock.yml").unlink()
    env = os.environ | {"DBT_PACKAGE_HUB_URL": "http://127.0.0.1:1/"}
    words = [sys.executable, "-m", command.__name__, "--project-dir", str(project)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 4, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: dbt's package hub http://127.0.0.1:1 does not answer"), done.stderr
    assert f"`dbt deps --project-dir {project}`" in last
    assert "Traceback" not in done.stderr
