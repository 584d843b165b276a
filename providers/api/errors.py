"""What can go wrong between a program and Prefect, each with the line that fixes it."""

from __future__ import annotations


class PrefectError(Exception):
    """A mistake or an outage a user can do something about; its text is the whole message."""


class UnreachableError(PrefectError):
    """Prefect gave no answer at all."""


class RefusedError(PrefectError):
    """Prefect did not accept the key or the password, or the key may not do this."""


class NotPrefectError(PrefectError):
    """Something answered at the address, but it is no Prefect API."""


class RejectedError(PrefectError):
    """Prefect understood the request and declined it, or kept failing."""


class NameTakenError(PrefectError):
    """Another block of the same type already has the name."""


class GoneError(PrefectError):
    """The block to be changed no longer exists."""


class UnknownTypeError(PrefectError):
    """Neither this project nor the server knows the block type."""


class ElsewhereError(PrefectError):
    """The object is on another server than the one that this run talks to."""


class KeptError(PrefectError):
    """Something is not to be taken away."""
