"""Types and schemas on a server that has none of them: the same as Prefect's registration leaves."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import warm_python
from tests.prefect_database import put_without_block_types
from tests.providers import chains, prefect_server
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real

# Once for each line that it is given, since the libraries take long to import.
REGISTER = """
import sys
from prefect_gcp.credentials import GcpCredentials
from prefect_dbt.cli.configs.bigquery import BigQueryTargetConfigs
from prefect_dbt.cli.credentials import DbtCliProfile
for _ in sys.stdin:
    for block in (GcpCredentials, BigQueryTargetConfigs, DbtCliProfile):
        block.register_type_and_schema()
    print("registered", flush=True)
"""
SLUGS = (
    "gcp-credentials",
    "dbt-cli-bigquery-target-configs",
    "dbt-cli-global-configs",
    "dbt-cli-profile",
)


def registered(server: PrefectServer) -> dict[str, Any]:
    """All that the server has of the types, but ids and dates."""
    found: dict[str, Any] = {}
    for slug in SLUGS:
        kind = server.block_type(slug)
        shown = {
            key: kind[key] for key in ("name", "description", "code_example", "logo_url", "documentation_url")
        }
        keys = ("checksum", "version", "fields", "capabilities")
        schemas = sorted(([one[key] for key in keys] for one in server.schemas(slug)), key=str)
        found[slug] = (shown, schemas)
    return found


def test_it_is_what_prefect_itself_registers(tmp_path: Path) -> None:
    # Without the types that a server knows from its start, so that all of them have to be made.
    with (
        prefect_server.running(tmp_path / "ours", put_without_block_types) as ours,
        closing(chains.client(ours.url, 30)) as client,
        registering(ours.url, tmp_path / "client") as register,
    ):
        assert ours.call("POST", "/block_types/filter", json={}) == []
        for slug in ("dbt-cli-profile", "gcp-credentials", "dbt-cli-bigquery-target-configs"):
            chains.schema(client, slug)
        result = registered(ours)
        register()
        # Prefect found nothing to add and nothing to change.
        assert registered(ours) == result
        for slug in SLUGS:
            ours.call("DELETE", f"/block_types/{ours.block_type(slug)['id']}")
        register()
        assert registered(ours) == result


@contextmanager
def registering(api_url: str, home: Path) -> Iterator[Callable[[], None]]:
    """Give what lets Prefect's own libraries register their types, each time it is called."""
    environment = {**os.environ, "PREFECT_API_URL": api_url, "PREFECT_HOME": str(home)}
    command = [str(warm_python.prefect()), "-W", "ignore", "-c", REGISTER]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        asked, answers = process.stdin, process.stdout

        def register() -> None:
            asked.write("again\n")
            asked.flush()
            assert answers.readline() == "registered\n"

        yield register
