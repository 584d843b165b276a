"""One truthful run in Prefect: its tasks and node runs, the target's lock, stopping it, and how it ended.

The only room that uses Prefect's insides (`insides`).
"""

__all__ = ["ended", "insides", "lock", "node_runs", "own_run", "steps", "stopping"]
