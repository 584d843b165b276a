"""Import Pulumi's SDK and what comes with it, and fork for each that asks: see `asking.py`.

One thread, since a fork keeps only one. It ends when its standard input does.
"""

from __future__ import annotations

import gc
import importlib
import io
import marshal
import os
import runpy
import selectors
import signal
import socket
import sys
import warnings
from contextlib import suppress
from pathlib import Path

Asked = tuple[str, list[str], dict[str, str], int]


class Server:
    """Who asked for which process."""

    def __init__(self, address: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen(64)
        self.running: dict[int, socket.socket] = {}
        self.ready = selectors.DefaultSelector()
        self.ended, self.wake = os.pipe()
        os.set_blocking(self.wake, False)

    def serve(self) -> Asked | None:
        """Fork for each that asks. It returns in each child with what is asked for, and None at the end."""
        signal.set_wakeup_fd(self.wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for one in (0, self.ended, self.listener):
            self.ready.register(one, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in self.ready.select():
                if key.fileobj == 0:
                    for process in self.running:
                        os.kill(process, signal.SIGKILL)
                    return None
                if key.fileobj == self.ended:
                    os.read(self.ended, 4096)
                    self._reap()
                elif key.fileobj is self.listener:
                    asked = self._fork()
                    if asked:
                        return asked
                else:
                    self._hand_on(key)

    def _fork(self) -> Asked | None:
        """What the next that asks has asked for, in the child; None in the parent."""
        connection, _ = self.listener.accept()
        try:
            asked, streams = _received(connection)
        except (OSError, EOFError):
            # Killed before it had asked.
            connection.close()
            return None
        process = os.fork()
        if process:
            with suppress(OSError):
                connection.send(process.to_bytes(8, "big"))
            for stream in streams:
                os.close(stream)
            self.running[process] = connection
            self.ready.register(connection, selectors.EVENT_READ, process)
            return None
        signal.set_wakeup_fd(-1)
        self.ready.close()
        for one in (self.listener, connection, *self.running.values()):
            one.close()
        for number in (self.ended, self.wake):
            os.close(number)
        _take(streams)
        return asked

    def _hand_on(self, key: selectors.SelectorKey) -> None:
        """A signal is the process's; who asks no more has been killed, and takes it along."""
        connection = key.fileobj
        assert isinstance(connection, socket.socket)
        try:
            signals = connection.recv(16)
        except ConnectionResetError:
            signals = b""
        if key.data in self.running:
            for number in signals or [signal.SIGKILL]:
                os.kill(key.data, number)
        if not signals:
            self.ready.unregister(connection)

    def _reap(self) -> None:
        while self.running:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            connection = self.running.pop(process)
            code = os.waitstatus_to_exitcode(status)
            with suppress(OSError):
                connection.send(code.to_bytes(8, "big", signed=True))
            with suppress(KeyError):
                self.ready.unregister(connection)
            connection.close()


def _received(connection: socket.socket) -> tuple[Asked, list[int]]:
    head, streams, _, _ = socket.recv_fds(connection, 8, 3)
    size = int.from_bytes(head, "big")
    content = b""
    while piece := connection.recv(size - len(content)):
        content += piece
    return marshal.loads(content), streams


def _take(streams: list[int]) -> None:
    """Be who asked, as far as a process can: its own session, so that no signal comes but by who asked."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))


def _be(asked: Asked, own: str) -> list[str]:
    directory, arguments, environment, umask = asked
    os.chdir(directory)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(environment)
    arguments = [*arguments]
    while arguments[0] in ("-u", "-W"):
        if arguments.pop(0) == "-W":
            warnings.simplefilter(arguments.pop(0))  # type: ignore[arg-type]
        else:
            sys.stdout, sys.stderr = (
                io.TextIOWrapper(io.FileIO(number, "wb", closefd=False), write_through=True)
                for number in (1, 2)
            )
    first = directory if arguments[0] in ("-m", "-c") else str(Path(arguments[0]).parent)
    given = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [first, *given, *(path for path in sys.path if path != own)]
    importlib.invalidate_caches()
    if "prefect.context" in sys.modules:
        _read_settings_again()
    return arguments


def _read_settings_again() -> None:
    """Prefect has read them, and set its logging up, as it was imported."""
    sys.modules["prefect.context"].refresh_global_settings_context()
    logging = importlib.import_module("prefect.logging.configuration")
    logging.PROCESS_LOGGING_CONFIG.clear()
    logging.setup_logging()


if __name__ == "__main__":
    # A terminal's Ctrl-C, and what the process that starts this has open, are for that one.
    os.setsid()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for module in sys.argv[2:]:
        importlib.import_module(module)
    # What is imported stays shared between the processes.
    gc.collect()
    gc.freeze()
    asked = Server(sys.argv[1]).serve()
    if asked:
        sys.argv = _be(asked, str(Path(__file__).parent))
        if sys.argv[0] == "-m":
            del sys.argv[0]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        elif sys.argv[0] == "-c":
            exec(sys.argv.pop(1), {"__name__": "__main__"})
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
