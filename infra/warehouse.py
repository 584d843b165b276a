"""The datasets of one environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_gcp as gcp

from infra.component import Component
from infra.kept_tables import KeptTables
from infra.settings import Dataset

_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class WarehouseArgs:
    """What the datasets are, and what becomes of their tables.

    Attributes:
        environment: for descriptions.
        datasets: the main one, the raw one, and any others.
        project: where a dataset is that does not say otherwise.
        location: where those are that are made.
        labels: of those that are made.
        table_expiration_days: of those that dbt writes to, raw data apart; 0 for never.
        delete_contents: whether `pulumi destroy` may drop what dbt can build again.
        delete_raw_data: whether it may drop raw data.
        drop_on_update: what `pulumi up` may drop, each as `name@LOCATION`.
        api_endpoint: BigQuery's, where it is not Google's.
    """

    environment: str
    datasets: Sequence[Dataset]
    project: str
    location: str
    labels: Mapping[str, str] = field(default_factory=dict)
    table_expiration_days: int = 0
    delete_contents: bool = False
    delete_raw_data: bool = False
    drop_on_update: Sequence[str] = ()
    api_endpoint: str | None = None

    def may_drop(self, dataset: Dataset) -> bool:
        """Whether `pulumi destroy` may drop a dataset that the stack has made."""
        return self.delete_raw_data if dataset.raw else self.delete_contents


class Warehouse(Component):
    """Owns the dataset that dbt writes to, the one that raw data is loaded into, and any others it makes.

    Does not own who may use them (see `Identity`), nor any table: those are dbt's and the loader's; nor
    datasets that exist already. Unless the settings let `pulumi destroy` drop the tables, the datasets are
    protected, from being replaced too; and where they do, `KeptTables` lets no `pulumi up` drop any. What
    keeps the rest of the environment with them is `Guard`.

    Attributes:
        ids: the name of each dataset, by what the settings call it, known when the dataset is there.
    """

    def __init__(
        self,
        name: str,
        args: WarehouseArgs,
        after: Sequence[pulumi.Input[pulumi.Resource]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        made = [dataset for dataset in args.datasets if dataset.made]
        kept = KeptTables(
            "kept-tables",
            datasets={f"{one.project}.{one.dataset_id}": args.location for one in made},
            there=[f"{one.project}.{one.dataset_id}" for one in args.datasets if not one.made],
            protected={
                f"{one.project}.{one.dataset_id}": switch(one) for one in made if not args.may_drop(one)
            },
            labels=args.labels,
            may_drop=args.drop_on_update,
            api_endpoint=args.api_endpoint,
            stack=args.environment,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after]),
        )
        self.ids: dict[str, pulumi.Input[str]] = {one.key: one.dataset_id for one in args.datasets}
        for one in made:
            self.ids[one.key] = self._dataset(one, args, [*after, kept]).dataset_id
        self.register_outputs({"dataset": self.ids["dataset"], "raw_dataset": self.ids["raw-dataset"]})

    def _dataset(
        self, dataset: Dataset, args: WarehouseArgs, after: Sequence[pulumi.Input[pulumi.Resource]]
    ) -> gcp.bigquery.Dataset:
        may_drop = args.may_drop(dataset)
        # Raw data stays: nobody loads it again by himself.
        days = 0 if dataset.raw else args.table_expiration_days
        return gcp.bigquery.Dataset(
            dataset.key if dataset.key in {"dataset", "raw-dataset"} else f"dataset-{dataset.key}",
            dataset_id=dataset.dataset_id,
            project=dataset.project if dataset.project != args.project else None,
            location=args.location,
            description=description(dataset, args.environment),
            labels=args.labels,
            default_table_expiration_ms=days * _DAY_MS or None,
            delete_contents_on_destroy=may_drop,
            # A dataset can't move: the new one needs the name that the old one has.
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=True, protect=not may_drop, depends_on=[*after]
            ),
        )


def switch(dataset: Dataset) -> str:
    """The setting that lets `pulumi destroy` drop a dataset."""
    return "deleteRawDataOnDestroy" if dataset.raw else "deleteContentsOnDestroy"


def description(dataset: Dataset, environment: str) -> str:
    """What BigQuery's page says of a dataset."""
    if not dataset.raw:
        return f"What dbt builds for {environment}: models, seeds, snapshots."
    return f"Raw data of {environment}, as loaded; dbt " + (
        "adds its own." if dataset.written else "only reads it."
    )
