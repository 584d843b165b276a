"""What a person reads of a run: text, artifact, pictures, failing rows, links."""

__all__ = ["artifact", "summaries", "units"]
