"""Import dbt and Google's BigQuery client without what takes time and is used by nobody.

`google.cloud.bigquery` imports pandas, db-dtypes and pyarrow where they are installed, and dbt-bigquery has
them installed: about a second of processor time and 80 MB, at each start. The client takes their absence for
an extra that was not installed. dbt moves no data frame through it: queries and seeds go over the REST API,
Python models run elsewhere.

The garbage collector walks again and again through the 300,000 objects that dbt's modules are made of, while
they load and while dbt runs; none of them is ever garbage. That is a fifth of dbt's import.

A program that calls the flow may want data frames of its own, and its garbage collected: both are done only
in a process that runs the flow and nothing else (`nothing_else_runs`).
"""

from __future__ import annotations

import gc
import importlib
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from flows.engine.internals.thrift import stand_ins

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXTRAS = ("db_dtypes", "geopandas", "pandas", "pandas_gbq", "pyarrow", "shapely")


_alone = False


def nothing_else_runs() -> None:
    """Say that this process was started to run the flow, and ends with it."""
    global _alone  # noqa: PLW0603 - of the process, as what is imported is
    _alone = True


def import_bigquery() -> None:
    """Import `google.cloud.bigquery` as if its optional packages were absent; later they import as ever.

    What the process has loaded already stays, and so does a client that is loaded already.
    """
    # None is Python's own mark for a module that must not be found.
    hidden = [name for name in _EXTRAS if sys.modules.setdefault(name, None) is None]  # type: ignore[arg-type]
    try:
        importlib.import_module("google.cloud.bigquery")
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _lean() -> Iterator[None]:
    from mashumaro.config import BaseConfig  # noqa: PLC0415 - with dbt

    import_bigquery()
    # dbt has its own classes compiled at their first use; so are those of mashumaro's JSON Schemas then.
    BaseConfig.lazy_compilation = True
    with stand_ins.for_a_while():
        yield


def import_dbt() -> None:
    """Import `dbt.cli.main` with its BigQuery adapter.

    Where nothing else runs in this process, without data frames, and what is loaded is taken out of garbage
    collection.
    """
    if "dbt.cli.main" in sys.modules:
        return
    collecting = gc.isenabled()
    gc.disable()
    try:
        with _lean() if _alone else nullcontext():
            importlib.import_module("dbt.cli.main")
            importlib.import_module("dbt.adapters.bigquery")
        if _alone:
            gc.freeze()
    finally:
        if collecting:
            gc.enable()
