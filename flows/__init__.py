"""The Prefect flow that runs dbt, and the one that loads raw data. They know the blocks and nothing else."""
