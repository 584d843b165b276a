"""A process that has imported Prefect and dbt, and forks for each command that `tests.forks` asks it for.

Its first argument is the number of a socket, and it ends when the other side closes that. Of this project it
keeps nothing loaded: a command imports what lies in its own directory.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any

import prefect.artifacts
import prefect.concurrency
import prefect.context
import prefect.flow_engine
import prefect.logging.configuration
import prefect.task_engine
import prefect.telemetry.run_telemetry

from flows.engine.internals.thrift import lean_imports
from tests.forks import DBT

LARGEST = 1 << 18  # bytes of a request


def serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork for each request: it is returned in the process that has to carry it out."""
    # A terminal's Ctrl-C is for the commands.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, files, _, _ = socket.recv_fds(control, LARGEST, 4)
        if not message:
            return None
        if not os.fork():
            control.close()
            _attend(*files)
            request: dict[str, Any] = json.loads(message)
            return request
        for file in files:
            os.close(file)


def _attend(answer: int, *standard: int) -> None:
    """Fork again, and tell the number of that process and how it ended. It alone returns from here."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:
        for file in standard:
            os.close(file)
        os.write(answer, f"{child}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(answer, f"{code}\n".encode())
        os._exit(0)
    os.close(answer)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)


def become(request: dict[str, Any]) -> None:
    """Do what `python -m` does for the request's command, or dbt's own command line."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    if request["argv"][0] == DBT:
        sys.argv = request["argv"]
        sys.exit(sys.modules["dbt.cli.main"].cli())
    _, how, what, *arguments = request["argv"]
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [request["cwd"], *filter(None, path)]
    prefect.context.refresh_global_settings_context()
    prefect.logging.configuration.PROCESS_LOGGING_CONFIG.clear()
    prefect.logging.configuration.setup_logging()
    if how == "-c":
        sys.argv = [how, *arguments]
        exec(what, {"__name__": "__main__"})
    else:
        sys.argv = [what, *arguments]
        runpy.run_module(what, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    # As the flow does, which finds that done.
    lean_imports.nothing_else_runs()
    lean_imports.import_dbt()
    assert "dbt.adapters.bigquery" in sys.modules
    # What dbt imports when it is called.
    importlib.import_module("dbt.task.build")
    for name in [name for name in sys.modules if name.partition(".")[0] in {"flows", "tests"}]:
        del sys.modules[name]
    # The directory that this was started in, and PYTHONPATH.
    ours = {os.getcwd(), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    sys.path[:] = [entry for entry in sys.path if entry not in ours]
    gc.freeze()
    todo = serve(socket.socket(fileno=int(sys.argv[1])))
    if todo:
        become(todo)
