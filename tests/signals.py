"""What a child process does about signals."""

from __future__ import annotations

import signal


def heed_ctrl_c() -> None:
    """For Popen's `preexec_fn`: whatever a shell starts in the background inherits that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
