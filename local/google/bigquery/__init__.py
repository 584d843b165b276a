"""BigQuery's datasets, tables, jobs and uploads, before the emulator."""
