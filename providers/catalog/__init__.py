"""Block schemas and job templates as the libraries define them, committed as JSON."""
