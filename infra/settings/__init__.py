"""A stack's settings, typed and checked before anything is planned."""

from __future__ import annotations

from infra.settings.model import DATASET, NAMESPACE, Settings, explain, load

__all__ = ["DATASET", "NAMESPACE", "Settings", "explain", "load"]
