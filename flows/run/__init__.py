"""One truthful run in Prefect: tasks and node runs, the target's lock, leases, stopping it, and how it ended.

The only room that uses Prefect's insides (`insides`).
"""

__all__ = ["deployment_lease", "ended", "insides", "lock", "node_runs", "own_run", "steps", "stopping"]
