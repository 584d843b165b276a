"""HTTP to Prefect: patience, one writer, and errors that name what fixes them."""
