"""Types and schemas on a server that has none of them: the same as Prefect's registration leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.providers import chains, prefect_server
from tests.providers.prefect_server import PrefectServer

pytestmark = pytest.mark.real

REGISTER = """
from prefect_gcp.credentials import GcpCredentials
from prefect_dbt.cli.configs.bigquery import BigQueryTargetConfigs
from prefect_dbt.cli.credentials import DbtCliProfile
for block in (GcpCredentials, BigQueryTargetConfigs, DbtCliProfile):
    block.register_type_and_schema()
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
    bare = {"PREFECT_API_BLOCKS_REGISTER_ON_START": "false"}
    with (
        prefect_server.running(tmp_path / "ours", **bare) as ours,
        closing(chains.client(ours.url, 30)) as client,
    ):
        assert ours.call("POST", "/block_types/filter", json={}) == []
        for slug in ("dbt-cli-profile", "gcp-credentials", "dbt-cli-bigquery-target-configs"):
            chains.schema(client, slug)
        result = registered(ours)
        environment = {**os.environ, "PREFECT_API_URL": ours.url, "PREFECT_HOME": str(tmp_path / "client")}
        command = [sys.executable, "-W", "ignore", "-c", REGISTER]
        subprocess.run(command, env=environment, check=True, timeout=300)
        # Prefect found nothing to add and nothing to change.
        assert registered(ours) == result
        for slug in SLUGS:
            ours.call("DELETE", f"/block_types/{ours.block_type(slug)['id']}")
        subprocess.run(command, env=environment, check=True, timeout=300)
        assert registered(ours) == result
