"""Where uv is: as the Makefile found it, on PATH, or installed by the Makefile."""

from __future__ import annotations

import os
import shutil

from local.paths import PROJECT

UV = os.environ.get("UV") or shutil.which("uv") or str(PROJECT / ".local" / "uv" / "bin" / "uv")
