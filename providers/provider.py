"""The name of the blocks' provider in states that were written before it moved. Never delete it."""

from __future__ import annotations

from providers.engine.block_provider import PrefectBlockProvider

__all__ = ["PrefectBlockProvider"]
