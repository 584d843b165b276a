"""Programs for the real engine. All names begin with the setting `prefix`: one server serves all tests."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import indent

HEAD = """
import json
prefix = config.require("prefix")
threads = config.get_int("threads") or 4
key = config.get_object("info") or {"type": "service_account", "private_key": config.get("key") or "k1"}
"""

CREDENTIALS = """
credentials = GcpCredentialsBlock(
    "credentials",
    block_name=prefix + (config.get("name") or "gcp-credentials"),
    project="p",
    service_account_info=pulumi.Output.secret(json.dumps(key)),
    adopt=config.get_bool("adopt") or False,
)
"""

CHAIN = f"""{HEAD}{CREDENTIALS}
target = BigQueryTargetConfigsBlock(
    "target",
    block_name=prefix + "bigquery-target-configs",
    project="p", schema="ds", threads=threads, credentials=credentials.ref, extras={{"location": "EU"}},
)
profile = DbtCliProfileBlock(
    "profile",
    block_name=prefix + "dbt-cli-profile",
    profile="projet_m2_bi", target="dev", target_configs=target.ref,
)
"""

ONE = f"{HEAD}{CREDENTIALS}"

# Blocks that need not wait for each other.
APART = """
import json
for number in range({count}):
    GcpCredentialsBlock(
        f"credentials-{{number}}",
        block_name=f"gcp-credentials-{{number}}",
        project="p",
        service_account_info=pulumi.Output.secret(json.dumps({{"type": "service_account"}})),
    )
"""


def chains(cases: Iterable[str]) -> str:
    """A chain for each case: all their names, in the program and in Prefect, begin with it and a dash."""
    chain = CHAIN.replace('config.require("prefix")', 'config.require("prefix") + case + "-"')
    for name in ("credentials", "target", "profile"):
        chain = chain.replace(f'    "{name}",\n', f'    f"{{case}}-{name}",\n')
    return f"for case in {list(cases)}:\n{indent(chain, '    ')}"


HOOK = f"""{HEAD}
PrefectBlock(
    "hook",
    block_type="slack-webhook",
    block_name=prefix + "hook",
    data={{"url": "https://x"}},
)
"""
