"""What a dbt project needs of a target."""

from __future__ import annotations

from dataclasses import dataclass, field

# A dataset: its Google project and its name.
Place = tuple[str, str]
# Where dbt-bigquery runs a Python model, by its `submission_method`; both need a bucket and a region.
PYTHON_SETTINGS = ("gcs_bucket", "compute_region")


@dataclass
class Needs:
    """What dbt will do in BigQuery. Each dataset comes with the nodes that need it.

    ``grants`` are the datasets in which dbt itself gives access. ``hooks`` maps the kind of a hook to how
    many there are; ``python`` are the names of Python models.
    """

    writes: dict[Place, list[str]] = field(default_factory=dict)
    reads: dict[Place, list[str]] = field(default_factory=dict)
    grants: dict[Place, list[str]] = field(default_factory=dict)
    python: list[str] = field(default_factory=list)
    hooks: dict[str, int] = field(default_factory=dict)
