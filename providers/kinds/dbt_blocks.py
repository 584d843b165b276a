"""The three block types in use, with their fields as arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi import Input, Output

from providers.kinds.block import PrefectBlock


class GcpCredentialsBlock(PrefectBlock, module="prefect", name="GcpCredentials"):
    """A `gcp-credentials` block, which programs load with `prefect_gcp.GcpCredentials.load(block_name)`.

    Args:
        resource_name: the resource's name in Pulumi.
        block_name: the block's name in Prefect.
        project: the Google Cloud project to work in.
        service_account_info: a service account's key, as the JSON text or the object; always kept secret.
        adopt: take over a block of this name that exists.
        opts: as for every resource.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        block_name: Input[str],
        project: Input[str] | None = None,
        service_account_info: Input[str | Mapping[str, Any]] | None = None,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        key = (
            None
            if service_account_info is None
            else Output.secret(cast("Input[Any]", service_account_info)).apply(_key)
        )
        data = _given(project=project, service_account_info=key)
        super().__init__(
            resource_name,
            block_type="gcp-credentials",
            block_name=block_name,
            data=data,
            adopt=adopt,
            opts=opts,
        )


class BigQueryTargetConfigsBlock(PrefectBlock, module="prefect", name="BigQueryTargetConfigs"):
    """A `dbt-cli-bigquery-target-configs` block: what a dbt profile's BigQuery target says.

    Args:
        resource_name: the resource's name in Pulumi.
        block_name: the block's name in Prefect.
        schema: the dataset that dbt builds in.
        project: the Google Cloud project.
        threads: how many models dbt builds at once.
        credentials: the `ref` of a `GcpCredentialsBlock`.
        extras: further keys of the target, such as `location`; kept secret, since it may hold a key.
        allow_field_overrides: let the fields win over what `extras` says.
        adopt: take over a block of this name that exists.
        opts: as for every resource.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        block_name: Input[str],
        schema: Input[str],
        project: Input[str] | None = None,
        threads: Input[int] | None = None,
        credentials: Input[Mapping[str, Any]] | None = None,
        extras: Input[Mapping[str, Input[Any]]] | None = None,
        allow_field_overrides: Input[bool] | None = None,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        data = _given(
            type="bigquery",
            schema=schema,
            project=project,
            threads=threads,
            credentials=credentials,
            extras=extras,
            allow_field_overrides=allow_field_overrides,
        )
        slug = "dbt-cli-bigquery-target-configs"
        super().__init__(
            resource_name, block_type=slug, block_name=block_name, data=data, adopt=adopt, opts=opts
        )


class DbtCliProfileBlock(PrefectBlock, module="prefect", name="DbtCliProfile"):
    """A `dbt-cli-profile` block: a dbt profile with one target.

    Args:
        resource_name: the resource's name in Pulumi.
        block_name: the block's name in Prefect.
        profile: the profile's name, as in dbt_project.yml.
        target: the target's name.
        target_configs: the `ref` of a `BigQueryTargetConfigsBlock`.
        global_configs: the `ref` of a block of type `dbt-cli-global-configs`.
        adopt: take over a block of this name that exists.
        opts: as for every resource.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        block_name: Input[str],
        profile: Input[str],
        target: Input[str],
        target_configs: Input[Mapping[str, Any]],
        global_configs: Input[Mapping[str, Any]] | None = None,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        data = _given(
            name=profile, target=target, target_configs=target_configs, global_configs=global_configs
        )
        super().__init__(
            resource_name,
            block_type="dbt-cli-profile",
            block_name=block_name,
            data=data,
            adopt=adopt,
            opts=opts,
        )


def _given(**fields: Any) -> dict[str, Any]:
    return {field: value for field, value in fields.items() if value is not None}


def _key(given: str | Mapping[str, Any]) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        # Without its cause, which would quote the key.
        raise ValueError("service_account_info: is not JSON; give the key file's text, not base64") from None
