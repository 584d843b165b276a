"""One truthful run in Prefect: tasks and node runs, its hold of the target, stopping it, and how it ended.

The only room that uses Prefect's insides (`insides`).
"""

__all__ = ["ended", "holding", "insides", "node_runs", "own_run", "steps", "stopping"]
