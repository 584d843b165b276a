"""Where BigQuery can keep a dataset (source: https://cloud.google.com/bigquery/docs/locations)."""

from __future__ import annotations

import difflib

MULTI_REGIONS = ("EU", "US")
REGIONS = (
    "africa-south1",
    "asia-east1",
    "asia-east2",
    "asia-northeast1",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-south2",
    "asia-southeast1",
    "asia-southeast2",
    "australia-southeast1",
    "australia-southeast2",
    "europe-central2",
    "europe-north1",
    "europe-north2",
    "europe-southwest1",
    "europe-west1",
    "europe-west10",
    "europe-west12",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "me-central1",
    "me-central2",
    "me-west1",
    "northamerica-northeast1",
    "northamerica-northeast2",
    "northamerica-south1",
    "southamerica-east1",
    "southamerica-west1",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west3",
    "us-west4",
)


def check_location(value: str) -> str:
    """Return the location as BigQuery spells it; raise ValueError, with the nearest one, if there is none."""
    known = {name.lower(): name for name in (*MULTI_REGIONS, *REGIONS)}
    found = known.get(value.lower())
    if found is None:
        near = difflib.get_close_matches(value.lower(), known, n=1)
        hint = f"; did you mean {known[near[0]]}?" if near else "; for example EU, US or europe-west1"
        raise ValueError(f"{value!r} is no BigQuery location{hint}")
    return found
