"""Keep secrets out of what is logged, printed and returned."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Shorter lines of a secret would blank out innocent words. A PEM line has 64 characters.
_SHORTEST = 16


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that replaces secrets in a text by `*****`.

    Each secret is found whole, escaped as in JSON or a printed dict, and line by line.
    """
    pieces: set[str] = set()
    for secret in secrets:
        pieces.update({secret, json.dumps(secret)[1:-1]})
        pieces.update(line for line in secret.splitlines() if not line.startswith("-----"))
    longest_first = sorted((piece for piece in pieces if len(piece) >= _SHORTEST), key=len, reverse=True)
    if not longest_first:
        return str
    pattern = re.compile("|".join(re.escape(piece) for piece in longest_first))
    return lambda text: pattern.sub("*****", text)
