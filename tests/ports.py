"""Ports for the servers that tests start."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
from collections.abc import Iterator

# Below the ports that Linux and macOS give to connections and to whoever asks for any: one of those may be
# taken before the server that it was chosen for starts.
_CHOSEN = range(20_000, 32_000)
_start = random.SystemRandom().randrange(len(_CHOSEN))
_ports: Iterator[int] = itertools.cycle([*_CHOSEN[_start:], *_CHOSEN[:_start]])


def free_port() -> int:
    """A port that nothing listens on now; another one each time."""
    while True:
        port = next(_ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
