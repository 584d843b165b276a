"""Keep secrets out of what is logged, printed and returned."""

from __future__ import annotations

import json
import logging
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Shorter lines of a secret, or headers, would blank out innocent words. A PEM line has 64 characters.
_SHORTEST = 16
# Of a whole secret. In a URL, a shorter one is found by its place.
_SHORTEST_PASSWORD = 8
_USER_INFO = re.compile(r"(?<=://)[^/\s?#\"'<>]+(?=@)")
# Every secret that this process has been told of: a key that was rotated meanwhile stays one.
_known: set[str] = set()
_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS")


def redactor(secrets: Iterable[str] = ()) -> Callable[[str], str]:
    """Return a function that replaces these secrets, and the environment's, in a text by `*****`.

    And all that were ever given to this function before. Each secret of 8 characters or more is found whole,
    escaped as in JSON or a printed dict, and, from 16 on, line by line. User and password of any URL are
    replaced, too.
    """
    pieces = set(_of_environment())
    _known.update(secrets)
    for secret in _known:
        pieces.update(piece for piece in _lines(secret) if len(piece) >= _SHORTEST)
        if len(secret) >= _SHORTEST_PASSWORD:
            pieces.add(secret)
    pieces |= {json.dumps(piece)[1:-1] for piece in pieces}
    longest_first = sorted(pieces, key=len, reverse=True)
    pattern = re.compile("|".join([_USER_INFO.pattern, *map(re.escape, longest_first)]))
    return lambda text: pattern.sub("*****", text)


def without_user_info(url: str) -> str:
    """Return a URL without its user and password."""
    return re.sub(f"{_USER_INFO.pattern}@", "", url)


def blank_logs(secrets: Iterable[str] = ()) -> None:
    """Let every handler that there is now blank these secrets, and the environment's, in what it writes."""
    blanking = _Blanking(redactor(secrets))
    loggers = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
    for handler in {one for logger in (logging.root, *loggers) for one in logger.handlers}:
        for former in [one for one in handler.filters if isinstance(one, _Blanking)]:
            handler.removeFilter(former)
        handler.addFilter(blanking)


class _Blanking(logging.Filter):
    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if (blanked := self._redact(said)) != said:
            record.msg, record.args = blanked, ()
        if record.exc_info:
            # Formatters write this text, if there is one, in place of the exception.
            record.exc_text = self._redact(logging.Formatter().formatException(record.exc_info))
        return True


def _lines(secret: str) -> list[str]:
    return [line for line in secret.splitlines() if not line.startswith("-----")]


def _of_environment() -> Iterator[str]:
    """Yield the secrets in the settings of Prefect, its profile's too, and of OpenTelemetry.

    Passwords shorter than 8 characters, and headers shorter than 16, are left out.
    """
    from prefect.settings import get_current_settings  # noqa: PLC0415 - takes a while

    settings = get_current_settings()
    passwords: list[str] = []
    if settings.api.key:
        passwords.append(settings.api.key.get_secret_value())
    if settings.api.auth_string:
        passwords += _user_and_password(settings.api.auth_string.get_secret_value())
    if of_url := _USER_INFO.search(settings.api.url or ""):
        passwords += [text for one in _user_and_password(of_url[0]) for text in (one, unquote(one))]
    tokens = [str(value) for value in settings.client.custom_headers.values()]
    for variable in _HEADERS:
        for header in os.environ.get(variable, "").split(","):
            value = header.partition("=")[2].strip()
            tokens += [value, unquote(value)]
    # Of `Bearer …`, what comes after the word, too.
    tokens += [token.split()[-1] for token in tokens if token.strip()]
    yield from (text for text in passwords if len(text) >= _SHORTEST_PASSWORD)
    yield from (text for text in tokens if len(text) >= _SHORTEST)


def _user_and_password(credentials: str) -> list[str]:
    """Return the credentials, which may be a single token, and the password alone where there is one."""
    _, colon, password = credentials.partition(":")
    return [credentials, password] if colon else [credentials]
