"""What programs declare: `WorkPool`, `Deployment`, `GlobalConcurrencyLimit` and Prefect's other objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import Input, Output
from pulumi.dynamic import Resource

from providers.engine.provider import PrefectProvider

Json = Mapping[str, Input[Any]]


class WorkPool(Resource, module="prefect", name="WorkPool"):
    """A work pool of Prefect.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the pool's name in Prefect. Changing it replaces the pool.
        type: the workers' type, such as `process` or `kubernetes`. Changing it replaces the pool.
        base_job_template: what workers make jobs of: `job_configuration` and `variables`, such as
            `providers.catalog.job_templates.committed(type)`.
        concurrency_limit: how many runs may run at the same time; None for any number.
        description: shown in Prefect's page.
        paused: whether no run is handed out. Afterwards people's own, unless `manage_state`.
        manage_state: let the program alone say whether the pool is paused.
        adopt: take over a pool of this name that exists. Without it, such a pool is an error.
        opts: as for every resource.
    """

    name: Output[str]
    type: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        type: Input[str],  # noqa: A002  Prefect's own word
        base_job_template: Input[Json],
        concurrency_limit: Input[int] | None = None,
        description: Input[str] | None = None,
        paused: Input[bool] = False,
        manage_state: Input[bool] = False,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "type": type,
            "base_job_template": base_job_template,
            "concurrency_limit": concurrency_limit,
            "description": description,
            "paused": paused,
            "manage_state": manage_state,
            "adopt": adopt,
        }
        super().__init__(PrefectProvider("work-pool"), resource_name, properties, opts)


class Deployment(Resource, module="prefect", name="Deployment"):
    """A deployment of a flow.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the deployment's name in Prefect. Changing it replaces the deployment.
        flow_name: the flow's name. Changing it replaces the deployment.
        entrypoint: where the flow is in the code, such as `flows/pipeline.py:my_flow`.
        path: the code's directory, for storage that Prefect itself reads.
        pull_steps: what a worker does to have the code, before each run.
        work_pool: the pool that runs it, or the name of one that exists.
        work_queue_name: a queue of that pool other than its default one.
        parameters: the flow's arguments.
        parameter_openapi_schema: the arguments' JSON Schema, by which runs are checked.
        enforce_parameter_schema: refuse runs whose arguments do not fit it.
        job_variables: values for the pool's base job template.
        schedules: name to one of `{"cron": "0 2 * * *"}`, `{"interval": seconds}` and `{"rrule": text}`, with
            `timezone` (UTC without it) and `active` (true without it).
        manage_schedule_state: let the program alone say which schedules are active, and whether the
            deployment is paused. Without it, what was paused in Prefect's page stays so.
        paused: whether no schedule makes runs; people's own afterwards, as above.
        tags: shown in Prefect's page.
        description: shown in Prefect's page.
        version: any text.
        concurrency_limit: how many of its runs may run at the same time; None for any number.
        collision_strategy: what happens to a run beyond that: `ENQUEUE` (waits) or `CANCEL_NEW`.
        adopt: take over a deployment of this name that exists. Without it, such a deployment is an error.
        opts: as for every resource.
    """

    name: Output[str]
    flow_name: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        flow_name: Input[str],
        entrypoint: Input[str],
        path: Input[str] | None = None,
        pull_steps: Input[Sequence[Input[Json]]] | None = None,
        work_pool: WorkPool | Input[str] | None = None,
        work_queue_name: Input[str] | None = None,
        parameters: Input[Json] | None = None,
        parameter_openapi_schema: Input[Json] | None = None,
        enforce_parameter_schema: Input[bool] = True,
        job_variables: Input[Json] | None = None,
        schedules: Input[Mapping[str, Input[Json]]] | None = None,
        manage_schedule_state: Input[bool] = False,
        paused: Input[bool] = False,
        tags: Input[Sequence[Input[str]]] | None = None,
        description: Input[str] | None = None,
        version: Input[str] | None = None,
        concurrency_limit: Input[int] | None = None,
        collision_strategy: Input[str] | None = None,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "flow_name": flow_name,
            "entrypoint": entrypoint,
            "path": path,
            "pull_steps": pull_steps,
            "work_pool_name": work_pool.name if isinstance(work_pool, WorkPool) else work_pool,
            # A pool that is replaced may keep its name: its id tells that the deployment has to be joined
            # to it anew.
            "work_pool_id": work_pool.id if isinstance(work_pool, WorkPool) else None,
            "work_queue_name": work_queue_name,
            "parameters": parameters,
            "parameter_openapi_schema": parameter_openapi_schema,
            "enforce_parameter_schema": enforce_parameter_schema,
            "job_variables": job_variables,
            "schedules": schedules,
            "manage_schedule_state": manage_schedule_state,
            "paused": paused,
            "tags": tags,
            "description": description,
            "version": version,
            "concurrency_limit": concurrency_limit,
            "collision_strategy": collision_strategy,
            "adopt": adopt,
        }
        super().__init__(PrefectProvider("deployment"), resource_name, properties, opts)


class GlobalConcurrencyLimit(Resource, module="prefect", name="GlobalConcurrencyLimit"):
    """A global concurrency limit of Prefect. Who holds its slots is nothing to this resource.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the limit's name. Changing it replaces the limit.
        limit: how many slots there are.
        slot_decay_per_second: how many slots become free by themselves; 0 where holders give them back.
        active: whether it limits anything. Afterwards people's own, unless `manage_state`.
        manage_state: let the program alone say whether it is active.
        adopt: take over a limit of this name that exists. Without it, one with other settings is an error.
        opts: as for every resource.
    """

    name: Output[str]
    limit: Output[int]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        limit: Input[int],
        slot_decay_per_second: Input[float] = 0,
        active: Input[bool] = True,
        manage_state: Input[bool] = False,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "limit": limit,
            "slot_decay_per_second": slot_decay_per_second,
            "active": active,
            "manage_state": manage_state,
            "adopt": adopt,
        }
        super().__init__(PrefectProvider("global-concurrency-limit"), resource_name, properties, opts)


class Variable(Resource, module="prefect", name="Variable"):
    """A variable of Prefect. Anybody who can see Prefect can see its value.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the variable's name. Changing it replaces the variable.
        value: anything that JSON can say, at most 5000 characters of it.
        tags: shown in Prefect's page.
        adopt: take over a variable of this name that exists. Without it, such a variable is an error.
        opts: as for every resource.
    """

    name: Output[str]
    value: Output[Any]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        value: Input[Any],
        tags: Input[Sequence[Input[str]]] | None = None,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"name": name, "value": value, "tags": tags, "adopt": adopt}
        super().__init__(PrefectProvider("variable"), resource_name, properties, opts)


class Automation(Resource, module="prefect", name="Automation"):
    """An automation of Prefect: actions, and the trigger that sets them off.

    Args:
        resource_name: the resource's name in Pulumi.
        name: the automation's name; a new one renames it.
        trigger: as Prefect's API describes it: `{"type": "event", "posture": "Reactive", "expect": […], …}`.
        actions: what to do then, such as `{"type": "send-notification", "block_document_id": block.id, …}`.
        actions_on_trigger: what to do when the automation goes into its triggered state.
        actions_on_resolve: what to do when it comes out of it.
        description: shown in Prefect's page.
        tags: shown in Prefect's page.
        enabled: whether it works. Afterwards people's own, unless `manage_state`.
        manage_state: let the program alone say whether it is enabled.
        adopt: take over the automation of this name that exists. Without it, such an automation is an error.
        opts: as for every resource.
    """

    name: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: Input[str],
        trigger: Input[Json],
        actions: Input[Sequence[Input[Json]]],
        actions_on_trigger: Input[Sequence[Input[Json]]] | None = None,
        actions_on_resolve: Input[Sequence[Input[Json]]] | None = None,
        description: Input[str] | None = None,
        tags: Input[Sequence[Input[str]]] | None = None,
        enabled: Input[bool] = True,
        manage_state: Input[bool] = False,
        adopt: Input[bool] = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "trigger": trigger,
            "actions": actions,
            "actions_on_trigger": actions_on_trigger,
            "actions_on_resolve": actions_on_resolve,
            "description": description,
            "tags": tags,
            "enabled": enabled,
            "manage_state": manage_state,
            "adopt": adopt,
        }
        super().__init__(PrefectProvider("automation"), resource_name, properties, opts)


class ExistingBlock(Resource, module="prefect", name="ExistingBlock"):
    """The id of a block that the program does not make, by its type and name. Never changes the block.

    Args:
        resource_name: the resource's name in Pulumi.
        block_type: the block type's slug, such as `slack-webhook`.
        block_name: the block's name in Prefect.
        capability: what the block has to be able to do, such as `notify`.
        hint: where the program got the name from, for its error messages. A new hint changes nothing.
        opts: as for every resource.
    """

    block_type: Output[str]
    block_name: Output[str]
    capability: Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        block_type: Input[str],
        block_name: Input[str],
        capability: Input[str] | None = None,
        hint: Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "block_type": block_type,
            "block_name": block_name,
            "capability": capability,
            "hint": hint,
        }
        super().__init__(PrefectProvider("existing-block"), resource_name, properties, opts)
