"""Stand in for what dbt imports in every run and almost no run uses; the first use loads it."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# Dataproc (with gRPC's transports, aiohttp) is for Python models, OSI files for semantic models of another
# standard: together half a second of processor time and 20 MB. dbt only calls what it imports from them (in
# dbt/adapters/bigquery/clients.py and python_submissions.py, dbt/parser/osi.py).
MODULES = (
    "google.cloud.dataproc_v1",
    "google.cloud.dataproc_v1.types.batches",
    "metricflow.converters.osi_to_msi",
)


class _StandIn:
    """Stands for a class or function that is called, or asked for an attribute, sooner or later."""

    def __init__(self, module: str, name: str) -> None:
        self._of = module, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._real()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def _real(self) -> Any:
        module, name = self._of
        return getattr(importlib.import_module(module), name)


@contextmanager
def for_a_while() -> Iterator[None]:
    """Let whatever is imported from these modules within the block be loaded at its first use.

    What is loaded already stays. After the block, who imports one of them gets the module itself.
    """
    made = {name: _module(name) for name in MODULES if name not in sys.modules}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            del sys.modules[name]


def _module(name: str) -> ModuleType:
    module = ModuleType(name)

    def stand_in(attribute: str) -> _StandIn:
        if attribute.startswith("__"):  # what Python itself asks of a module
            raise AttributeError(attribute)
        return _StandIn(name, attribute)

    vars(module)["__getattr__"] = stand_in
    return module
