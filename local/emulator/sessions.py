"""Patch: every job runs in a thread and a DuckDB connection of its own, and ends when its caller hangs up.

bqemulator 1.4.0 runs every statement on its event loop, on one connection: behind one long query nothing is
answered any more, and nothing can end it. A connection also keeps temporary tables and transactions apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import duckdb
from bqemulator import server
from bqemulator.api.routes import jobs as routes
from bqemulator.storage.engine import DuckDBEngine

from local.emulator import memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    Job = Callable[..., Coroutine[Any, Any, Any]]

_JOBS = 16  # at the same time; others wait
_UNDONE_SECONDS = 10.0

# The one that the engine starts with.
first_connection = DuckDBEngine.connection.fget
_own = threading.local()
_request: ContextVar[_Request | None] = ContextVar("request", default=None)


class _Request:
    """A request and the connections that work for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections: list[duckdb.DuckDBPyConnection] = []
        self.gone = False

    def begin(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let this connection be interrupted with the request."""
        with self._lock:
            self._connections.append(connection)
            if self.gone:
                raise asyncio.CancelledError

    def end(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Forget a connection that is done."""
        with self._lock:
            self._connections.remove(connection)

    def working(self) -> bool:
        """Tell whether any connection still works for it."""
        with self._lock:
            return bool(self._connections)

    def interrupt(self) -> None:
        """Stop what runs for the request."""
        with self._lock:
            self.gone = True
            for connection in self._connections:
                connection.interrupt()


class HangUp:
    """ASGI: what a request started ends when its caller hangs up."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"].startswith("/upload"):
            await self._app(scope, receive, send)
            return
        messages = await _whole(receive)
        request = _Request()
        _request.set(request)
        served = asyncio.Event()

        async def replayed() -> Any:
            if messages:
                return messages.pop(0)
            await served.wait()
            return {"type": "http.disconnect"}

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            # A script goes on with its next statement: it is stopped again.
            request.interrupt()
            while request.working():
                request.interrupt()
                await asyncio.sleep(0.1)

        watcher = asyncio.create_task(watch())
        try:
            await self._app(scope, replayed, send)
        except Exception:
            # Nobody is there to be answered.
            if not request.gone:
                raise
        finally:
            served.set()
            if not request.working():
                watcher.cancel()


async def _whole(receive: Any) -> list[Any]:
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


class NoPandas:
    """Says at once that pandas is not installed: DuckDB looks for it with each parameter and each table."""

    def find_spec(self, name: str, *_: Any) -> None:
        """Refuse pandas, know nothing of others."""
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def patch() -> None:
    """Give jobs their threads, and DuckDB its bounds."""
    sys.meta_path.insert(0, NoPandas())
    pragmas = DuckDBEngine._apply_session_pragmas

    def connection(engine: DuckDBEngine) -> duckdb.DuckDBPyConnection:
        main = first_connection(engine)
        if threading.current_thread() is threading.main_thread():
            return main
        if getattr(_own, "main", None) is not main:
            _own.main, _own.connection = main, main.cursor()
        return _own.connection

    def bounded(engine: DuckDBEngine) -> None:
        pragmas(engine)
        first_connection(engine).execute(f"SET memory_limit = '{memory.DUCKDB}'")
        first_connection(engine).execute(f"SET max_temp_directory_size = '{memory.FILES}'")
        # Else DuckDB 1.5 takes what two expressions share out of the TRY that SAFE. becomes.
        first_connection(engine).execute("SET disabled_optimizers = 'common_subexpressions'")

    DuckDBEngine.execute = _after_what_is_undone(DuckDBEngine.execute)
    DuckDBEngine.connection = property(connection)
    DuckDBEngine._apply_session_pragmas = bounded
    DuckDBEngine.write_lock = _no_lock
    threads = ThreadPoolExecutor(_JOBS, thread_name_prefix="job")
    for name in ("execute_query_job", "execute_load_job", "execute_copy_job", "execute_extract_job"):
        setattr(routes, name, _in_a_thread(getattr(routes, name), threads))
    create_app = server.create_app

    def with_hang_up(context: Any) -> Any:
        app = create_app(context)
        app.add_middleware(HangUp)
        return app

    server.create_app = with_hang_up


@contextlib.asynccontextmanager
async def _no_lock(_: DuckDBEngine) -> AsyncIterator[None]:
    """Nothing to wait for: transactions keep jobs apart, and the gateway lets one at a time write a table.

    The lock of 1.4.0 belongs to one event loop, and would be held as long as a script's statement runs.
    """
    yield


def _after_what_is_undone(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Let a statement wait for a stopped one that wrote the same table, until DuckDB has undone it.

    The gateway lets one job at a time write a table, and takes one that it has stopped for over.
    """

    def executed(engine: DuckDBEngine, sql: str, parameters: Any = None) -> Any:
        deadline = time.monotonic() + _UNDONE_SECONDS
        while True:
            try:
                return execute(engine, sql, parameters)
            except duckdb.TransactionException as error:
                if "write-write conflict" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    return executed


def _in_a_thread(job: Job, threads: ThreadPoolExecutor) -> Job:
    """Give the same job, run to its end by a thread with an event loop and a connection of its own."""

    @functools.wraps(job)
    async def run(*arguments: Any, **named: Any) -> Any:
        engine = next(value.engine for value in (*arguments, *named.values()) if hasattr(value, "engine"))
        request = _request.get()

        def work() -> Any:
            session = engine.connection.cursor()
            shared, _own.connection = _own.connection, session
            if request is not None:
                request.begin(session)
            try:
                return asyncio.run(job(*arguments, **named))
            finally:
                _own.connection = shared
                if request is not None:
                    request.end(session)
                session.close()

        return await asyncio.get_running_loop().run_in_executor(threads, work)

    return run
