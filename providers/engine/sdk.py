"""What Pulumi's SDK does with a provider beyond its contract; read in `pulumi.dynamic.__main__` of 3.272."""

from __future__ import annotations

import sys
import traceback

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
    main = sys.modules["__main__"]
    if getattr(main, "DynamicResourceProviderServicer", None) is not None:
        vars(main)["traceback"] = PlainErrors
