"""`python -m local.platform.step MODULE …`: `python -m MODULE …` without a traceback for an early Ctrl-C."""

from __future__ import annotations

import runpy
import sys

if __name__ == "__main__":
    del sys.argv[0]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        sys.exit(130)
