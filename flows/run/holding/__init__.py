"""One run of a target at a time: its lock on this machine, its slot in Prefect, what a dead one has left."""

__all__ = ["begun", "deployment_lease", "lock", "slot"]
