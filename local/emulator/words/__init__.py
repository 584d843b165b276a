"""Patch: what fails is said in BigQuery's words, or in one sentence, never in those of the engine."""

from __future__ import annotations

from local.emulator.words import names, own
from local.emulator.words.own import own_words
from local.emulator.words.types import type_name

__all__ = ["own_words", "patch", "type_name"]


def patch() -> None:
    """Say all of it so."""
    names.patch()
    own.patch()
