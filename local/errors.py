"""The one exception that this package's command line turns into a message instead of a traceback."""

from __future__ import annotations


class LocalError(Exception):
    """Something the person at the keyboard can mend; the message says what, where and how."""
