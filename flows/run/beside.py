"""Work that goes on beside a run, in a thread."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def start(name: str, work: Callable[..., object], *args: object) -> None:
    """Do ``work`` in a thread that dies with the process, with Prefect's settings as they are here.

    Prefect keeps its settings in a context variable, which a new thread does not have. It would see those of
    the environment alone, and where these name no server, `get_client` starts one of Prefect's own.
    """
    here = contextvars.copy_context()
    threading.Thread(target=here.run, args=(work, *args), daemon=True, name=name).start()
