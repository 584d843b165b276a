"""One truthful run in Prefect: tasks, node runs, the target's lock, cancelling, and the record's end."""
