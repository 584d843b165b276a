"""From what dbt and people send to what the emulator can run, and what the gateway does itself."""

from __future__ import annotations

from local.google.sql.rewrite.script import Rewritten, rewrite

__all__ = ["Rewritten", "rewrite"]
