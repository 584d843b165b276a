"""How dbt stops: its threads on Ctrl-C or SIGTERM, and its jobs in BigQuery."""

__all__ = ["cancelling", "interrupting"]
