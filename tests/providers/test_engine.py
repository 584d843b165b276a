"""The lifecycle of blocks under the real engine, before a real Prefect server."""

from __future__ import annotations

import json
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests import warm_python
from tests.providers import programs
from tests.providers.engine import Stack
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real


@pytest.fixture
def chain(stack: Stack, prefix: str) -> Stack:
    """A stack of three blocks that is up."""
    stack.config("prefix", prefix)
    stack.program(programs.CHAIN)
    stack.up()
    return stack


def test_up_preview_refresh_and_destroy(chain: Stack, prefect: PrefectServer, prefix: str) -> None:
    blocks = prefect.documents(prefix)
    assert sorted(blocks) == [
        f"{prefix}bigquery-target-configs",
        f"{prefix}dbt-cli-profile",
        f"{prefix}gcp-credentials",
    ]
    target = blocks[f"{prefix}bigquery-target-configs"]
    credentials = blocks[f"{prefix}gcp-credentials"]
    assert target["data"]["threads"] == 4
    assert isinstance(target["data"]["threads"], int)
    assert target["block_document_references"]["credentials"]["block_document"]["id"] == credentials["id"]
    chain.pulumi("preview", "--expect-no-changes")
    chain.pulumi("refresh", "--yes", "--expect-no-changes")
    assert chain.destroy()["delete"] == 4
    assert prefect.documents(prefix) == {}


def test_another_program_loads_the_blocks(stack: Stack, prefix: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    info = {
        "type": "service_account",
        "client_email": "dbt@p",
        "private_key": pem,
        "token_uri": "http://127.0.0.1:9",
    }
    stack.config("prefix", prefix)
    stack.config("info", json.dumps(info), "--secret")
    stack.program(programs.CHAIN)
    stack.up()
    program = f"""
from prefect_gcp import GcpCredentials
from prefect_dbt.cli.configs import BigQueryTargetConfigs
credentials = GcpCredentials.load("{prefix}gcp-credentials")
target = BigQueryTargetConfigs.load("{prefix}bigquery-target-configs")
print(credentials.service_account_info.get_secret_value()["client_email"], target.schema_, target.threads)
print(target.credentials.service_account_info == credentials.service_account_info, target.extras)
"""
    environment = {
        **stack.variables(),
        "PREFECT_API_URL": stack.api_url,
        "PREFECT_HOME": str(stack.root / "client"),
    }
    command = [str(warm_python.prefect()), "-W", "ignore", "-c", program]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "dbt@p ds 4\nTrue {'location': 'EU'}\n"


def test_a_change_shows_its_fields_and_keeps_the_rest(
    chain: Stack, prefect: PrefectServer, prefix: str
) -> None:
    before = prefect.documents(prefix)
    chain.config("threads", "8")
    chain.config("key", "k2-marker")
    shown = chain.pulumi("preview", "--diff")
    assert "~ threads    : 4 => 8" in shown
    assert "~ service_account_info: 1 => 2" in shown
    assert "k2-marker" not in shown
    assert chain.up() == {"same": 2, "update": 2}
    after = prefect.documents(prefix)
    assert {name: one["id"] for name, one in after.items()} == {
        name: one["id"] for name, one in before.items()
    }
    assert after[f"{prefix}gcp-credentials"]["data"]["service_account_info"]["private_key"] == "k2-marker"


def test_a_new_name_replaces_in_the_safe_order(chain: Stack, prefect: PrefectServer, prefix: str) -> None:
    chain.config("name", "other-credentials")
    output = chain.pulumi("up", "--yes", "--skip-preview")
    steps = [output.index(step) for step in ("created replacement", "target updated", "deleted original")]
    assert steps == sorted(steps)
    blocks = prefect.documents(prefix)
    assert f"{prefix}gcp-credentials" not in blocks
    reference = blocks[f"{prefix}bigquery-target-configs"]["block_document_references"]["credentials"]
    assert reference["block_document"]["id"] == blocks[f"{prefix}other-credentials"]["id"]
    chain.pulumi("preview", "--expect-no-changes")


def test_a_new_type_replaces_in_the_safe_order(stack: Stack, prefect: PrefectServer, prefix: str) -> None:
    stack.config("prefix", prefix)
    stack.program(programs.HOOK)
    stack.up()
    stack.program(
        programs.HOOK.replace("slack-webhook", "discord-webhook").replace(
            '"url": "https://x"', '"webhook_id": "1", "webhook_token": "2"'
        )
    )
    output = stack.pulumi("up", "--yes", "--skip-preview")
    assert output.index("created replacement") < output.index("deleted original")
    assert prefect.documents(prefix)[f"{prefix}hook"]["block_type"]["slug"] == "discord-webhook"


def test_nothing_is_created_when_anything_is_wrong(stack: Stack, prefect: PrefectServer, prefix: str) -> None:
    stack.config("prefix", prefix)
    for wrong, message in (
        (
            programs.CHAIN.replace("threads=threads", 'threads="many"'),
            "data.threads: must be integer, not string",
        ),
        (
            programs.CHAIN.replace('"dbt-cli-profile"', '"Dbt_Cli"'),
            "may only have lowercase letters, digits and dashes",
        ),
        (
            programs.HOOK.replace('"url"', '"urll"'),
            "data.urll: block type 'slack-webhook' has no such field; did you mean",
        ),
        (programs.HOOK.replace("slack-webhook", "slack-hook"), "knows block type 'slack-hook'"),
    ):
        stack.program(wrong)
        output = stack.fails("preview")
        assert message in output
        assert "Traceback" not in output
    assert prefect.documents(prefix) == {}


def test_prefect_down_is_one_clear_error(stack: Stack, prefix: str) -> None:
    stack.config("prefix", prefix)
    stack.config("prefect:apiUrl", "http://127.0.0.1:9/api")
    stack.program(programs.ONE)
    output = stack.fails("up", "--yes", "--skip-preview")
    assert "Prefect at http://127.0.0.1:9/api can't be reached" in output
    assert "python -m local up" in output
    assert "Traceback" not in output


def test_adopt_takes_over_what_exists(stack: Stack, prefect: PrefectServer, prefix: str) -> None:
    stack.config("prefix", prefix)
    stack.program(programs.ONE)
    name = f"{prefix}gcp-credentials"
    kind = prefect.block_type("gcp-credentials")
    theirs = {
        "name": name,
        "data": {"project": "theirs", "service_account_file": "/key.json"},
        "block_type_id": kind["id"],
        "block_schema_id": prefect.schemas("gcp-credentials")[0]["id"],
    }
    created = prefect.call("POST", "/block_documents/", json=theirs)
    output = stack.fails("up", "--yes", "--skip-preview")
    assert "adopt=True" in output
    assert prefect.documents(prefix)[name]["data"] == theirs["data"]
    stack.config("adopt", "true")
    stack.up()
    after = prefect.documents(prefix)[name]
    assert after["id"] == created["id"]
    assert sorted(after["data"]) == ["project", "service_account_info"]
    stack.config("adopt", "false")
    assert "update" not in stack.up()
    stack.destroy()
    assert prefect.documents(prefix) == {}


def test_one_block_declared_twice_is_an_error(stack: Stack, prefect: PrefectServer, prefix: str) -> None:
    stack.config("prefix", prefix)
    stack.program(programs.ONE + programs.CREDENTIALS.replace('"credentials",', '"again",'))
    assert "two resources of this program declare the same block" in stack.fails(
        "up", "--yes", "--skip-preview"
    )
    stack.program(programs.ONE)
    stack.up()
    assert list(prefect.documents(prefix)) == [f"{prefix}gcp-credentials"]


def test_a_resource_renamed_in_the_program_keeps_its_block(
    chain: Stack, prefect: PrefectServer, prefix: str
) -> None:
    before = prefect.documents(prefix)
    chain.program(programs.CHAIN.replace('"credentials",', '"renamed",'))
    chain.up()
    assert prefect.documents(prefix) == before
    chain.pulumi("refresh", "--yes", "--expect-no-changes")
    chain.pulumi("up", "--yes", "--skip-preview", "--replace", "**renamed")
    assert (
        prefect.documents(prefix)[f"{prefix}gcp-credentials"]["id"]
        == before[f"{prefix}gcp-credentials"]["id"]
    )


def test_destroy_accepts_what_is_gone(chain: Stack, prefect: PrefectServer, prefix: str) -> None:
    for block in prefect.documents(prefix).values():
        prefect.call("DELETE", f"/block_documents/{block['id']}")
    chain.destroy()
    assert prefect.documents(prefix) == {}
