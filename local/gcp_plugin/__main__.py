"""`python -m local.gcp_plugin ENGINE_ADDRESS`: run by the Pulumi engine through `pulumi-resource-gcp`."""

from __future__ import annotations

import argparse
import contextlib

from local.gcp_plugin import VERSION
from local.gcp_plugin.provider import GcpProvider
from local.gcp_plugin.server import serve


def main() -> None:
    """Read the engine's arguments and serve."""
    parser = argparse.ArgumentParser(
        prog="pulumi-resource-gcp", description="Local gcp provider plugin for Pulumi"
    )
    parser.add_argument("engine", help="address of the Pulumi engine")
    # The engine adds flags for tracing and logging, which this plugin has no use for.
    known, _ = parser.parse_known_args()
    with contextlib.suppress(KeyboardInterrupt):
        serve(GcpProvider(), VERSION, known.engine)


if __name__ == "__main__":
    main()
