"""Started in Python's place: ask the one that has all imported for a process, and stand for it.

It runs with `-I -S`, and imports no module that imports others: it shall take next to nothing.
Signals are handed on, and its own end is that of the process.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import marshal
import os
import sys

HANDED_ON = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
# `array.array("i", (0, 1, 2))` without the module.
STREAMS = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))


def main(address: str, arguments: list[str]) -> None:
    # A signal that comes before the process is there waits for it.
    _signal.pthread_sigmask(_signal.SIG_BLOCK, HANDED_ON)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(address)
    asked = marshal.dumps((os.getcwd(), arguments, dict(os.environ), os.umask(0o22)))
    head = len(asked).to_bytes(8, "big")
    connection.sendmsg([head], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, STREAMS)])
    while asked:
        asked = asked[connection.send(asked) :]
    for number in HANDED_ON:
        _signal.signal(number, lambda number, _frame: connection.send(bytes([number])))
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, HANDED_ON)
    # The number of the process, and how it has ended.
    connection.recv(8)
    ended = connection.recv(8)
    if not ended:
        sys.exit("the Python that forks has ended")
    code = int.from_bytes(ended, "big", signed=True)
    if code < 0:
        _signal.signal(-code, _signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main(sys.argv[1], sys.argv[2:])
