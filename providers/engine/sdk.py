"""What Pulumi's SDK does with a provider beyond its contract; read in `pulumi.dynamic.__main__` of 3.272."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import Any

from providers.api.errors import PrefectError


class PlainErrors:
    """Stands in for the module `traceback` in the SDK's server, which shows users what `format_exc` returns.

    A PrefectError's text is the whole message; anything else is a bug, and keeps its traceback.
    """

    @staticmethod
    def format_exc() -> str:
        """Return what to tell the user about the exception being handled."""
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, PrefectError) else traceback.format_exc()


def speak_plainly() -> None:
    """Let the SDK's server of dynamic providers, if this process is one, show errors plainly."""
    if _is_the_sdks():
        vars(sys.modules["__main__"])["traceback"] = PlainErrors


# More than the engine asks at once on any machine, by default four for each core.
_AT_ONCE = 64


def answer_side_by_side() -> None:
    """Let the SDK's server of dynamic providers, if this process is one, take more than four calls at once.

    While four wait for Prefect's answers, all others wait for them; to a Prefect far away they are as many as
    the engine's `--parallel` allows. To be called in a thread of that server.
    """
    # The pool is a local variable of the SDK's; of a pool's thread, the first argument is a reference to it.
    arguments = getattr(threading.current_thread(), "_args", ()) if _is_the_sdks() else ()
    pool = arguments[0]() if arguments else None
    if getattr(pool, "_max_workers", _AT_ONCE) < _AT_ONCE:
        vars(pool)["_max_workers"] = _AT_ONCE


def _is_the_sdks() -> bool:
    """Tell whether this process is the SDK's server of dynamic providers: elsewhere nothing is its own."""
    return getattr(sys.modules["__main__"], "DynamicResourceProviderServicer", None) is not None


def say(text: str) -> None:
    """Tell the user something that is no error: the engine shows what a provider writes there."""
    print(text, file=sys.stderr, flush=True)


def inputs_in_state(*names: str) -> dict[str, Any]:
    """Return some of the inputs that the state has of the object that is being read or deleted.

    The SDK hands on the outputs alone. Those of an object that an older version made, and that has not
    changed since, lack what a newer one has added to its inputs. The whole request is a local variable of
    the method that calls the provider's; elsewhere, such as in a test, there is none.
    """
    frame = sys._getframe(2)
    request = frame.f_locals.get("request")
    found = getattr(request, "old_inputs", None) or getattr(request, "inputs", None) or {}
    return {name: found[name] for name in names if name in found}
