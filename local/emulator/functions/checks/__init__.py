"""What BigQuery refuses and the engine would take, seen when a statement is bound: no row pays for it."""
