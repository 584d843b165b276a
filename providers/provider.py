"""The name of the blocks' provider in states that were written before it moved. Never delete it."""

from __future__ import annotations

from providers.engine.provider import PrefectProvider


class PrefectBlockProvider(PrefectProvider):
    """Blocks had a provider of their own."""

    def __init__(self) -> None:
        super().__init__("block")
