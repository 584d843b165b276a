"""One module for each kind of object in Prefect: its inputs, and how Prefect is asked for it."""
