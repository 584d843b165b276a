"""The one place that touches dbt's insides, as they were read in dbt-core 1.12.0 and dbt-bigquery 1.12.1.

All else sees `flows.engine.events` and `flows.engine.results`. `tests/flows/internals` has a test for each
patch that fails once it has no effect.
"""

READ_IN = {"dbt-core": "1.12.0", "dbt-bigquery": "1.12.1"}
