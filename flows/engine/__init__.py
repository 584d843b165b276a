"""Run dbt in this process, and tell what it does in words of our own.

Others use `dbt_project` to run it, `events` while it runs, `results`, `details` and `lineage` for what came
of it, `diagnosis` to judge a failure, `parsing` for what a project needs, and `arguments` for where dbt keeps
what belongs to a target. dbt itself is known to `internals` alone.
"""

__all__ = ["arguments", "dbt_project", "details", "diagnosis", "events", "lineage", "parsing", "results"]
