"""The BigQuery emulator, started with what it lacks, in a Python environment of its own."""
