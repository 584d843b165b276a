from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_KEY,
    PREFECT_API_URL,
    PREFECT_CLIENT_CUSTOM_HEADERS,
    temporary_settings,
)

from flows.observe import json_logs, redaction
from flows.observe.redaction import redactor, without_user_info
from tests.flows.documents import PEM

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=planted-team-header,tenant=production")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "authorization=Bearer%20planted-bearer-token")
    settings = {
        PREFECT_API_KEY: "planted-api-key",
        PREFECT_API_AUTH_STRING: "admin:planted-auth",
        PREFECT_API_URL: "https://somebody:planted%2Furl@prefect.example/api",
        PREFECT_CLIENT_CUSTOM_HEADERS: {"x-proxy": "planted-proxy-header"},
    }
    with temporary_settings(settings):
        yield


def test_a_secret_is_blanked_in_every_form() -> None:
    redact = redactor([PEM])
    for text in (PEM, json.dumps({"key": PEM}), repr({"key": PEM}), PEM.splitlines()[1], PEM[28:120]):
        assert "MarkerA" not in redact(f"before {text} after")
    assert redact(f"before {PEM} after") == "before ***** after"


def test_other_text_stays() -> None:
    text = "-----BEGIN PRIVATE KEY----- is how a key begins"
    assert redactor([PEM])(text) == text
    assert redactor([])(text) == text


@pytest.mark.usefixtures("_settings")
@pytest.mark.parametrize(
    "secret",
    [
        "planted-api-key",
        "admin:planted-auth",
        "planted-auth",
        "planted%2Furl",
        "planted/url",
        "planted-team-header",
        "Bearer planted-bearer-token",
        "Bearer%20planted-bearer-token",
        "planted-bearer-token",
        "planted-proxy-header",
    ],
)
def test_the_secrets_of_prefect_and_opentelemetry_are_blanked(secret: str) -> None:
    assert redactor([PEM])(f"before {secret} after") == "before ***** after"


@pytest.mark.usefixtures("_settings")
def test_what_is_as_short_as_a_word_stays() -> None:
    with temporary_settings({PREFECT_API_AUTH_STRING: "admin:abc"}):
        assert redactor()("admin, abc and production") == "admin, abc and production"
        assert redactor()("admin:abc") == "*****"


@pytest.mark.parametrize(
    ("url", "blanked"),
    [
        ("https://somebody:abc@x.example/api", "https://*****@x.example/api"),
        ("'https://token@x.example:1'", "'https://*****@x.example:1'"),
        ("https://a:b@c@x.example", "https://*****@x.example"),
        ("https://x.example/@somebody?to=me@x", "https://x.example/@somebody?to=me@x"),
        ("'https://x.example', 'me@x.example'", "'https://x.example', 'me@x.example'"),
    ],
)
def test_user_and_password_of_any_url_are_blanked(url: str, blanked: str) -> None:
    assert redactor()(url) == blanked
    assert without_user_info(url) == blanked.replace("*****@", "")


@pytest.mark.usefixtures("_settings")
@pytest.mark.parametrize("formatter", [logging.Formatter(), json_logs.JsonFormatter()])
def test_logs_are_blanked_with_their_tracebacks(formatter: logging.Formatter) -> None:
    logger, written = logging.getLogger("planted"), io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    try:
        redaction.blank_logs()
        redaction.blank_logs([PEM])
        assert len(handler.filters) == 1
        error = ValueError("with planted-api-key")
        logger.error("%s and %s", "https://me:abc@x.example", PEM, exc_info=error)
    finally:
        logger.removeHandler(handler)
    assert "https://*****@x.example and *****" in written.getvalue()
    assert "ValueError: with *****" in written.getvalue()


def test_a_short_password_is_blanked_and_an_innocent_word_is_not() -> None:
    redact = redactor(["hunter2-x", "north"])
    assert redact("hunter2-x of the north") == "***** of the north"
