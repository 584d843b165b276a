"""The name of the objects' provider in states that were written before it moved. Never delete it."""

from __future__ import annotations

from providers.engine.provider import PrefectProvider as PrefectObjectProvider

__all__ = ["PrefectObjectProvider"]
