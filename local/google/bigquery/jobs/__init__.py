"""Jobs: how they start, run and are seen afterwards, and loads whose data comes with the request."""

__all__ = ["begun", "running", "seen", "starting", "uploads", "writers"]
