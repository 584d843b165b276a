"""From a target's name to a dbt profile that is signed in: names, blocks, profile, sign-in, warehouse."""

__all__ = ["blocks", "dbt_profile", "job_labels", "names", "prefect_api", "sign_in", "warehouse"]
