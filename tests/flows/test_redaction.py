from __future__ import annotations

import json

from flows.redaction import redactor
from tests.flows.documents import PEM


def test_a_secret_is_blanked_in_every_form() -> None:
    redact = redactor([PEM])
    for text in (PEM, json.dumps({"key": PEM}), repr({"key": PEM}), PEM.splitlines()[1], PEM[28:120]):
        assert "MarkerA" not in redact(f"before {text} after")
    assert redact(f"before {PEM} after") == "before ***** after"


def test_other_text_stays() -> None:
    text = "-----BEGIN PRIVATE KEY----- is how a key begins"
    assert redactor([PEM])(text) == text
    assert redactor([])(text) == text
