"""The datasets of one environment."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from infra.settings import Settings

_DAY_MS = 24 * 60 * 60 * 1000


class Warehouse(pulumi.ComponentResource):
    """Owns the dataset that dbt writes to and the one that raw data is loaded into.

    Does not own who may use them (see `Identity`), nor any table: those are dbt's and the loader's. Unless
    the settings let `pulumi destroy` drop the tables, the datasets are protected, from being replaced too.
    What keeps the rest of the environment with them is `Guard`.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("projet-m2-bi:infra:Warehouse", name, None, opts)

        def dataset(
            resource: str, dataset_id: str, description: str, expiration_ms: int | None = None
        ) -> gcp.bigquery.Dataset:
            return gcp.bigquery.Dataset(
                resource,
                dataset_id=dataset_id,
                location=settings.location,
                description=description,
                labels=settings.labels,
                default_table_expiration_ms=expiration_ms,
                delete_contents_on_destroy=settings.delete_contents_on_destroy,
                # A dataset can't move: the new one needs the name that the old one has.
                opts=pulumi.ResourceOptions(
                    parent=self,
                    delete_before_replace=True,
                    protect=not settings.delete_contents_on_destroy,
                    depends_on=[*after],
                ),
            )

        self.dataset = dataset(
            "dataset",
            settings.dataset,
            f"What dbt builds for {settings.environment}: models, seeds, snapshots.",
            # Raw data stays: nobody loads it again by himself.
            settings.table_expiration_days * _DAY_MS or None,
        )
        self.raw_dataset = dataset(
            "raw-dataset",
            settings.raw_dataset,
            f"Raw data of {settings.environment}, as loaded; dbt only reads it.",
        )
        self.register_outputs(
            {"dataset": self.dataset.dataset_id, "raw_dataset": self.raw_dataset.dataset_id}
        )
