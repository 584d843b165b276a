"""The name of the refusals' provider in states that were written before it moved. Never delete it."""

from __future__ import annotations

from providers.engine.refusal import RefusalProvider

__all__ = ["RefusalProvider"]
