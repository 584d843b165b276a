"""The Prefect blocks of one environment, chained: profile -> target -> credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from infra.component import Component
from infra.settings import Names
from providers import BigQueryTargetConfigsBlock, DbtCliProfileBlock, GcpCredentialsBlock, PrefectBlock


@dataclass(frozen=True)
class BlocksArgs:
    """What a flow has to know of the environment.

    Attributes:
        names: what the blocks are called.
        project: the Google project of the datasets.
        dataset: the one that dbt writes to.
        threads: how many models dbt builds at a time.
        profile: the dbt profile's name, as the dbt project has it.
        profile_extras: the rest of dbt-bigquery's target.
        dbt_sign_in: what that says of a sign-in without a key.
        service_account_info: the key, where there is one.
        flow_extras: what the flow does otherwise than by default; dbt itself does not read it.
        variables: what `env_var` finds in a run of dbt.
        secret_variables: those of them that nobody is to read.
    """

    names: Names
    project: str
    dataset: pulumi.Input[str]
    threads: int
    profile: str
    profile_extras: Mapping[str, Any] = field(default_factory=dict)
    dbt_sign_in: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    service_account_info: pulumi.Input[Mapping[str, Any]] | None = None
    flow_extras: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_variables: frozenset[str] = frozenset()


class Blocks(Component):
    """Owns `gcp-credentials-<env>`, `bigquery-target-configs-<env>` and `dbt-cli-profile-<env>`.

    And `dbt-cli-global-configs-<env>`, where the flow is told other than its defaults; and the secret
    `dbt-environment-<env>`, where dbt gets variables.

    Everything a flow has to know of the environment is in them. Does not own their types on the server,
    which other programs use too.
    """

    def __init__(self, name: str, args: BlocksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        child = pulumi.ResourceOptions(parent=self)
        block = args.names.block
        self.credentials = GcpCredentialsBlock(
            "gcp-credentials",
            block_name=block("gcp-credentials"),
            project=args.project,
            service_account_info=args.service_account_info,
            opts=child,
        )
        self.target = BigQueryTargetConfigsBlock(
            "bigquery-target-configs",
            block_name=block("bigquery-target-configs"),
            project=args.project,
            schema=args.dataset,
            threads=args.threads,
            credentials=self.credentials.ref,
            extras={**args.profile_extras, **args.dbt_sign_in},
            opts=child,
        )
        flow_extras = dict(args.flow_extras)
        self.environment: PrefectBlock | None = None
        if args.variables:
            self.environment = PrefectBlock(
                "dbt-environment",
                block_type="secret",
                block_name=block("dbt-environment"),
                data={"value": pulumi.Output.secret(environment(args.variables, args.secret_variables))},
                opts=child,
            )
            flow_extras["environment_block"] = self.environment.block_name
        self.global_configs: PrefectBlock | None = None
        if flow_extras:
            self.global_configs = PrefectBlock(
                "dbt-cli-global-configs",
                block_type="dbt-cli-global-configs",
                block_name=block("dbt-cli-global-configs"),
                data={"extras": flow_extras},
                opts=child,
            )
        self.profile = DbtCliProfileBlock(
            "dbt-cli-profile",
            block_name=block("dbt-cli-profile"),
            profile=args.profile,
            target=args.names.environment,
            target_configs=self.target.ref,
            global_configs=self.global_configs.ref if self.global_configs else None,
            opts=child,
        )
        self.register_outputs({"profile": block("dbt-cli-profile")})


def environment(variables: Mapping[str, str], secret: frozenset[str]) -> str:
    """Return what the secret block holds: one text, since a secret of Prefect's is one."""
    return json.dumps({"variables": dict(variables), "secret": sorted(secret)}, sort_keys=True)
