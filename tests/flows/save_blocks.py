"""Save a chain of blocks by the classes of prefect_gcp and prefect_dbt, as another program would.

    python -m tests.flows.save_blocks TOKEN_URL TARGET=BIGQUERY_URL …

Run as a process of its own: the two packages take 20 seconds to import, and warn about themselves.
"""

from __future__ import annotations

import json
import os
import sys
import warnings

warnings.simplefilter("ignore")

from prefect_dbt.cli import DbtCliProfile  # noqa: E402
from prefect_dbt.cli.configs import BigQueryTargetConfigs, GlobalConfigs  # noqa: E402
from prefect_gcp import GcpCredentials  # noqa: E402

from tests.flows.sent_blocks import key, private_key  # noqa: E402
from tests.flows.servers import wait  # noqa: E402


def save(target: str, bigquery_url: str, token_url: str, pem: str) -> None:
    credentials = GcpCredentials(service_account_info=key(target, token_url, pem), project="demo-flights")
    credentials.save(f"gcp-credentials-{target}")
    configs = BigQueryTargetConfigs(
        project="demo-flights",
        schema=f"demo_flights_{target}",
        threads=4,
        credentials=credentials,
        extras={"location": "EU", "api_endpoint": bigquery_url, "job_retries": 1},
    )
    configs.save(f"bigquery-target-configs-{target}")
    switches = GlobalConfigs(extras={"show_failing_rows": True})
    switches.save(f"dbt-cli-global-configs-{target}")
    profile = DbtCliProfile(
        name="projet_m2_bi", target=target, target_configs=configs, global_configs=switches
    )
    profile.save(f"dbt-cli-profile-{target}")


if __name__ == "__main__":
    PEM = private_key()
    wait(f"{os.environ['PREFECT_API_URL']}/health")
    for argument in sys.argv[2:]:
        name, url = argument.split("=", 1)
        save(name, url, sys.argv[1], PEM)
    print(json.dumps(PEM))
