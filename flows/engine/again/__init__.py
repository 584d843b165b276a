"""What is left of a run that failed or was cut off: nodes and batches to try again or to go on with.

`attempts` is what a run has done so far. `retry` says what a failure leaves, `resume` keeps what is done
beyond the process, `batches` is both of microbatch models.
"""

__all__ = ["attempts", "batches", "resume", "retry"]
