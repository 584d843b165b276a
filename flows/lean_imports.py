"""Import Google's BigQuery client without the packages that only data frames need.

`google.cloud.bigquery` imports pandas, db-dtypes and pyarrow where they are installed, and dbt-bigquery has
them installed: about a second of processor time and 80 MB, at each start. The client takes their absence for
an extra that was not installed. dbt moves no data frame through it: queries and seeds go over the REST API,
Python models run elsewhere.
"""

from __future__ import annotations

import importlib
import sys

_EXTRAS = ("db_dtypes", "geopandas", "pandas", "pandas_gbq", "pyarrow", "shapely")


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
