"""A dataset of its own in the real gateway, and Google's client for the owner and for service accounts."""

from __future__ import annotations

import io
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from google.cloud import bigquery
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials

from tests.local.google.world import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.local.google.world import World

SCHEMA = [bigquery.SchemaField("id", "INTEGER"), bigquery.SchemaField("name", "STRING")]
CSV = bigquery.LoadJobConfig(schema=SCHEMA, source_format="CSV", skip_leading_rows=1)


class Setup:
    """A dataset of its own, the owner's client, and clients of service accounts."""

    def __init__(self, world: World, url: str) -> None:
        self.world = world
        self.url = url
        self.dataset = f"d_{uuid.uuid4().hex[:8]}"
        self.table = f"{PROJECT}.{self.dataset}.t"
        self.clients: list[bigquery.Client] = []
        self.owner = self.client(Credentials(world.owner_token))

    def client(self, credentials: Any) -> bigquery.Client:
        made = bigquery.Client(PROJECT, credentials, client_options={"api_endpoint": self.url}, location="EU")
        self.clients.append(made)
        return made

    def robot(self, project_role: str = "", dataset_role: str = "") -> tuple[bigquery.Client, dict[str, Any]]:
        email = self.world.account(f"robot-{uuid.uuid4().hex[:8]}")
        if project_role:
            self.world.grant(email, project_role)
        if dataset_role:
            self.world.share(self.dataset, dataset_role, email)
        key = self.world.key(email)
        signer = service_account.Credentials.from_service_account_info(
            key, scopes=["https://www.googleapis.com/auth/bigquery"]
        )
        return self.client(signer), key

    def load(self, client: bigquery.Client, rows: int = 3) -> bigquery.LoadJob:
        text = "id,name\n" + "".join(f"{number},n{number}\n" for number in range(rows))
        return client.load_table_from_file(io.BytesIO(text.encode()), self.table, job_config=CSV)


@contextmanager
def setup(world: World, url: str) -> Iterator[Setup]:
    """Make the dataset, and take it away again."""
    made = Setup(world, url)
    dataset = bigquery.Dataset(f"{PROJECT}.{made.dataset}")
    dataset.location = "EU"
    made.owner.create_dataset(dataset)
    yield made
    made.owner.delete_dataset(made.dataset, delete_contents=True, not_found_ok=True)
    for client in made.clients:
        client.close()  # type: ignore[no-untyped-call]
