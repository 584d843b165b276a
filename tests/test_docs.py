"""The docs against the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra.settings import Settings, declared, google_project
from infra.settings import __main__ as settings_command
from local.paths import PROJECT

README = (PROJECT / "README.md").read_text()


@pytest.mark.parametrize("path", [declared.PULUMI, declared.DOCS], ids=lambda path: path.name)
def test_what_is_made_from_the_settings_model_is_up_to_date(path: Path) -> None:
    """`python -m infra.settings --write` mends it."""
    assert path.read_text() == declared.files()[path]


def test_dbts_profile_has_the_settings_that_dbt_bigquery_has() -> None:
    # In a process of its own: dbt brings Google's client, which can't live beside Pulumi's SDK.
    command = [sys.executable, "-m", "infra.settings", "--check"]
    checked = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=300)
    assert checked.returncode == 0, checked.stderr


def test_a_file_out_of_date_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "Pulumi.yaml"
    old.write_text("name: x\n")
    monkeypatch.setattr(settings_command, "files", lambda: {old: "name: x\nconfig: {}\n"})
    assert settings_command.main(["--check"]) == 1
    assert settings_command.main(["--write"]) == 0
    assert settings_command.main(["--check"]) == 0


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([\w-]+)", README):
        assert f"\n{target}:" in makefile


def test_the_readme_has_the_addresses_of_the_settings_that_are_handed_on() -> None:
    """Other ports are for one machine, whose own file may have them: in a commit they are everybody's."""
    shown = subprocess.run(
        ["git", "show", "HEAD:Pulumi.local.yaml"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if shown.returncode:
        pytest.skip("not a git checkout: nothing tells what is handed on")
    told = set(re.findall(r"<http://127\.0\.0\.1:(\d+)", README))
    assert told == set(re.findall(r"http://127\.0\.0\.1:(\d+)", shown.stdout))


PAGES = [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(((?!http)[^)#]+)", page.read_text()):
        there = (page.parent / link).resolve()
        # What is said of the flights goes with them.
        of_the_flights = there.relative_to(PROJECT).parts[0] in ("dbt", "demo")
        assert there.exists() or (of_the_flights and not (PROJECT / "demo").exists()), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    for path, anchor in re.findall(r"\]\(((?!http)[^)#]*)#([^)]+)\)", page.read_text()):
        assert anchor in anchors(page.parent / path if path else page), f"{path}#{anchor}"


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links, as GitHub has it."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_of_a_page_leaves_its_reader_in_another_directory(page: Path) -> None:
    """The next command on the page would not find its files. `(cd dbt && …)` comes back."""
    assert re.findall(r"(?m)^ *cd .*", page.read_text()) == []


def test_every_message_that_troubleshooting_quotes_is_said_somewhere() -> None:
    said = messages()
    text = (PROJECT / "docs" / "troubleshooting.md").read_text()
    quoted = re.findall(r"(?m)^\| (?:\d \| )?`([^`|]+)` \|", text)
    assert len(quoted) > 10
    for message in set(quoted) - GOOGLES_MESSAGES:
        pattern = ".+".join(re.escape(part.strip()) for part in message.split("…") if part.strip())
        assert any(re.search(pattern, one, re.DOTALL) for one in said), message


GOOGLES_MESSAGES = {"Key creation is not allowed on this service account"}


def messages() -> list[str]:
    """Every text of the program's code, with a sign for what it fills in, and the Makefile's."""
    found = [(PROJECT / "Makefile").read_text()]
    for room in ("infra", "providers", "flows", "local"):
        for path in (PROJECT / room).rglob("*.py"):
            if ".venv" not in path.parts:
                found += filter(None, map(_text, ast.walk(ast.parse(path.read_text()))))
    return found


def _text(node: ast.AST) -> str:
    match node:
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) or "{}" for part in parts)
        case ast.Constant(value=str(text)):
            return text
    return ""


def test_the_order_to_read_in_has_every_page() -> None:
    order = (PROJECT / "docs" / "README.md").read_text()
    for page in (PROJECT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"]({page.name})" in order, page.name


def test_the_file_for_a_new_environment_has_all_that_it_needs() -> None:
    for path in [*PROJECT.glob("Pulumi.*.yaml"), PROJECT / google_project.NEW_STACK]:
        assert "gcp:project" in yaml.safe_load(path.read_text())["config"], path


def test_the_file_to_copy_lets_nothing_be_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    config = yaml.safe_load((PROJECT / google_project.NEW_STACK).read_text())["config"]
    values = {key.partition(":")[2]: value for key, value in config.items()}
    found = Settings.model_validate({"environment": "staging", **values})
    assert not found.delete_contents_on_destroy
    assert not found.delete_raw_data_on_destroy
    assert found.table_expiration_days == 0


def test_one_command_puts_a_google_project_into_every_stacks_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [path.relative_to(PROJECT) for path in google_project.files()]
    assert {"Pulumi.dev.yaml", "Pulumi.prod.yaml", google_project.NEW_STACK} <= {str(file) for file in files}
    before = {}
    for file in [*files, Path("Pulumi.local.yaml")]:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        before[file] = (PROJECT / file).read_text()
        (tmp_path / file).write_text(before[file])
    monkeypatch.setattr(google_project, "ROOT", tmp_path)
    assert settings_command.main(["--google-project", "not A project"]) == 2
    assert settings_command.main(["--google-project", "my-flights-1"]) == 0
    for file in files:
        assert (tmp_path / file).read_text() == before[file].replace(google_project.ORIGINAL, "my-flights-1")
    assert (tmp_path / "Pulumi.local.yaml").read_text() == before[Path("Pulumi.local.yaml")]
    assert f"Pulumi.prod.yaml: my-flights-1 (was {google_project.ORIGINAL})" in capsys.readouterr().out
