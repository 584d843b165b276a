"""What is kept between starts, and the command that starts the gateway."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from local.google.__main__ import main
from local.google.app import create_app, owner_token
from local.google.state import StateError, Store
from tests.local.google.in_process import InProcess
from tests.local.google.world import ACCOUNTS, PROJECT, World, assertion

if TYPE_CHECKING:
    from tests.local.google.fake_bigquery import FakeBigQuery


def test_everything_is_there_after_a_restart(world: World, tmp_path: Path, bigquery: FakeBigQuery) -> None:
    world.dataset("d")
    email = world.account()
    world.grant(email, "roles/bigquery.jobUser")
    world.share("d", "READER", email)
    key = world.key(email)
    app = create_app(
        state_dir=tmp_path,
        bigquery_url="http://bigquery.test",
        projects=[PROJECT],
        base_url="http://127.0.0.1:19050",
        transport=httpx.MockTransport(bigquery),
    )
    with httpx.Client(transport=InProcess(app), base_url="http://127.0.0.1:19050") as client:
        again = World(client, world.owner_token)
        assert again.ok("GET", ACCOUNTS)["accounts"][0]["email"] == email
        assert again.query("select * from d.t", again.sign_in(key)).is_success
        assert again.exchange(assertion(key)).status_code == 200


@pytest.mark.parametrize("content", ["", "{", "[]", '{"projects": {"p": {}}}', '{"unknown": 1}', "\udc80"])
def test_corrupt_state_is_one_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(StateError, match=f"rm {path}"):
        Store(tmp_path, [PROJECT], "user:a@example.com")
    assert path.read_bytes() == content.encode("utf-8", "surrogateescape")


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, [PROJECT], "user:a@example.com")
    before = (tmp_path / "state.json").read_text()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    store.state.projects.clear()
    with pytest.raises(StateError, match="No space left on device"):
        store.save()
    assert (tmp_path / "state.json").read_text() == before


def test_owner_token_is_made_once_for_the_owners_eyes(tmp_path: Path) -> None:
    token = owner_token(tmp_path)
    assert len(token) >= 32
    assert owner_token(tmp_path) == token
    assert (tmp_path / "owner-token").stat().st_mode & 0o777 == 0o600


def test_empty_owner_token_is_no_token(tmp_path: Path) -> None:
    (tmp_path / "owner-token").write_text("\n")
    with pytest.raises(StateError, match="owner-token is empty"):
        owner_token(tmp_path)


def arguments(port: int, state: Path) -> list[str]:
    return [f"--port={port}", "--bigquery=http://127.0.0.1:1", f"--state={state}", "--project=p"]


def test_taken_port_is_one_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(arguments(port, tmp_path)) == 1
    assert capsys.readouterr().err == f"error: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_corrupt_state_stops_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state.json").write_text("{")
    assert main(arguments(0, tmp_path)) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}/state.json is not")
