"""What machines read of a run: metrics, JSON logs, progress; and what is blanked before."""
