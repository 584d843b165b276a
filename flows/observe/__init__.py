"""What machines read of a run: metrics, JSON logs, progress; and what is blanked before."""

__all__ = ["json_logs", "metrics", "progress", "redaction", "visible"]
