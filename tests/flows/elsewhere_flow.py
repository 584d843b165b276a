"""The flow on the dbt project that DBT_PROJECT names: an entrypoint for deployments, as `elsewhere` is for
commands."""

from __future__ import annotations

import os
from pathlib import Path

from flows import pipeline

pipeline.PROJECT_DIR = Path(os.environ["DBT_PROJECT"])
dbt_full_pipeline = pipeline.dbt_full_pipeline
