"""No secret is left in clear in anything that the commands leave behind."""

from __future__ import annotations

import contextlib
import stat

import psutil
import pytest

from tests.checkout import Checkout
from tests.end_to_end import servers

pytestmark = pytest.mark.real

LEAVES_THE_STACK = True


@pytest.fixture(scope="module")
def markers(stack: Checkout) -> dict[str, bytes]:
    """A piece of each secret, as it would look in a file."""
    documents = servers.prefect(stack, "/block_documents/filter", {"include_secrets": True})
    keys = [document["data"] for document in documents if document["name"] == "gcp-credentials-local"]
    return {
        "private key": keys[0]["service_account_info"]["private_key"].split("\n")[5].encode(),
        "owner token": stack.paths.owner_token.read_bytes().strip(),
        "passphrase": stack.paths.passphrase.read_bytes().strip(),
    }


def test_no_file_holds_a_secret_in_clear(stack: Checkout, markers: dict[str, bytes]) -> None:
    allowed = {("owner token", stack.paths.owner_token), ("passphrase", stack.paths.passphrase)}
    found = set()
    for path in stack.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            found |= {(name, path) for name, marker in markers.items() if marker in content}
    assert found == allowed


def test_secret_files_are_their_owners_alone(stack: Checkout) -> None:
    for path in (stack.paths.owner_token, stack.paths.passphrase):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_argument_list_holds_a_secret(stack: Checkout, markers: dict[str, bytes]) -> None:
    lines = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            lines.append("\0".join(process.cmdline()).encode())
    assert any(b"local.google" in line for line in lines)
    assert not [name for name, marker in markers.items() for line in lines if marker in line]


def test_preview_and_export_show_no_secret(stack: Checkout, markers: dict[str, bytes]) -> None:
    shown = [
        stack.pulumi("preview", "--diff"),
        stack.pulumi("stack", "export"),
        stack.pulumi("stack", "output", "--json"),
    ]
    for done in shown:
        assert done.returncode == 0, done.stderr
        assert markers["private key"] not in (done.stdout + done.stderr).encode()
