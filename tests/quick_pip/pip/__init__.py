"""Answers Pulumi's language host in the place of pip, where tests put this directory on PYTHONPATH."""
