"""What Prefect itself says about the objects of `object_programs.ALL`, and what others do to them there."""

from __future__ import annotations

from typing import Any

from tests.providers.prefect_server import PrefectServer

Object = dict[str, Any]
_PASSING = {"updated", "status", "last_polled", "active_slots", "slot_decay_per_second", "anchor_date"}


class There:
    """The objects whose names begin with a test's prefix."""

    def __init__(self, prefect: PrefectServer, prefix: str) -> None:
        self.prefect = prefect
        self.prefix = prefix

    def pool(self) -> Object | None:
        return self._one("/work_pools/filter", {"work_pools": {"name": {"any_": [f"{self.prefix}pool"]}}})

    def queue(self) -> Object | None:
        every = (
            self.prefect.call("POST", f"/work_pools/{self.prefix}pool/queues/filter") if self.pool() else []
        )
        return next((one for one in every if one["name"] == f"{self.prefix}queue"), None)

    def flow(self) -> Object | None:
        return self._one("/flows/filter", {"flows": {"name": {"any_": [f"{self.prefix}own-flow"]}}})

    def deployment(self, name: str = "deployment") -> Object | None:
        return self._one("/deployments/filter", {"deployments": {"name": {"any_": [f"{self.prefix}{name}"]}}})

    def block_type(self) -> Object | None:
        body = {"block_types": {"slug": {"any_": [f"{self.prefix}type"]}}}
        every = self.prefect.call("POST", "/block_types/filter", json=body)
        return next((one for one in every if one["slug"] == f"{self.prefix}type"), None)

    def has_field(self, name: str) -> bool:
        """Tell whether a schema of that block type has just this field."""
        every = self.prefect.schemas(f"{self.prefix}type")
        return any(list(one["fields"]["properties"]) == [name] for one in every)

    def variable(self) -> Object | None:
        return self._one("/variables/filter", {"variables": {"name": {"any_": [f"{self.prefix}variable"]}}})

    def limit(self) -> Object | None:
        every = self.prefect.call("POST", "/v2/concurrency_limits/filter", json={"limit": 200})
        return next((one for one in every if one["name"] == f"{self.prefix}limit"), None)

    def tag_limit(self) -> Object | None:
        every = self.prefect.call("POST", "/concurrency_limits/filter", json={"limit": 200})
        return next((one for one in every if one["tag"] == f"{self.prefix}tag"), None)

    def automations(self) -> list[Object]:
        body = {"automations": {"name": {"any_": [f"{self.prefix}automation"]}}}
        found: list[Object] = self.prefect.call("POST", "/automations/filter", json=body)
        return found

    def automation(self) -> Object:
        (found,) = self.automations()
        return found

    def schedule(self, slug: str) -> Object:
        deployment = self.deployment()
        assert deployment
        (found,) = [one for one in deployment["schedules"] if one["slug"] == slug]
        return dict(found)

    def nothing(self) -> bool:
        found = (self.pool(), self.queue(), self.deployment(), self.flow(), self.limit(), self.variable())
        return (
            not any((*found, self.block_type(), self.tag_limit()))
            and not self.automations()
            and not self.prefect.documents(self.prefix)
        )

    def everything(self) -> list[Any]:
        """All of the objects, without what changes by itself."""
        found = [self.pool(), self.queue(), self.deployment(), self.flow(), self.limit(), self.variable()]
        found += [self.block_type(), self.tag_limit()]
        return [_lasting(one) for one in (*found, *self.automations(), self.prefect.documents(self.prefix))]

    def change_pool(self, **body: Any) -> None:
        self.prefect.call("PATCH", f"/work_pools/{self.prefix}pool", json=body)

    def change_deployment(self, **body: Any) -> None:
        deployment = self.deployment()
        assert deployment
        self.prefect.call("PATCH", f"/deployments/{deployment['id']}", json=body)

    def change_schedule(self, slug: str, **body: Any) -> None:
        one = self.schedule(slug)
        self.prefect.call("PATCH", f"/deployments/{one['deployment_id']}/schedules/{one['id']}", json=body)

    def change_variable(self, **body: Any) -> None:
        self.prefect.call("PATCH", f"/variables/name/{self.prefix}variable", json=body)

    def change_limit(self, **body: Any) -> None:
        self.prefect.call("PATCH", f"/v2/concurrency_limits/{self.prefix}limit", json=body)

    def change_automation(self, **body: Any) -> None:
        found = self.automation()
        kept = {key: value for key, value in found.items() if key not in {"id", "created", "updated"}}
        self.prefect.call("PUT", f"/automations/{found['id']}", json={**kept, **body})

    def enable_automation(self, *, enabled: bool) -> None:
        self.prefect.call("PATCH", f"/automations/{self.automation()['id']}", json={"enabled": enabled})

    def delete_all(self) -> None:
        deployment, automation = self.deployment(), self.automation()
        assert deployment
        self.prefect.call("DELETE", f"/deployments/{deployment['id']}")
        self.prefect.call("DELETE", f"/work_pools/{self.prefix}pool")
        self.prefect.call("DELETE", f"/v2/concurrency_limits/{self.prefix}limit")
        self.prefect.call("DELETE", f"/variables/name/{self.prefix}variable")
        self.prefect.call("DELETE", f"/automations/{automation['id']}")

    def _one(self, path: str, body: Object) -> Object | None:
        found = self.prefect.call("POST", path, json=body)
        assert len(found) <= 1
        return found[0] if found else None


def _lasting(value: Any) -> Any:
    """Without states and times that a server writes by itself."""
    if isinstance(value, dict):
        return {key: _lasting(one) for key, one in value.items() if key not in _PASSING}
    return [_lasting(one) for one in value] if isinstance(value, list) else value
