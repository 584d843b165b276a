"""What goes wrong, in words for the person at the command line."""

from __future__ import annotations


class PluginError(Exception):
    """An error whose text is shown to the user as it stands. It never holds a token or a key."""


class GoogleError(PluginError):
    """The service refused a call.

    `status` is the HTTP status, `detail` the service's own message.
    """

    def __init__(self, doing: str, call: str, status: int, detail: str, reason: str = "") -> None:
        self.status = status
        self.detail = detail
        tail = f", {reason}" if reason else ""
        super().__init__(f"{doing}: {call}: googleapi: Error {status}: {detail}{tail}")
