"""Let dbt sign in to Google once for a command, instead of once for each node.

dbt-bigquery opens a connection for each node (dbt/adapters/bigquery/connections.py) and makes its credentials
anew: it parses the private key, 45 ms of processor time during which no other thread of dbt gets on, and asks
for another token, which is a request to Google, or two where it impersonates. For `method: oauth` alone it
keeps what it has found.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.engine.internals.patching import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def dbt_signs_in_once() -> Iterator[None]:
    """Let all connections that dbt opens within the block with one profile share Google's credentials.

    They renew their token when it is old or refused. The next block makes new ones: a key may have been
    rotated in between.
    """
    from dbt.adapters.bigquery import clients  # noqa: PLC0415 - with dbt, 4 s

    # By identity, as dbt's credentials can't be hashed; they are kept, so that no other gets the same id.
    made: dict[int, tuple[Any, Any]] = {}
    lock = threading.Lock()

    def make(original: Any) -> Any:
        def shared(credentials: Any) -> Any:
            with lock:
                if id(credentials) not in made:
                    made[id(credentials)] = (credentials, original(credentials))
                return made[id(credentials)][1]

        return shared

    with replaced(clients, "create_google_credentials", make):
        yield
