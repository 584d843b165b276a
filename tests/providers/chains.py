"""Chains of blocks put through a client, and what the server must hold after each step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from providers.api.http import Requests
from providers.api.prefect_client import PrefectClient, Schema
from providers.api.server import Server
from providers.catalog.schemas import committed
from providers.values import reference
from tests.faults import Plan, Proxy
from tests.providers.prefect_server import PrefectServer

CREDENTIALS = "gcp-credentials"
TARGET = "dbt-cli-bigquery-target-configs"
ANSWER_TIMEOUT = 0.4  # seconds; the proxy's slow answers take longer


def client(url: str, answer_timeout: float = ANSWER_TIMEOUT) -> PrefectClient:
    """A client without much patience for one answer."""
    server = Server(url)
    return PrefectClient(server, Requests(server, answer_timeout=answer_timeout))


def schema(prefect: PrefectClient, slug: str) -> Schema:
    kind = committed(slug)
    assert kind is not None
    return prefect.schema(slug, kind.checksum, kind.version)


def create(prefect: PrefectClient, slug: str, name: str, data: dict[str, Any]) -> str:
    """Create a block whose name is free; its id."""
    document = prefect.create(slug, name, data, schema(prefect, slug))
    assert document is not None
    return document.id


@dataclass
class Chain:
    """Credentials, and a target that refers to them."""

    prefect: PrefectClient
    name: str

    def data(self, version: int) -> dict[str, Any]:
        key = {"type": "service_account", "private_key": f"{self.name}-{version}"}
        return {"project": f"p{version}", "service_account_info": key}

    def target_data(self, version: int) -> dict[str, Any]:
        return {"schema": f"ds{version}", "threads": version, "credentials": reference(self.credentials)}

    def create(self) -> None:
        prefect, name = self.prefect, self.name
        self.credentials = create(prefect, CREDENTIALS, name, self.data(1))
        self.target = create(prefect, TARGET, f"{name}-t", self.target_data(1))

    def change(self) -> None:
        self.prefect.replace(self.credentials, self.data(2), schema(self.prefect, CREDENTIALS))
        self.prefect.replace(self.target, self.target_data(2), schema(self.prefect, TARGET))

    def check(self, version: int) -> None:
        credentials = self.prefect.document(self.credentials)
        target = self.prefect.document(self.target)
        assert credentials is not None
        assert credentials.holds(self.data(version))
        assert target is not None
        assert target.holds(self.target_data(version))

    def delete(self) -> None:
        self.prefect.delete(self.target)
        self.prefect.delete(self.credentials)


def run(
    proxy: Proxy, direct: PrefectServer, prefix: str, seed: int, chains: int = 2, share: float = 0.3
) -> Plan:
    """Put some chains through their whole life at once, by one seed's faults. Raises if anything is amiss."""
    plan = Plan(seed, share=share)
    proxy.plan = plan
    with closing(client(proxy.url)) as prefect, ThreadPoolExecutor(chains) as pool:
        every = [Chain(prefect, f"{prefix}{seed}-{number}") for number in range(chains)]
        list(pool.map(Chain.create, every))
        _settled(proxy, direct, every, prefix, 1)
        list(pool.map(Chain.change, every))
        _settled(proxy, direct, every, prefix, 2)
        list(pool.map(lambda chain: chain.check(2), every))
        list(pool.map(Chain.delete, every))
    proxy.drain()
    assert direct.documents(f"{prefix}{seed}-") == {}
    return plan


def _settled(proxy: Proxy, direct: PrefectServer, chains: list[Chain], prefix: str, version: int) -> None:
    proxy.drain()
    seed = proxy.plan.seed
    found = direct.documents(f"{prefix}{seed}-")
    assert sorted(found) == sorted(name for chain in chains for name in (chain.name, f"{chain.name}-t"))
    for chain in chains:
        assert found[chain.name]["id"] == chain.credentials
        assert found[chain.name]["data"] == chain.data(version)
        assert found[f"{chain.name}-t"]["id"] == chain.target
        assert found[f"{chain.name}-t"]["data"]["schema"] == f"ds{version}"
        references = found[f"{chain.name}-t"]["block_document_references"]
        assert references["credentials"]["block_document"]["id"] == chain.credentials
